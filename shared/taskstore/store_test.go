package taskstore

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
	"github.com/recon3d/recon3d/shared/task"
)

// policy has no time that runs out in a test by itself: tests make time pass by moving what is stored (see age).
var policy = Policy{
	HeartbeatTimeout: time.Hour, TaskTimeout: time.Hour, Retention: time.Hour,
	MaxAttempts: 2, QueueDeadline: time.Hour, DispatchDeadline: time.Hour,
}

const user = "ann"

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
	res, err := f.store.Reserve(f.ctx, Order{User: user, ImageID: f.picture(user)})
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
	f.must(f.rdb.ZIncrBy(f.ctx, dueKey(task.PartitionOfID(id)), -float64(d.Milliseconds()), id).Err())
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

func TestAnUnknownFateRaisesTheAttemptAndAClearRefusalDoesNot(t *testing.T) {
	f := setUp(t)
	c := f.create()
	for _, step := range []struct {
		fate Fate
		next int
	}{{Refused, 1}, {Busy, 1}, {Waiting, 1}, {Unknown, 2}, {Refused, 2}, {Unknown, 3}} {
		f.record(c, Outcome{Fate: step.fate, Worker: "http://w"}, task.Pending)
		var err error
		c, err = f.store.Claim(f.ctx, c.TaskID, time.Minute)
		f.must(err)
		if c == nil || c.Attempt != step.next {
			t.Fatalf("after %s: claim %+v, want attempt %d", step.fate, c, step.next)
		}
	}
}

func TestAClaimThatRanOutIsAnUnknownFate(t *testing.T) {
	f := setUp(t)
	first := f.create()
	again, err := f.store.Claim(f.ctx, first.TaskID, time.Minute)
	f.must(err)
	if again != nil {
		t.Fatal("claimed twice")
	}
	f.age(first.TaskID, 2*time.Minute)
	second, err := f.store.Claim(f.ctx, first.TaskID, time.Minute)
	f.must(err)
	if second == nil || second.Attempt != 2 {
		t.Fatalf("got %+v, want attempt 2", second)
	}
	_, held, err := f.store.Record(f.ctx, first, Outcome{Fate: Accepted, Worker: "http://w"})
	f.must(err)
	if held {
		t.Error("the holder of a claim that ran out recorded its outcome")
	}
	f.record(second, Outcome{Fate: Accepted, Worker: "http://w"}, task.Processing)
}

func TestACallbackStandsInForTheLost202(t *testing.T) {
	f := setUp(t)
	c := f.create()
	f.record(c, Outcome{Fate: Unknown, Worker: "http://w"}, task.Pending)
	status, changed, err := f.report(c.TaskID, "processing", 1)
	f.must(err)
	f.same(status, task.Processing)
	f.same(changed, true)
	f.same(f.events(c.TaskID), []string{"1 PENDING 0", "2 PROCESSING 1"})

	// The callback may even come before the outcome is recorded.
	c = f.create()
	_, _, err = f.report(c.TaskID, "processing", 1)
	f.must(err)
	f.record(c, Outcome{Fate: Unknown, Worker: "http://w"}, task.Processing)
	f.same(f.events(c.TaskID), []string{"1 PENDING 0", "2 PROCESSING 1"})
}

func TestALeaseThatRanOutLeadsToTheNextAttemptAndAtLastToFailure(t *testing.T) {
	f := setUp(t)
	c := f.processing()
	f.result(c.TaskID, "a.png", 1)
	f.same(f.look(c.TaskID).What, "later")
	f.age(c.TaskID, 2*policy.HeartbeatTimeout-time.Minute) // the run time is bounded by the same hour
	f.must(f.rdb.HSet(f.ctx, TaskKey(c.TaskID), "runSince", time.Now().UnixMilli()).Err())
	f.same(f.look(c.TaskID), Finding{What: "lost", Status: task.Pending})

	// Until the attempt rises the silent worker is still the present one.
	status, _, err := f.report(c.TaskID, "processing", 1)
	f.must(err)
	f.same(status, task.Processing)
	f.same(len(f.get(c.TaskID).Results), 1)
	_, _, err = f.report(c.TaskID, "released", 1)
	f.must(err)

	second, err := f.store.Claim(f.ctx, c.TaskID, time.Minute)
	f.must(err)
	f.same(second.Attempt, 2)
	f.same(len(f.get(c.TaskID).Results), 0)
	if got := strings.Join(f.trash(c.TaskID), "\n"); !strings.Contains(got, "1 k/"+c.TaskID+"/1/a.png") || !strings.Contains(got, "2 k/"+c.TaskID+"/1/a.png") {
		t.Errorf("the lower attempt's result is not in the trash: %s", got)
	}
	for _, said := range []string{"processing", "completed", "failed", "released"} {
		_, _, err = f.report(c.TaskID, said, 1)
		f.refused(err, fault.AttemptSuperseded)
	}
	_, err = f.store.ReserveResult(f.ctx, f.offer(c.TaskID, "a.png", 1), "k")
	f.refused(err, fault.AttemptSuperseded)
	_, _, err = f.report(c.TaskID, "processing", 0)
	f.refused(err, fault.AttemptSuperseded)
	_, _, err = f.report(c.TaskID, "processing", 3)
	f.refused(err, fault.ValidationFailed)

	f.record(second, Outcome{Fate: Accepted, Worker: "http://w", Beats: true}, task.Processing)
	f.age(c.TaskID, 2*policy.HeartbeatTimeout)
	f.must(f.rdb.HSet(f.ctx, TaskKey(c.TaskID), "runSince", time.Now().UnixMilli()).Err())
	f.same(f.look(c.TaskID), Finding{What: "lost", Status: task.Failed})
	f.same(f.get(c.TaskID).Error.Code, task.WorkerLost)
	f.same(f.events(c.TaskID), []string{
		"1 PENDING 0", "2 PROCESSING 1", "3 result a.png 1", "4 PENDING 1", "5 PROCESSING 1", "6 PENDING 1", "7 PROCESSING 2", "8 FAILED 2",
	})
}

func TestAnOutageOfOursCostsNoLease(t *testing.T) {
	f := setUp(t)
	c := f.processing()
	f.age(c.TaskID, 2*policy.HeartbeatTimeout)
	f.must(f.rdb.HSet(f.ctx, TaskKey(c.TaskID), "runSince", time.Now().UnixMilli()).Err())
	found, err := f.store.Look(f.ctx, c.TaskID, Run{Resumed: time.Now()})
	f.must(err)
	f.same(found.What, "later")
	f.same(f.get(c.TaskID).Status, task.Processing)
}

func TestTheSweeperKnowsAGapInItsRuns(t *testing.T) {
	f := setUp(t)
	first, err := f.store.BeginRun(f.ctx, time.Minute)
	f.must(err)
	f.same(first.Resumed.IsZero(), true)
	f.must(f.rdb.HIncrBy(f.ctx, sweepKey, "last", -int64(2*time.Minute/time.Millisecond)).Err())
	second, err := f.store.BeginRun(f.ctx, time.Minute)
	f.must(err)
	f.same(second.Resumed.IsZero(), false)
	third, err := f.store.BeginRun(f.ctx, time.Minute)
	f.must(err)
	f.same(third.Resumed, second.Resumed)
}

func TestTimeInTheWorkersQueueIsNoRunTime(t *testing.T) {
	f := setUp(t)
	c := f.processing()
	one := 1
	_, _, err := f.store.Report(f.ctx, Report{TaskID: c.TaskID, Said: "processing", Attempt: &one, Stage: "queued", QueuePosition: &one})
	f.must(err)
	f.age(c.TaskID, 2*policy.TaskTimeout)
	_, _, err = f.store.Report(f.ctx, Report{TaskID: c.TaskID, Said: "processing", Attempt: &one, Stage: "mesh"})
	f.must(err)
	f.same(f.look(c.TaskID).What, "later")

	f.age(c.TaskID, 2*policy.TaskTimeout)
	f.same(f.look(c.TaskID), Finding{What: "timeout", Holder: Holder{TaskID: c.TaskID, URL: "http://w", Attempt: 1}})
	f.same(f.get(c.TaskID).Error.Code, task.Timeout)
}

func TestDeadlinesOfWaiting(t *testing.T) {
	f := setUp(t)
	c := f.create()
	f.age(c.TaskID, 30*time.Minute)
	c, err := f.store.Claim(f.ctx, c.TaskID, time.Minute)
	f.must(err)
	f.record(c, Outcome{Fate: Refused}, task.Pending)
	f.age(c.TaskID, 31*time.Minute)
	c, err = f.store.Claim(f.ctx, c.TaskID, time.Minute)
	f.must(err)
	f.record(c, Outcome{Fate: Refused, Resumed: time.Now()}, task.Pending) // an outage of ours does not count
	c, err = f.store.Claim(f.ctx, c.TaskID, time.Minute)
	f.must(err)
	f.record(c, Outcome{Fate: Refused}, task.Failed)
	f.same(f.get(c.TaskID).Error.Code, task.WorkerUnavailable)

	c = f.create()
	f.record(c, Outcome{Fate: Busy}, task.Pending)
	f.same(f.look(c.TaskID).What, "pending")
	f.age(c.TaskID, 2*time.Hour)
	f.same(f.look(c.TaskID).What, "unavailable")
	f.same(f.get(c.TaskID).Error.Code, task.WorkerUnavailable)
}

func TestIdempotencyKeys(t *testing.T) {
	f := setUp(t)
	o := Order{User: user, ImageID: f.picture(user), Key: "key", BodyHash: "h", Limits: Limits{Burst: 1, Period: time.Minute}}
	res, err := f.store.Reserve(f.ctx, o)
	f.must(err)
	_, err = f.store.Reserve(f.ctx, o)
	f.refused(err, fault.IdempotencyInProgress)
	other := o
	other.BodyHash = "other"
	_, err = f.store.Reserve(f.ctx, other)
	f.refused(err, fault.IdempotencyConflict)

	f.must(f.store.Unreserve(f.ctx, res))
	res, err = f.store.Reserve(f.ctx, o) // the drained token was given back with it
	f.must(err)
	_, claim, err := f.store.Create(f.ctx, res, time.Minute, 0)
	f.must(err)
	f.must(f.rdb.Del(f.ctx, PictureKey(o.ImageID)).Err())
	_, err = f.store.Reserve(f.ctx, o) // the first hand-over is under way, so the create is not answered yet
	f.refused(err, fault.IdempotencyInProgress)
	_, _, err = f.store.Record(f.ctx, claim, Outcome{Fate: Accepted})
	f.must(err)
	again, err := f.store.Reserve(f.ctx, o)
	f.must(err)
	if !again.Done || again.ID != res.ID {
		t.Errorf("got %+v, want the first task", again)
	}
	if strings.Contains(strings.Join(f.trash(res.ID), " "), res.ID) {
		t.Error("the task's own copy is in the trash")
	}
}

func TestALapsedReservationIsTakenUpByARetry(t *testing.T) {
	f := setUp(t)
	o := Order{User: user, ImageID: f.picture(user), Key: "key", BodyHash: "h"}
	res, err := f.store.Reserve(f.ctx, o)
	f.must(err)
	idem := idempotencyKey(user, "key")
	f.must(f.rdb.HIncrBy(f.ctx, idem, "until", -reservation.Milliseconds()-1).Err())
	again, err := f.store.Reserve(f.ctx, o)
	f.must(err)
	f.same(again.ID, res.ID)

	// So late that the copy may be deleted at any moment, it is not.
	f.must(f.rdb.HIncrBy(f.ctx, idem, "until", -3*reservation.Milliseconds()).Err())
	later, err := f.store.Reserve(f.ctx, o)
	f.must(err)
	if later.ID == res.ID {
		t.Error("took up an id whose copy is about to be deleted")
	}
	f.must(f.rdb.ZAdd(f.ctx, userActiveKey(user), &redis.Z{Member: res.ID, Score: 1}).Err())
	_, _, err = f.store.Create(f.ctx, res, time.Minute, 0)
	f.refused(err, fault.Unavailable)
}

func TestLimits(t *testing.T) {
	f := setUp(t)
	o := Order{User: user, ImageID: f.picture(user), Limits: Limits{Active: 2}}
	var tasks []string
	for range 2 {
		res, err := f.store.Reserve(f.ctx, o)
		f.must(err)
		_, _, err = f.store.Create(f.ctx, res, 0, 0)
		f.must(err)
		tasks = append(tasks, res.ID)
	}
	_, err := f.store.Reserve(f.ctx, o)
	f.refused(err, fault.TooManyActiveTasks)
	_, err = f.store.Cancel(f.ctx, user, tasks[0])
	f.must(err)
	_, err = f.store.Reserve(f.ctx, o)
	f.must(err)

	o = Order{User: "bob", ImageID: f.picture("bob"), Limits: Limits{Burst: 2, Period: time.Hour}}
	for range 2 {
		_, err := f.store.Reserve(f.ctx, o)
		f.must(err)
	}
	for range 3 { // refused ones don't drain
		_, err = f.store.Reserve(f.ctx, o)
		f.refused(err, fault.RateLimited)
	}
	f.must(f.rdb.IncrBy(f.ctx, userRateKey("bob"), -int64(30*time.Minute/time.Millisecond)).Err())
	_, err = f.store.Reserve(f.ctx, o)
	f.must(err)
}

func TestOnlyReadyPicturesOfTheUserBecomeTasks(t *testing.T) {
	f := setUp(t)
	for name, id := range map[string]string{"absent": task.NewID(user), "another's": f.picture("bob")} {
		_, err := f.store.Reserve(f.ctx, Order{User: user, ImageID: id})
		if task.PartitionOfID(id) == task.PartitionOf(user) || name == "absent" {
			f.refused(err, fault.PictureNotFound)
		}
	}
	id := f.picture(user)
	f.must(f.rdb.HSet(f.ctx, PictureKey(id), "state", "uploading").Err())
	_, err := f.store.Reserve(f.ctx, Order{User: user, ImageID: id})
	f.refused(err, fault.PictureNotFound)
}

func TestResultsAreStoredOnceAndNeverOverwritten(t *testing.T) {
	f := setUp(t)
	c := f.processing()
	o := f.offer(c.TaskID, "a.png", 1)
	_, err := f.store.ReserveResult(f.ctx, o, "k")
	f.must(err)
	other := o
	other.SHA256 = "other"
	_, err = f.store.ReserveResult(f.ctx, other, "k")
	f.refused(err, fault.ResultConflict)
	f.same(len(f.get(c.TaskID).Results), 0) // reserved is not stored
	_, err = f.store.RecordResult(f.ctx, o, "k")
	f.must(err)
	v, err := f.store.RecordResult(f.ctx, o, "k") // two sent the same bytes at a time
	f.must(err)
	f.same(v, Verdict{Duplicate: true, Size: 3})
	_, err = f.store.ReserveResult(f.ctx, other, "k")
	f.refused(err, fault.ResultConflict)

	_, err = f.store.Cancel(f.ctx, user, c.TaskID)
	f.must(err)
	v, err = f.store.ReserveResult(f.ctx, o, "k") // even when the task is finished
	f.must(err)
	f.same(v.Duplicate, true)
	_, err = f.store.ReserveResult(f.ctx, f.offer(c.TaskID, "b.png", 1), "k2")
	f.refused(err, fault.TaskFinished)
	f.same(f.events(c.TaskID), []string{"1 PENDING 0", "2 PROCESSING 1", "3 result a.png 1", "4 CANCELLED 1"})
}

func TestAnObjectWrittenForATaskThatEndedMeanwhileIsTrash(t *testing.T) {
	f := setUp(t)
	c := f.processing()
	o := f.offer(c.TaskID, "a.png", 1)
	_, err := f.store.ReserveResult(f.ctx, o, "k")
	f.must(err)
	_, err = f.store.Delete(f.ctx, user, c.TaskID)
	f.must(err)
	_, err = f.store.RecordResult(f.ctx, o, "k")
	f.refused(err, fault.TaskNotFound)
	if got := strings.Join(f.trash(c.TaskID), " "); !strings.Contains(got, "1 k") {
		t.Errorf("trash: %s", got)
	}
}

func TestDeletingLeavesNothingBehind(t *testing.T) {
	f := setUp(t)
	c := f.processing()
	f.result(c.TaskID, "a.png", 1)
	holder, err := f.store.Delete(f.ctx, user, c.TaskID)
	f.must(err)
	f.same(holder, Holder{TaskID: c.TaskID, URL: "http://w", Attempt: 1})
	_, err = f.store.Delete(f.ctx, user, c.TaskID)
	f.refused(err, fault.TaskNotFound)

	keys, err := f.rdb.Keys(f.ctx, "*").Result()
	f.must(err)
	for _, k := range keys {
		ttl := f.rdb.TTL(f.ctx, k).Val()
		if !strings.Contains(k, ":picture:") && !strings.HasSuffix(k, ":trash") && ttl < 0 {
			t.Errorf("%s is left", k)
		}
	}
	run, err := f.store.BeginRun(f.ctx, time.Minute)
	f.must(err)
	trash, err := f.store.RipeTrash(f.ctx, run.Now, 10)
	f.must(err)
	f.same(len(trash), 1)
	f.same(trash[0].Keys, []string{"k/" + c.TaskID + "/1/a.png", "reconstruction/" + c.TaskID + "/original.png"})
	f.must(f.store.Emptied(f.ctx, trash, run.Now))
	f.same(len(f.trash(c.TaskID)), 2) // the second emptying, after the last URL
}

func TestRetention(t *testing.T) {
	f := setUp(t)
	c := f.processing()
	_, err := f.store.Cancel(f.ctx, user, c.TaskID)
	f.must(err)
	f.same(f.look(c.TaskID).What, "later")
	f.age(c.TaskID, 2*policy.Retention)
	f.same(f.look(c.TaskID).What, "expired")
	_, err = f.store.Get(f.ctx, user, c.TaskID)
	f.refused(err, fault.TaskNotFound)
	f.same(f.look(c.TaskID).What, "gone")
}

func TestAnotherUsersTaskIsNotFound(t *testing.T) {
	f := setUp(t)
	c := f.processing()
	_, err := f.store.Get(f.ctx, "bob", c.TaskID)
	f.refused(err, fault.TaskNotFound)
	_, err = f.store.Cancel(f.ctx, "bob", c.TaskID)
	f.refused(err, fault.TaskNotFound)
	_, err = f.store.Delete(f.ctx, "bob", c.TaskID)
	f.refused(err, fault.TaskNotFound)
}

func TestListIsNewestFirstAndStable(t *testing.T) {
	f := setUp(t)
	var want []string
	for range 5 {
		want = append([]string{f.create().TaskID}, want...)
	}
	var got []string
	before := ""
	for {
		tasks, more, err := f.store.List(f.ctx, user, before, 2)
		f.must(err)
		for _, t := range tasks {
			got, before = append(got, t.ID), t.ID
		}
		f.create() // newer ones don't disturb
		if !more {
			break
		}
	}
	f.same(got, want)
}

func TestDueIsOldestFirst(t *testing.T) {
	f := setUp(t)
	var want []string
	for i := range 4 {
		owner := fmt.Sprint("user", i)
		res, err := f.store.Reserve(f.ctx, Order{User: owner, ImageID: f.picture(owner)})
		f.must(err)
		_, _, err = f.store.Create(f.ctx, res, 0, 0)
		f.must(err)
		want = append(want, res.ID)
	}
	run, err := f.store.BeginRun(f.ctx, time.Minute)
	f.must(err)
	got, err := f.store.Due(f.ctx, run.Now, 10)
	f.must(err)
	f.same(got, want)
}

func TestReleasedWhileItsHandOverIsClaimedEndsThatHandOver(t *testing.T) {
	f := setUp(t)
	c := f.create()
	status, changed, err := f.report(c.TaskID, "released", 1)
	f.must(err)
	f.same(status, task.Pending)
	f.same(changed, false)
	_, held, err := f.store.Record(f.ctx, c, Outcome{Fate: Accepted, Worker: "http://w"})
	f.must(err)
	f.same(held, false)
	next, err := f.store.Claim(f.ctx, c.TaskID, time.Minute)
	f.must(err)
	f.same(next.Attempt, 2)
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
