package taskstore

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/task"
)

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

// What a sweep costs must not depend on how many tasks are stored.
func TestWhatIsDueAreTheLivingAndThoseWhoseTimeIsOver(t *testing.T) {
	f := setUp(t)
	living, ended := f.processing().TaskID, f.processing().TaskID
	_, _, err := f.report(ended, "failed", 1)
	f.must(err)
	part := task.PartitionOfID(ended)
	f.same(f.rdb.ZRange(f.ctx, dueKey(part), 0, -1).Val(), []string{living})
	f.same(f.rdb.ZRange(f.ctx, keptKey(part), 0, -1).Val(), []string{ended})

	due := func() []string {
		ids, err := f.store.Due(f.ctx, time.Now(), 10)
		f.must(err)
		return ids
	}
	f.same(len(due()), 0)
	f.age(ended, policy.Retention)
	f.same(due(), []string{ended})
	f.same(f.look(ended).What, "expired")
	f.same(len(due()), 0)

	// As it was before there were two indexes.
	_, _, err = f.report(living, "failed", 1)
	f.must(err)
	f.must(f.rdb.Rename(f.ctx, keptKey(part), dueKey(part)).Err())
	f.same(f.look(living).What, "later")
	f.same(f.rdb.Exists(f.ctx, dueKey(part)).Val(), int64(0))
	f.must(f.rdb.Rename(f.ctx, keptKey(part), dueKey(part)).Err())
	f.age(living, policy.Retention)
	f.same(due(), []string{living})
	f.same(f.look(living).What, "expired")
	f.same(len(due()), 0)
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

func TestManyAreLookedAtAtOnce(t *testing.T) {
	f := setUp(t)
	over, runs := f.processing().TaskID, f.processing().TaskID
	_, err := f.store.Cancel(f.ctx, user, over)
	f.must(err)
	f.age(over, 2*policy.Retention)
	waits, gone := f.create().TaskID, task.NewID(user)
	f.age(waits, 2*time.Minute) // longer than its claim
	ids := []string{over, runs, waits, gone}
	for _, want := range [][]string{{"expired", "later", "pending", "gone"}, {"gone", "later", "pending", "gone"}} {
		f.must(f.rdb.ScriptFlush(f.ctx).Err())
		found, errs := f.store.LookAll(f.ctx, ids, Run{})
		f.must(errors.Join(errs...))
		for i, w := range want {
			f.same(found[i].What, w)
		}
	}
	f.must(f.rdb.Set(f.ctx, TaskKey(gone), "no hash", 0).Err())
	found, errs := f.store.LookAll(f.ctx, ids, Run{})
	f.same(found[1].What, "later")
	if errs[1] != nil || errs[3] == nil {
		t.Errorf("the one that can't be read: %v; another: %v", errs[3], errs[1])
	}
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

func TestTheBacklog(t *testing.T) {
	f := setUp(t)
	now := time.UnixMilli(1_700_000_000_000)
	empty, err := f.store.Backlog(f.ctx, now)
	f.must(err)
	f.same(empty, Backlog{})
	early, late, ended := f.create().TaskID, f.create().TaskID, f.processing().TaskID
	_, err = f.store.Cancel(f.ctx, user, ended)
	f.must(err)
	for id, at := range map[string]time.Time{early: now.Add(-3 * time.Second), late: now.Add(time.Hour)} {
		f.must(f.rdb.ZAdd(f.ctx, dueKey(task.PartitionOfID(id)), &redis.Z{Member: id, Score: float64(at.UnixMilli())}).Err())
	}
	got, err := f.store.Backlog(f.ctx, now)
	f.must(err)
	f.same(got, Backlog{Living: 2, Late: 3 * time.Second})
}

// A Redis at its maxmemory takes nothing in until something goes: what a user deletes and what the sweeper ends or forgets must go then, too,
// and what is there can be read.
func TestAFullRedisIsReadAndFreed(t *testing.T) {
	f := setUp(t)
	deleted, expired, late := f.processing().TaskID, f.processing().TaskID, f.processing().TaskID
	for _, id := range []string{deleted, expired} {
		f.result(id, "a.png", 1)
		_, _, err := f.report(id, "completed", 1)
		f.must(err)
	}
	f.age(expired, policy.Retention+time.Minute)
	f.age(late, policy.TaskTimeout+time.Minute)
	living := f.processing().TaskID
	f.must(f.rdb.ConfigSet(f.ctx, "maxmemory", "1").Err())

	_, _, err := f.report(living, "processing", 1)
	f.refused(err, fault.Unavailable)
	f.same(f.get(living).Status, task.Processing)
	_, err = f.store.Delete(f.ctx, user, deleted)
	f.must(err)
	_, err = f.store.BeginRun(f.ctx, time.Minute)
	f.must(err)
	f.same(f.look(expired).What, "expired")
	f.same(f.look(late).What, "timeout")
	_, err = f.store.Delete(f.ctx, user, living)
	f.must(err)
	for _, id := range []string{deleted, expired, living} {
		f.same(len(f.rdb.Keys(f.ctx, "*"+id+"*").Val()), 0)
	}
	f.same(len(f.trash(deleted)), 10) // five objects, twice each
}
