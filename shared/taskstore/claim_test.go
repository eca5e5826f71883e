package taskstore

import (
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/task"
)

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
	if second == nil || second.Attempt != 2 || second.Worker != first.Worker+1 {
		t.Fatalf("got %+v, want attempt 2, at the next worker", second)
	}
	f.same(first.Formats, "stl 3mf")
	f.same(second.Formats, first.Formats)
	f.same(first.Trace, traced)
	f.same(second.Trace, first.Trace)
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

// Its 202 comes late: nobody computes it any more.
func TestReleasedBeforeItsHandOverIsRecordedEndsThatHandOver(t *testing.T) {
	f := setUp(t)
	c := f.create()
	f.result(c.TaskID, "a.png", 1) // stands in for the 202
	_, _, err := f.report(c.TaskID, "released", 1)
	f.must(err)
	status, held, err := f.store.Record(f.ctx, c, Outcome{Fate: Accepted, Worker: "http://w"})
	f.must(err)
	f.same(status, task.Pending)
	f.same(held, false)
	next, err := f.store.Claim(f.ctx, c.TaskID, time.Minute)
	f.must(err)
	f.same(next != nil && next.Attempt == 2, true)
}
