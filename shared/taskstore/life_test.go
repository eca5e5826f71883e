package taskstore

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/go-redis/redis/v8"
	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
	"github.com/recon3d/recon3d/shared/task"
)

func TestALifeFromPictureToResults(t *testing.T) {
	f := setUp(t)
	c := f.create()
	f.same(c.Attempt, 1)
	f.record(c, Outcome{Fate: Accepted, Worker: "http://w", Beats: true}, task.Processing)
	_, _, err := f.report(c.TaskID, "completed", 1, "a.png", "b.png")
	f.refused(err, fault.ResultsMissing)
	f.result(c.TaskID, "a.png", 1)
	f.result(c.TaskID, "b.png", 1)
	status, changed, err := f.report(c.TaskID, "completed", 1, "a.png", "b.png")
	f.must(err)
	f.same(status, task.Completed)
	f.same(changed, true)
	f.same(f.events(c.TaskID), []string{"1 PENDING 0", "2 PROCESSING 1", "3 result a.png 1", "4 result b.png 1", "5 COMPLETED 1"})

	got := f.get(c.TaskID)
	if got.Progress != 100 || got.StartedAt.IsZero() || got.FinishedAt.IsZero() || len(got.Results) != 2 || got.Results[0].Name != "a.png" {
		t.Errorf("got %+v", got)
	}
	status, changed, err = f.report(c.TaskID, "completed", 1)
	f.must(err)
	f.same(status, task.Completed)
	f.same(changed, false)
	for _, said := range []string{"processing", "failed", "released"} {
		_, _, err = f.report(c.TaskID, said, 1)
		f.refused(err, fault.TaskFinished)
	}
	f.same(len(f.events(c.TaskID)), 5)
}

// The local host embeds a Redis where there is none, whose Lua is another: all scripts run there, too.
func TestALifeOnAnEmbeddedRedis(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	f := &fixture{T: t, ctx: context.Background(), rdb: rdb, store: New(rdb, policy)}
	c := f.processing()
	status, _, err := f.report(c.TaskID, "processing", 1)
	f.must(err)
	f.same(status, task.Processing)
	f.result(c.TaskID, "a.png", 1)
	_, err = f.store.AllowUpload(f.ctx, f.offer(c.TaskID, "b.png", 1), "incoming/b.png", time.Minute)
	f.must(err)
	_, _, err = f.report(c.TaskID, "completed", 1, "a.png", "b.png")
	f.refused(err, fault.ResultsMissing)
	_, _, err = f.report(c.TaskID, "released", 1)
	f.must(err)
	c, err = f.store.Claim(f.ctx, c.TaskID, time.Minute)
	f.must(err)
	f.same(c.Attempt, 2)
	f.record(c, Outcome{Fate: Accepted, Worker: "http://w"}, task.Processing)
	f.result(c.TaskID, "a.png", 2)
	_, _, err = f.report(c.TaskID, "completed", 2, "a.png")
	f.must(err)
	f.same(f.look(c.TaskID).What, "later")
	f.same(f.events(c.TaskID), []string{
		"1 PENDING 0", "2 PROCESSING 1", "3 result a.png 1", "4 PENDING 1", "5 PROCESSING 2", "6 result a.png 2", "7 COMPLETED 2",
	})
	f.same(len(f.get(c.TaskID).Results), 1)
	_, err = f.store.Delete(f.ctx, user, c.TaskID)
	f.must(err)
}

// Every script's second run with the same op answers as its first, and changes nothing.
func TestARerunAnswersAsTheFirstRun(t *testing.T) {
	f := setUp(t)
	c := f.create()
	id := c.TaskID
	one, two := 1, 2
	record := Offer{TaskID: id, Attempt: &two, Name: "a.png", SHA256: "sum", Size: 3, ContentType: "image/png"}
	steps := []call{
		c.outcome(Outcome{Fate: Accepted, Worker: "http://w", Beats: true}),
		Report{TaskID: id, Attempt: &one, Said: "processing", Progress: new(5), Stage: "mesh"}.call(),
		Report{TaskID: id, Attempt: &one, Said: "released"}.call(),
		{claimScript, id, nil, []any{"nonce-2", "60000"}},
		(&Claim{TaskID: id, Nonce: "nonce-2"}).outcome(Outcome{Fate: Accepted, Worker: "http://w", Beats: true}),
		record.call(recordScript, "k", record.Size, record.ContentType),
		Report{TaskID: id, Attempt: &two, Said: "completed", Required: []string{"a.png"}}.call(),
		{deleteScript, id, []string{deletedPrefix(task.PartitionOfID(id))}, []any{user}},
	}
	for i, c := range steps {
		first := f.store.command(f.ctx, c)
		args := slices.Clone(first.Args())
		_ = f.rdb.Process(f.ctx, first)
		if isNoScript(first.Err()) {
			var err error
			first, err = f.store.teach(f.ctx, first, c.script, nil)
			f.must(err)
		}
		answered, err := replyOf(first)
		f.must(err)
		before, err := f.rdb.XLen(f.ctx, EventsKey(id)).Result()
		f.must(err)
		second := redis.NewCmd(f.ctx, args...)
		f.must(f.rdb.Process(f.ctx, second))
		again, err := replyOf(second)
		f.must(err)
		after, err := f.rdb.XLen(f.ctx, EventsKey(id)).Result()
		f.must(err)
		if d := cmp.Diff(answered, again); d != "" || before != after {
			t.Errorf("step %d: first %q, rerun %q; events %d, then %d", i, answered, again, before, after)
		}
	}
}

// On a cluster every script stays in one slot, and the sweeper's and the relay's pipelines spread over all nodes.
func TestALifeOnACluster(t *testing.T) {
	rdb, err := redisdb.Open(redisdb.Config{URL: redistest.StartCluster(t).URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	f := &fixture{T: t, ctx: context.Background(), rdb: rdb, store: New(rdb, policy)}
	var asks []Ask
	for i := range 8 {
		owner := fmt.Sprint("user", i)
		res, err := f.store.Reserve(f.ctx, Order{User: owner, ImageID: f.picture(owner), Key: "k"})
		f.must(err)
		_, claim, err := f.store.Create(f.ctx, res, 0, 0)
		f.must(err)
		f.same(claim == nil, true)
		asks = append(asks, Ask{TaskID: res.ID})
	}
	run, err := f.store.BeginRun(f.ctx, time.Minute)
	f.must(err)
	due, err := f.store.Due(f.ctx, run.Now, 10)
	f.must(err)
	f.same(len(due), 8)
	for _, id := range due {
		f.same(f.look(id).What, "pending")
		claim, err := f.store.Claim(f.ctx, id, time.Minute)
		f.must(err)
		f.record(claim, Outcome{Fate: Accepted, Worker: "http://w"}, task.Processing)
		f.result(id, "a.png", 1)
		_, _, err = f.report(id, "completed", 1, "a.png")
		f.must(err)
	}
	logs, err := f.store.ReadLogs(f.ctx, asks)
	f.must(err)
	for _, log := range logs {
		f.same(len(log.Events), 4)
	}
	_, err = f.store.Delete(f.ctx, "user0", asks[0].TaskID)
	f.must(err)
	trash, err := f.store.RipeTrash(f.ctx, run.Now.Add(time.Hour), 10)
	f.must(err)
	f.must(f.store.Emptied(f.ctx, trash, run.Now.Add(time.Hour)))
	f.same(len(f.trash(asks[0].TaskID)), 0)
}
