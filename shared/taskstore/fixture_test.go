package taskstore

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
	"github.com/recon3d/recon3d/shared/task"
)

// policy has no time that runs out in a test by itself: tests make time pass by moving what is stored (see age).
var policy = Policy{
	HeartbeatTimeout: time.Hour, TaskTimeout: time.Hour, Retention: time.Hour,
	MaxAttempts: 2, QueueDeadline: time.Hour, DispatchDeadline: time.Hour,
}

const user = "ann"

// traced is the traceparent of the tasks that create makes.
const traced = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

type fixture struct {
	*testing.T
	ctx   context.Context
	rdb   redis.UniversalClient
	store *Store
}

func setUp(t *testing.T) *fixture {
	t.Helper()
	rdb := redistest.Start(t).Client()
	t.Cleanup(func() { _ = rdb.Close() })
	return &fixture{T: t, ctx: context.Background(), rdb: rdb, store: New(rdb, policy)}
}

// picture records one, as package picturestore does.
func (f *fixture) picture(owner string) string {
	f.Helper()
	id := task.NewID(owner)
	f.must(f.rdb.HSet(f.ctx, PictureKey(id), "user", owner, "name", "a.png", "contentType", "image/png", "size", 7, "sha256", "s",
		"key", "pictures/"+id, "ext", "png", "state", "ready").Err())
	return id
}

// create makes a task whose first hand-over is claimed.
func (f *fixture) create() *Claim {
	f.Helper()
	res, err := f.store.Reserve(f.ctx, Order{User: user, ImageID: f.picture(user), Formats: "stl 3mf", Trace: traced})
	f.must(err)
	_, claim, err := f.store.Create(f.ctx, res, time.Minute, 0)
	f.must(err)
	if claim == nil {
		f.Fatal("a new task was not claimed")
	}
	return claim
}

// processing makes a task that a worker has, with heartbeats.
func (f *fixture) processing() *Claim {
	f.Helper()
	c := f.create()
	f.record(c, Outcome{Fate: Accepted, Worker: "http://w", Beats: true}, task.Processing)
	return c
}

func (f *fixture) record(c *Claim, o Outcome, want task.Status) {
	f.Helper()
	status, held, err := f.store.Record(f.ctx, c, o)
	f.must(err)
	if !held || status != want {
		f.Fatalf("recorded %s: held %v, status %s, want %s", o.Fate, held, status, want)
	}
}

func (f *fixture) report(id, said string, attempt int, required ...string) (task.Status, bool, error) {
	r := Report{TaskID: id, Said: said, Required: required, Error: task.Error{Code: "worker_failed", Message: "m"}}
	if attempt > 0 {
		r.Attempt = &attempt
	}
	return f.store.Report(f.ctx, r)
}

func (f *fixture) offer(id, name string, attempt int) Offer {
	return Offer{TaskID: id, Name: name, Attempt: &attempt, SHA256: "sum-" + name, Size: 3, ContentType: "image/png"}
}

func (f *fixture) result(id, name string, attempt int) {
	f.Helper()
	o := f.offer(id, name, attempt)
	key := fmt.Sprintf("k/%s/%d/%s", id, attempt, name)
	_, err := f.store.ReserveResult(f.ctx, o, key)
	f.must(err)
	_, err = f.store.RecordResult(f.ctx, o, key)
	f.must(err)
}

// age lets d pass for a task: every time that is stored on it moves into the past.
func (f *fixture) age(id string, d time.Duration) {
	f.Helper()
	for _, field := range []string{"nextTry", "claimUntil", "pendingSince", "silentSince", "lease", "runSince", "finishedAt"} {
		v, err := f.rdb.HGet(f.ctx, TaskKey(id), field).Result()
		if err == nil && v != "" && v != "0" {
			f.must(f.rdb.HIncrBy(f.ctx, TaskKey(id), field, -d.Milliseconds()).Err())
		}
	}
	for _, key := range []string{dueKey(task.PartitionOfID(id)), keptKey(task.PartitionOfID(id))} {
		if _, err := f.rdb.ZScore(f.ctx, key, id).Result(); err == nil {
			f.must(f.rdb.ZIncrBy(f.ctx, key, -float64(d.Milliseconds()), id).Err())
		}
	}
}

func (f *fixture) get(id string) task.Task {
	f.Helper()
	t, err := f.store.Get(f.ctx, user, id)
	f.must(err)
	return t
}

func (f *fixture) look(id string) Finding {
	f.Helper()
	found, err := f.store.Look(f.ctx, id, Run{})
	f.must(err)
	return found
}

// events tells a task's events in short: `1 PENDING 0`, `3 result a.png 1`.
func (f *fixture) events(id string) []string {
	f.Helper()
	log, err := f.store.ReadLog(f.ctx, id, 0)
	f.must(err)
	var short []string
	for _, e := range log.Events {
		what := string(e.Status)
		if e.Result != nil {
			what = "result " + e.Result.Name
		}
		short = append(short, fmt.Sprintf("%d %s %d", e.Number, what, e.Attempt))
	}
	return short
}

func (f *fixture) trash(id string) []string {
	f.Helper()
	members, err := f.rdb.ZRange(f.ctx, TrashKey(task.PartitionOfID(id)), 0, -1).Result()
	f.must(err)
	return members
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) refused(err error, code fault.Code) {
	f.Helper()
	if !fault.Is(err, code) {
		f.Fatalf("got %v, want %s", err, code)
	}
}

func (f *fixture) same(got, want any) {
	f.Helper()
	if d := cmp.Diff(want, got); d != "" {
		f.Fatalf("(-want +got)\n%s", d)
	}
}
