package taskstore

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"
)

// However a task changes meanwhile, it is read as it was at one moment: with results of its attempt alone.
func TestATaskIsReadAsOfOneMoment(t *testing.T) {
	f := setUp(t)
	endless := policy
	endless.MaxAttempts = 1 << 30
	f.store = New(f.rdb, endless)
	c := f.processing()
	ctx, stop := context.WithCancel(f.ctx)
	var working sync.WaitGroup
	working.Go(func() { // attempt after attempt with a result each
		for ctx.Err() == nil {
			f.result(c.TaskID, "a.png", c.Attempt)
			_, _, err := f.report(c.TaskID, "released", c.Attempt)
			f.must(err)
			c, err = f.store.Claim(f.ctx, c.TaskID, time.Minute)
			f.must(err)
			f.record(c, Outcome{Fate: Accepted}, "PROCESSING")
		}
	})
	defer working.Wait()
	defer stop()
	several := slices.Repeat([]string{c.TaskID}, 500) // more than a server reads from a connection at once
	for range 30 {
		tasks, err := f.store.read(f.ctx, several)
		f.must(err)
		for _, got := range tasks {
			for _, r := range got.Results {
				if r.Attempt != got.Attempt {
					t.Fatalf("attempt %d has a result of attempt %d", got.Attempt, r.Attempt)
				}
			}
		}
	}
}
