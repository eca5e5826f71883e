package taskstore

import (
	"strings"
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/fault"
)

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

// What a stream may grow by is given back once it grows no more; see finish.lua.
func TestTheEventsOfAnEndedTaskTakeWhatTheyAre(t *testing.T) {
	f := setUp(t)
	c := f.processing()
	before := f.rdb.MemoryUsage(f.ctx, EventsKey(c.TaskID)).Val()
	events := f.events(c.TaskID)
	_, err := f.store.Cancel(f.ctx, user, c.TaskID)
	f.must(err)
	after, length := f.rdb.MemoryUsage(f.ctx, EventsKey(c.TaskID)).Val(), int64(len(events)+1)
	if after > before/2 || after == 0 {
		t.Errorf("%d events take %d bytes, where %d took %d", length, after, length-1, before)
	}
	f.same(f.events(c.TaskID)[:length-1], events)
	f.same(f.rdb.Exists(f.ctx, EventsKey(c.TaskID)+":copy").Val(), int64(0))
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
