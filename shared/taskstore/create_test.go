package taskstore

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/task"
)

func TestIdempotencyKeys(t *testing.T) {
	f := setUp(t)
	o := Order{User: user, ImageID: f.picture(user), Key: "key", BodyHash: "h", Limits: Limits{Burst: 1, Period: time.Minute}}
	res, err := f.store.Reserve(f.ctx, o)
	f.must(err)
	_, err = f.store.Reserve(f.ctx, o)
	f.refused(err, fault.IdempotencyInProgress)
	if refusal := new(fault.Error); !errors.As(err, &refusal) || refusal.RetryAfter != 2*time.Second {
		t.Errorf("to be asked again after %v", refusal.RetryAfter)
	}
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

func TestAReservationTellsHowItsUserStandsToTheLimits(t *testing.T) {
	f := setUp(t)
	const step = time.Hour / 4
	o := Order{User: user, ImageID: f.picture(user), Key: "key", BodyHash: "h", Limits: Limits{Active: 3, Burst: 4, Period: time.Hour}}
	want := func(what string, u *Usage, refill time.Duration, active int) {
		t.Helper()
		if u == nil || u.Active != active || u.Refill > refill || u.Refill <= refill-step { // some of it has come back since
			t.Errorf("%s: %+v", what, u)
		}
	}
	first, err := f.store.Reserve(f.ctx, o)
	f.must(err)
	want("the first", first.Usage, step, 1)
	_, _, err = f.store.Create(f.ctx, first, 0, 0)
	f.must(err)
	again, err := f.store.Reserve(f.ctx, o)
	f.must(err)
	want("the first again", again.Usage, step, 1)
	o.Key = ""
	for i := 2; i <= 3; i++ {
		res, err := f.store.Reserve(f.ctx, o)
		f.must(err)
		want("another", res.Usage, time.Duration(i)*step, i)
	}
	res, err := f.store.Reserve(f.ctx, o)
	f.refused(err, fault.TooManyActiveTasks)
	want("too many", res.Usage, 3*step, 3)

	o.Limits.Active = 9
	_, err = f.store.Reserve(f.ctx, o)
	f.must(err)
	res, err = f.store.Reserve(f.ctx, o)
	f.refused(err, fault.RateLimited)
	want("too fast", res.Usage, 4*step, 4)

	o.Limits = Limits{}
	res, err = f.store.Reserve(f.ctx, o)
	f.must(err)
	if *res.Usage != (Usage{}) {
		t.Errorf("without limits: %+v", res.Usage)
	}
	o.ImageID = task.NewID(user)
	if res, _ = f.store.Reserve(f.ctx, o); res.Usage != nil {
		t.Errorf("of a picture that is not there: %+v", res.Usage)
	}
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

// A command that something between us and Redis held back comes once more when its task is there.
func TestAReserveThatComesAfterItsCreateChangesNothing(t *testing.T) {
	f := setUp(t)
	id := task.NewID(user)
	cmd := f.store.command(f.ctx, call{
		reserveScript, id,
		[]string{PictureKey(f.picture(user)), userActiveKey(user), userRateKey(user)},
		[]any{user, "", ms(reservation), 0, 0, "0", CopyPrefix},
	})
	again := redis.NewCmd(f.ctx, cmd.Args()...)
	f.must(f.rdb.ScriptLoad(f.ctx, f.store.scripts[reserveScript]().source).Err())
	f.must(f.rdb.Process(f.ctx, cmd))
	reply, err := replyOf(cmd)
	f.must(err)
	_, _, err = f.store.Create(f.ctx, Reservation{Order: Order{User: user, ImageID: reply[6]}, ID: id, Input: task.Input{Key: reply[7]}}, 0, 0)
	f.must(err)
	f.must(f.rdb.Process(f.ctx, again))
	reply, err = replyOf(again)
	f.must(err)
	f.same(reply[:2], []string{"done", id})
	f.same(f.trash(id), []string{})
	active, err := f.rdb.ZScore(f.ctx, userActiveKey(user), id).Result()
	f.must(err)
	f.same(math.IsInf(active, 1), true)
}
