package taskstore

import (
	"bufio"
	std "flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/task"
)

// Whoever is about to change what the scripts write keeps the present format first, so that the next version is tried on it:
//
//	go test ./shared/taskstore -run TestFormats -write testdata/what-is-about-to-change.redis
var write = std.String("write", "", "write tasks in the present format to this file")

// Tasks that other versions wrote, in whatever state they are at an upgrade, are taken to their ends by this one.
func TestFormats(t *testing.T) {
	present := filepath.Join(t.TempDir(), "present.redis")
	if *write != "" {
		present = *write
	}
	f := setUp(t)
	f.dump(present, f.seed())
	files, err := filepath.Glob(filepath.Join("testdata", "*.redis"))
	f.must(err)
	if len(files) == 0 {
		t.Error("no format of before is kept")
	}
	for _, file := range append(files, present) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".redis"), func(t *testing.T) {
			f := setUp(t)
			tasks := f.load(file)
			t.Run("waiting", func(t *testing.T) { f.on(t).takeWaiting(tasks["waiting"]) })
			t.Run("claimed", func(t *testing.T) { f.on(t).takeClaimed(tasks["claimed"]) })
			t.Run("working", func(t *testing.T) { f.on(t).takeWorking(tasks["working"]) })
			t.Run("second", func(t *testing.T) { f.on(t).takeSecond(tasks["second"]) })
			t.Run("cancelled", func(t *testing.T) { f.on(t).takeCancelled(tasks["cancelled"]) })
			t.Run("deleted", func(t *testing.T) { f.on(t).takeDeleted(tasks["deleted"]) })
			t.Run("completed", func(t *testing.T) { f.on(t).takeCompleted(tasks["completed"]) })
			t.Run("failed", func(t *testing.T) { f.on(t).takeFailed(tasks["failed"]) })
			t.Run("list", func(t *testing.T) {
				f := f.on(t)
				all, more, err := f.store.List(f.ctx, user, "", 100)
				f.must(err)
				f.same(len(all), len(tasks)-2) // the one that was deleted, and the one whose time is over
				f.same(more, false)
			})
		})
	}
}

// seed makes a task in each state that an upgrade may meet.
func (f *fixture) seed() map[string]string {
	f.Helper()
	half := func(attempt int) string {
		c := f.processing()
		if attempt > 1 {
			_, _, err := f.report(c.TaskID, "released", 1)
			f.must(err)
			c, err = f.store.Claim(f.ctx, c.TaskID, time.Minute)
			f.must(err)
			f.record(c, Outcome{Fate: Accepted, Worker: "http://w2", Beats: true}, task.Processing)
		}
		f.result(c.TaskID, "a.png", attempt)
		_, err := f.store.ReserveResult(f.ctx, f.offer(c.TaskID, "b.png", attempt), "k/"+c.TaskID+"/b")
		f.must(err)
		_, _, err = f.report(c.TaskID, "processing", attempt)
		f.must(err)
		return c.TaskID
	}
	waiting := f.create()
	f.record(waiting, Outcome{Fate: Busy}, task.Pending)
	completed := f.processing().TaskID
	f.result(completed, "a.png", 1)
	f.result(completed, "b.png", 1)
	_, _, err := f.report(completed, "completed", 1, "a.png", "b.png")
	f.must(err)
	failed := f.processing().TaskID
	_, _, err = f.report(failed, "failed", 1)
	f.must(err)
	return map[string]string{
		"waiting": waiting.TaskID, "claimed": f.create().TaskID, "working": half(1), "second": half(2), "cancelled": half(1), "deleted": half(1),
		"completed": completed, "failed": failed,
	}
}

// on is the fixture for a subtest.
func (f *fixture) on(t *testing.T) *fixture {
	g := *f
	g.T = t
	return &g
}

func (f *fixture) takeWaiting(id string) {
	f.Helper()
	f.same(f.look(id).What, "pending")
	c, err := f.store.Claim(f.ctx, id, time.Minute)
	f.must(err)
	f.same([]any{c.Attempt, c.User, c.Formats, c.Input.Name}, []any{1, user, "stl 3mf", "a.png"})
	f.record(c, Outcome{Fate: Accepted, Worker: "http://w"}, task.Processing)
	f.result(id, "a.png", 1)
	_, _, err = f.report(id, "completed", 1, "a.png")
	f.must(err)
	f.same(f.events(id), []string{"1 PENDING 0", "2 PROCESSING 1", "3 result a.png 1", "4 COMPLETED 1"})
}

// takeClaimed: the dispatcher that had the claim was of the other version, and was ended.
func (f *fixture) takeClaimed(id string) {
	f.Helper()
	c, err := f.store.Claim(f.ctx, id, time.Minute)
	f.must(err)
	f.same(c == nil, true)
	f.age(id, 2*time.Minute)
	c, err = f.store.Claim(f.ctx, id, time.Minute)
	f.must(err)
	f.same(c.Attempt, 2)
	f.record(c, Outcome{Fate: Rejected, Message: "m"}, task.Failed)
}

// takeWorking: the worker goes on, and says again what it does not know to have been heard.
func (f *fixture) takeWorking(id string) {
	f.Helper()
	f.same(f.look(id).What, "later")
	f.same(f.events(id), []string{"1 PENDING 0", "2 PROCESSING 1", "3 result a.png 1"})
	again, err := f.store.ReserveResult(f.ctx, f.offer(id, "a.png", 1), "k/other")
	f.must(err)
	f.same(again.Duplicate, true)
	f.same(again.Size, int64(3))
	other := f.offer(id, "a.png", 1)
	other.SHA256 = "other"
	_, err = f.store.ReserveResult(f.ctx, other, "k/other")
	f.refused(err, fault.ResultConflict)
	_, _, err = f.report(id, "completed", 1, "a.png", "b.png")
	f.refused(err, fault.ResultsMissing)
	f.result(id, "b.png", 1)
	f.result(id, "c.png", 1)
	f.same(len(f.get(id).Results), 3)
	_, _, err = f.report(id, "completed", 1, "a.png", "b.png")
	f.must(err)
	f.same(f.events(id), []string{
		"1 PENDING 0", "2 PROCESSING 1", "3 result a.png 1", "4 result b.png 1", "5 result c.png 1", "6 COMPLETED 1",
	})
}

// takeSecond: its worker gives it back, and no attempt is left.
func (f *fixture) takeSecond(id string) {
	f.Helper()
	f.same(f.get(id).Attempt, 2)
	_, _, err := f.report(id, "processing", 1)
	f.refused(err, fault.AttemptSuperseded)
	status, _, err := f.report(id, "released", 2)
	f.must(err)
	f.same(status, task.Failed)
	got := f.get(id)
	f.same(got.Error.Code, task.WorkerLost)
	f.same(len(got.Results), 1)
}

func (f *fixture) takeCancelled(id string) {
	f.Helper()
	h, err := f.store.Cancel(f.ctx, user, id)
	f.must(err)
	f.same(h.URL, "http://w")
	_, _, err = f.report(id, "completed", 1, "a.png")
	f.refused(err, fault.TaskFinished)
}

// takeDeleted: no object is left behind.
func (f *fixture) takeDeleted(id string) {
	f.Helper()
	_, err := f.store.Delete(f.ctx, user, id)
	f.must(err)
	trash := f.trash(id)
	for _, key := range []string{"k/" + id + "/1/a.png", "k/" + id + "/b", CopyPrefix + id + "/original.png"} {
		for _, round := range []string{"1 ", "2 "} {
			if !slices.Contains(trash, round+key) {
				f.Errorf("%s%s is not in the trash", round, key)
			}
		}
	}
}

// takeCompleted: it is there until its time is over, wherever its version indexed it.
func (f *fixture) takeCompleted(id string) {
	f.Helper()
	got := f.get(id)
	f.same([]any{got.Status, len(got.Results), got.Results[1].Name, got.Results[1].Key}, []any{task.Completed, 2, "b.png", "k/" + id + "/1/b.png"})
	f.same(f.events(id)[4], "5 COMPLETED 1")
	f.same(f.look(id).What, "later")
	f.age(id, 2*policy.Retention)
	run, err := f.store.BeginRun(f.ctx, time.Minute)
	f.must(err)
	due, err := f.store.Due(f.ctx, run.Now, 100)
	f.must(err)
	f.same(slices.Contains(due, id), true)
	f.same(f.look(id).What, "expired")
}

func (f *fixture) takeFailed(id string) {
	f.Helper()
	f.same(*f.get(id).Error, task.Error{Code: "worker_failed", Message: "m"})
	log, err := f.store.ReadLog(f.ctx, id, 2)
	f.must(err)
	f.same(len(log.Events), 1)
	f.same(log.Events[0].Error.Message, "m")
}

// dump writes all that the server has to a file of Redis commands: words in Go's (and redis-cli's) quotes.
func (f *fixture) dump(file string, tasks map[string]string) {
	f.Helper()
	var text strings.Builder
	now, err := f.rdb.Time(f.ctx).Result()
	f.must(err)
	fmt.Fprintf(&text, "# at %d\n", now.UnixMilli())
	for name, id := range tasks {
		fmt.Fprintf(&text, "# %s %s\n", name, id)
	}
	keys, err := f.rdb.Keys(f.ctx, "*").Result()
	f.must(err)
	slices.Sort(keys)
	command := func(words ...string) {
		for i, w := range words {
			words[i] = strconv.QuoteToASCII(w)
		}
		text.WriteString(strings.Join(words, " ") + "\n")
	}
	for _, key := range keys {
		switch kind := f.rdb.Type(f.ctx, key).Val(); kind {
		case "string":
			command("SET", key, f.rdb.Get(f.ctx, key).Val())
		case "hash":
			fields := f.rdb.HGetAll(f.ctx, key).Val()
			words := []string{"HSET", key}
			for name, value := range fields {
				words = append(words, name, value)
			}
			command(words...)
		case "zset":
			words := []string{"ZADD", key}
			for _, z := range f.rdb.ZRangeWithScores(f.ctx, key, 0, -1).Val() {
				words = append(words, strconv.FormatFloat(z.Score, 'f', -1, 64), z.Member.(string))
			}
			command(words...)
		case "stream":
			for _, m := range f.rdb.XRange(f.ctx, key, "-", "+").Val() {
				words := []string{"XADD", key, m.ID}
				for name, value := range m.Values {
					words = append(words, name, value.(string))
				}
				command(words...)
			}
		default:
			f.Fatalf("%s is a %s", key, kind)
		}
	}
	f.must(os.WriteFile(file, []byte(text.String()), 0o600))
}

// load runs the commands of a file, and has its tasks be as old as they were when they were written.
func (f *fixture) load(file string) map[string]string {
	f.Helper()
	r, err := os.Open(file)
	f.must(err)
	defer func() { f.must(r.Close()) }()
	tasks, at := map[string]string{}, int64(0)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if name, value, ok := strings.Cut(strings.TrimPrefix(line, "# "), " "); ok && strings.HasPrefix(line, "# ") {
			if name == "at" {
				at = atoi64(value)
			} else {
				tasks[name] = value
			}
			continue
		}
		var words []any
		for line != "" {
			quoted, err := strconv.QuotedPrefix(line)
			f.must(err)
			word, err := strconv.Unquote(quoted)
			f.must(err)
			words = append(words, word)
			line = strings.TrimPrefix(line[len(quoted):], " ")
		}
		f.must(f.rdb.Do(f.ctx, words...).Err())
	}
	f.must(lines.Err())
	now, err := f.rdb.Time(f.ctx).Result()
	f.must(err)
	for _, id := range tasks {
		f.age(id, -now.Sub(time.UnixMilli(at)))
	}
	return tasks
}
