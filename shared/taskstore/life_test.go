package taskstore

import (
	"context"
	"fmt"
	"testing"
	"time"

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

// Every script's second run with the same op answers as its first, and changes nothing.
func TestARerunAnswersAsTheFirstRun(t *testing.T) {
	f := setUp(t)
	c := f.create()
	id, attempt := c.TaskID, "1"
	required := "a.png"
	steps := []call{
		{outcomeScript, id, nil, []any{c.Nonce, "accepted", "http://w", 0, "1", "0", "", 0}},
		{reportScript, id, nil, []any{attempt, "processing", "", "", "5", "mesh", "", ""}},
		{reportScript, id, nil, []any{attempt, "released", "", "", "", "", "", ""}},
		{claimScript, id, nil, []any{"nonce-2", "60000"}},
		{outcomeScript, id, nil, []any{"nonce-2", "accepted", "http://w", 0, "1", "0", "", 0}},
		{resultScript, id, nil, []any{"record", "2", "a.png", "sum", 3, "image/png", "k", "0"}},
		{reportScript, id, nil, []any{"2", "completed", "", "", "", "", "", "", required}},
		{deleteScript, id, []string{deletedPrefix(task.PartitionOfID(id))}, []any{user}},
	}
	for i, c := range steps {
		keys, args := f.store.keysAndArgs(c)
		first, err := replyOf(c.script.Run(f.ctx, f.rdb, keys, args...))
		f.must(err)
		before, err := f.rdb.XLen(f.ctx, EventsKey(id)).Result()
		f.must(err)
		second, err := replyOf(c.script.Run(f.ctx, f.rdb, keys, args...))
		f.must(err)
		after, err := f.rdb.XLen(f.ctx, EventsKey(id)).Result()
		f.must(err)
		if d := cmp.Diff(first, second); d != "" || before != after {
			t.Errorf("step %d: first %q, rerun %q; events %d, then %d", i, first, second, before, after)
		}
	}
}

// On a cluster every script stays in one slot, and the sweeper's and the relay's pipelines spread over all nodes.
func TestALifeOnACluster(t *testing.T) {
	rdb, err := redisdb.Open(redisdb.Config{URL: redistest.StartCluster(t)})
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
