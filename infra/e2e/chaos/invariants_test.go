package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"
)

// calm is a plan without faults that has every intent in it.
func calm() Plan {
	p := Plan{Seed: 3, Length: 2 * time.Second}
	for i, intent := range []Intent{Complete, Complete, Fail, Reject, GiveBack, Cancel, Delete} {
		p.Tasks = append(p.Tasks, PlannedTask{
			Index: i, At: time.Duration(i) * 200 * time.Millisecond, User: fmt.Sprintf("user-%d", i%2), Intent: intent,
			Work: 500 * time.Millisecond, Direct: i == 1, Large: i == 1, Twice: i == 0, After: 100 * time.Millisecond,
		})
	}
	return p
}

// plant is a bug that somebody might build in, as far as it shows in what is left. It is planted into the real Redis and COS, the ledger
// or what was gathered from all, and taken out again.
type plant struct {
	bug   string
	found string // the invariant that finds it
	do    func(p *planted)
}

// planted is a system that has come to rest, and what can be done to it.
type planted struct {
	*world
	t    *testing.T
	task *Story          // that completed
	late func(*Evidence) // to what was gathered
	undo []func()
}

func (p *planted) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// redo runs a command of Redis, and puts the key back afterwards.
func (p *planted) redo(key string, args ...any) {
	p.t.Helper()
	ctx := context.Background()
	before, err := p.redis.Dump(ctx, key).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		p.t.Fatal(err)
	}
	left := max(p.redis.PTTL(ctx, key).Val(), 0)
	p.undo = append(p.undo, func() {
		p.must(p.redis.Del(ctx, key).Err())
		if before != "" {
			p.must(p.redis.Restore(ctx, key, left, before).Err())
		}
	})
	p.must(p.redis.Do(ctx, append([]any{args[0], key}, args[1:]...)...).Err())
}

// key is a key of the task's, or of its partition.
func (p *planted) key(form string) string {
	id := p.task.TaskID()
	return strings.NewReplacer("ID", id, "PP", id[len(id)-2:]).Replace("recon:{PP}:" + form)
}

// one finds a key of a kind.
func (p *planted) one(kind string) string {
	p.t.Helper()
	all, err := readKeys(context.Background(), p.redis)
	p.must(err)
	for name := range all {
		if kindOf(name) == kind {
			return name
		}
	}
	p.t.Fatalf("there is no %s", kind)
	return ""
}

// put writes an object; remove takes one away. Both are undone.
func (p *planted) put(key, content string) {
	p.t.Helper()
	p.keepObject(key)
	_, err := p.bucket.Object.Put(context.Background(), key, strings.NewReader(content), nil)
	p.must(err)
}

func (p *planted) remove(key string) {
	p.t.Helper()
	p.keepObject(key)
	_, err := p.bucket.Object.Delete(context.Background(), key)
	p.must(err)
}

func (p *planted) keepObject(key string) {
	p.t.Helper()
	ctx := context.Background()
	var before []byte
	if res, err := p.bucket.Object.Get(ctx, key, nil); err == nil {
		before, err = io.ReadAll(res.Body)
		p.must(errors.Join(err, res.Body.Close()))
	}
	p.undo = append(p.undo, func() {
		var err error
		if before == nil {
			_, err = p.bucket.Object.Delete(ctx, key)
		} else {
			_, err = p.bucket.Object.Put(ctx, key, strings.NewReader(string(before)), nil)
		}
		p.must(err)
	})
}

func plants() []plant {
	story := func(change func(*Story)) func(*planted) {
		return func(p *planted) {
			before := *p.task
			before.Events, before.TaskIDs = slices.Clone(before.Events), slices.Clone(before.TaskIDs)
			p.undo = append(p.undo, func() { *p.task = before })
			change(p.task)
		}
	}
	evidence := func(change func(*planted, *Evidence)) func(*planted) {
		return func(p *planted) { p.late = func(e *Evidence) { change(p, e) } }
	}
	visited := func(change func(*planted, *Visit)) func(*planted) {
		return evidence(func(p *planted, e *Evidence) {
			v := Visit{TaskID: p.task.TaskID(), Status: 200}
			change(p, &v)
			e.Visits = append(slices.Clone(e.Visits), v)
		})
	}
	answered := func(status int, code, retryAfter string) func(*planted) {
		return evidence(func(_ *planted, e *Evidence) {
			e.Answers = append(slices.Clone(e.Answers), Answer{
				Status: status, Type: "application/problem+json", RetryAfter: retryAfter, RequestID: "r",
				Body: fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d,"detail":"d","code":%q,"requestId":"r"}`, http.StatusText(status), status, code),
			})
		})
	}
	return []plant{
		{"the relay does not read again after a reconnection", "events", story(func(s *Story) { s.Events = slices.Delete(s.Events, 2, 3) })},
		{"the relay sends what it sent before", "events", story(func(s *Story) { s.Events = slices.Insert(s.Events, 2, s.Events[1]) })},
		{"the relay ends a stream before its end", "events", story(func(s *Story) { s.Events = s.Events[:len(s.Events)-1] })},
		{"the relay tells of another attempt", "events", story(func(s *Story) { s.Events[1].Attempt++ })},
		{"the store takes a result of an older attempt", "lifecycle", func(p *planted) {
			p.redo(p.key("task:ID:events"), "XADD", fmt.Sprintf("0-%d", len(p.task.Events)+1), "kind", "result", "attempt", "0", "at", "1", "name", "old.png")
		}},
		{"the store moves a task that has ended", "lifecycle", func(p *planted) {
			p.redo(p.key("task:ID:events"), "XADD", fmt.Sprintf("0-%d", len(p.task.Events)+1), "kind", "status", "status", "PROCESSING", "attempt", "1", "at", "1")
		}},
		{"the store writes a task and not its event", "lifecycle", func(p *planted) { p.redo(p.key("task:ID"), "HSET", "status", "PROCESSING") }},
		{"the loser overwrites the winner's result", "bytes", func(p *planted) { p.put("reconstruction/"+p.task.TaskID()+"/output3d.zip", "the loser's") }},
		{"an object is not what its record says", "objects", func(p *planted) { p.put("reconstruction/"+p.task.TaskID()+"/output3d.zip", "the loser's") }},
		{"a recorded object is lost", "objects", func(p *planted) { p.remove("reconstruction/" + p.task.TaskID() + "/original.png") }},
		{"a task completes without a result", "bytes", evidence(func(p *planted, e *Evidence) { delete(e.Last[p.task.TaskID()].Results, "xyz_images.png") })},
		{"no trash is written for what is given up", "objects", func(p *planted) { p.put("reconstruction/"+p.task.TaskID()+"/attempt-2/lost.png", "x") }},
		{"the trash has what is still wanted", "objects", func(p *planted) {
			p.redo(p.key("trash"), "ZADD", "9999999999999", "2 reconstruction/"+p.task.TaskID()+"/output3d.zip")
		}},
		{"the due index is not cleaned", "indexes", func(p *planted) { p.redo(p.key("due"), "ZADD", "+inf", p.task.TaskID()) }},
		{"a task is not kept", "indexes", func(p *planted) { p.redo(p.key("kept"), "ZREM", p.task.TaskID()) }},
		{"a task counts as active for ever", "indexes", func(p *planted) { p.redo(p.ofUser("active"), "ZADD", "+inf", p.task.TaskID()) }},
		{"a deleted task leaves its events", "indexes", func(p *planted) {
			p.redo(strings.Replace(p.key("task:ID:events"), "-7", "-8", 1), "XADD", "0-1", "kind", "status")
		}},
		{"a task is not in its user's list", "one create", func(p *planted) { p.redo(p.ofUser("tasks"), "ZREM", p.task.TaskID()) }},
		{"a repeated create is another task", "one create", story(func(s *Story) { s.TaskIDs = append(s.TaskIDs, "01a20abd-a3b5-7ec0-bae8-81db10dbb992") })},
		{"a key is kept for ever", "keys", func(p *planted) { p.redo(p.one("idempotency"), "PERSIST") }},
		{"a task expires", "keys", func(p *planted) { p.redo(p.key("task:ID"), "PEXPIRE", "1000000") }},
		{"a key is of no kind", "keys", func(p *planted) { p.redo("recon:forgotten", "SET", "x") }},
		{"status is read from a replica that lags", "no way back", story(func(s *Story) {
			s.Snapshots = append(s.Snapshots, Snapshot{Status: "COMPLETED", Attempt: 1}, Snapshot{Status: "PENDING", Attempt: 1})
		})},
		{"a callback is answered before it is stored", "effects", func(p *planted) {
			p.call(Call{ID: "planted", Kind: "result", TaskID: p.task.TaskID(), Attempt: 1, Name: "model.glb", SHA256: "x", Status: 200})
		}},
		{"a verdict is answered and not stored", "effects", func(p *planted) {
			p.call(Call{ID: "planted", Kind: "status", TaskID: p.task.TaskID(), Attempt: 1, Word: "failed", Status: 200})
		}},
		{"a worker whose clock is two minutes ahead is refused", "honest workers", func(p *planted) {
			p.call(Call{ID: "planted", Kind: "status", TaskID: p.task.TaskID(), Attempt: 1, Word: "processing", Status: 401, Code: "signature_invalid"})
		}},
		{"a picture that is there is not found", "users", story(func(s *Story) { s.Refusals = []string{"POST: 404 picture_not_found"} })},
		{"a worker is given another picture", "input", evidence(func(p *planted, e *Evidence) { e.Taken[p.task.TaskID()] = []handover{{"worker-1", 1, "another"}} })},
		{"an uploaded picture is lost", "input", func(p *planted) { p.redo(p.key("picture:"+p.task.Pictures[0]), "DEL") }},
		{"a real worker's result is refused for good", "honest workers", evidence(func(_ *planted, e *Evidence) { e.Dead["python-1"] = 1 })},
		{"the relay tells of progress after the end", "events", story(func(s *Story) { s.Late = 1 })},
		{"a task fails because its worker died", "outcome", evidence(func(p *planted, e *Evidence) {
			e.Last[p.task.TaskID()] = Snapshot{Status: "FAILED", Error: "worker_lost"}
		})},
		{"the relay believes an id that nobody can have seen", "strangers", visited(func(p *planted, v *Visit) { v.From, v.Events = "99", p.task.Events[1:] })},
		{"the relay takes what is no number for one", "strangers", visited(func(p *planted, v *Visit) { v.From, v.Events = "1abc", p.task.Events[1:] })},
		{"the relay leaves out an event for who comes back", "strangers", visited(func(p *planted, v *Visit) {
			v.From, v.Events = "1", slices.Delete(slices.Clone(p.task.Events[1:]), 1, 2)
		})},
		{"a Redis that is full is told as a fault of ours", "errors", answered(500, "internal", "")},
		{"an error does not say when to try again", "errors", answered(503, "unavailable", "")},
		{"an error has the status of another", "errors", answered(404, "unavailable", "2")},
		{"a panic is answered by net/http", "errors", evidence(func(_ *planted, e *Evidence) {
			e.Answers = append(slices.Clone(e.Answers), Answer{Status: 500, Type: "text/plain", Body: "Internal Server Error"})
		})},
		{"the list is read from elsewhere", "list", evidence(func(p *planted, e *Evidence) {
			id := p.task.TaskID()
			e.Item[id] = strings.Replace(e.Item[id], "COMPLETED", "PROCESSING", 1)
		})},
		{"a deletion leaves a task's events", "remains", evidence(func(p *planted, e *Evidence) {
			e.After = &Remains{Keys: map[string]Key{p.key("task:ID:events"): {Type: "stream"}}}
		})},
		{"a deletion leaves an object", "remains", evidence(func(p *planted, e *Evidence) {
			e.After = &Remains{Objects: map[string]string{"reconstruction/" + p.task.TaskID() + "/output3d.zip": ""}}
		})},
		{"a deleted task counts as active", "remains", evidence(func(p *planted, e *Evidence) {
			e.After = &Remains{Keys: map[string]Key{p.ofUser("active"): {Scores: map[string]float64{p.task.TaskID(): math.Inf(1)}}}}
		})},
		{"a task never ends", "one end", evidence(func(p *planted, e *Evidence) { e.Last[p.task.TaskID()] = Snapshot{Status: "PROCESSING"} })},
		{"a create is never accepted", "one end", story(func(s *Story) { s.TaskIDs = nil })},
		{"a deleted task is still there", "one end", func(p *planted) {
			before := p.task.Plan
			p.undo = append(p.undo, func() { p.task.Plan = before })
			p.task.Plan.Intent = Delete
		}},
		{"the relay stays subscribed", "subscriptions", func(p *planted) {
			bell := p.redis.Subscribe(context.Background(), "recon:events:"+p.task.TaskID())
			_, err := bell.Receive(context.Background())
			p.must(err)
			p.undo = append(p.undo, func() { p.must(bell.Close()) })
		}},
		{"a function keeps connections", "descriptors", evidence(func(_ *planted, e *Evidence) { e.Open["relay-1"] = [2]int{10, 100} })},
		{"a function keeps goroutines", "goroutines", evidence(func(_ *planted, e *Evidence) { e.Routines = map[string][2]int{"relay-1": {10, 100}} })},
		{"a function leaves a file", "files", func(p *planted) {
			path := filepath.Join(p.dir, "tmp-picture", "upload-1")
			p.must(os.WriteFile(path, nil, 0o600))
			p.undo = append(p.undo, func() { p.must(os.Remove(path)) })
		}},
		{"an outbox is never empty", "rest", evidence(func(_ *planted, e *Evidence) { e.Unended = []string{"worker-1"} })},
	}
}

// call plants a callback.
func (p *planted) call(c Call) {
	before := p.ledger.calls
	p.undo = append(p.undo, func() { p.ledger.calls = before })
	p.ledger.calls = append(slices.Clone(before), c)
}

// ofUser is a key of the task's user.
func (p *planted) ofUser(kind string) string {
	p.t.Helper()
	user, err := p.redis.HGet(context.Background(), p.key("task:ID"), "userKey").Result()
	p.must(err)
	return user + ":" + kind
}

// Each invariant finds bugs of its kind, on a real system where nothing else is wrong.
func TestPlantedBugsAreFound(t *testing.T) {
	w := begin(t, calm())
	w.untidy = true
	r, err := w.run(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Violations) > 0 {
		t.Fatal(r.markdown())
	}
	for name := range w.network.links { // run has cut them
		if err := w.network.enable(t.Context(), name, true); err != nil {
			t.Fatal(err)
		}
	}
	w.timerEnd() // nothing moves from here on

	bitten := map[string]bool{}
	for _, bug := range plants() {
		t.Run(bug.bug, func(t *testing.T) {
			p := &planted{world: w, t: t, task: w.ledger.stories[0], late: func(*Evidence) {}}
			defer func() {
				for _, undo := range slices.Backward(p.undo) {
					undo()
				}
			}()
			bug.do(p)
			e, err := w.collect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			p.late(e)
			found := judge(e)
			if found[bug.found] == nil {
				t.Errorf("%q does not find it; what does: %v", bug.found, found)
			}
			bitten[bug.found] = true
		})
	}
	for _, i := range invariants() {
		if !bitten[i.name] {
			t.Errorf("no planted bug shows that %q bites", i.name)
		}
	}
	e, err := w.collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left := judge(e); len(left) > 0 {
		t.Errorf("after all was taken out again: %v", left)
	}
}
