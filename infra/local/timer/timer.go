package timer

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tencentyun/scf-go-lib/events"
)

// Timer is one timer trigger.
type Timer struct {
	Name     string // of the trigger
	Message  string // the trigger's own argument
	Every    time.Duration
	Function Function
	Log      *slog.Logger
}

// Run calls the function at every tick until ctx is done, and then waits for the calls under way. As on the platform, a
// tick does not wait for the one before it. What fails is logged; the next tick is the retry.
func (t Timer) Run(ctx context.Context) {
	var calls sync.WaitGroup
	defer calls.Wait()
	tick := time.NewTicker(t.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case at := <-tick.C:
			calls.Go(func() { t.fire(context.WithoutCancel(ctx), at) })
		}
	}
}

func (t Timer) fire(ctx context.Context, at time.Time) {
	event, err := json.Marshal(events.TimerEvent{Type: "Timer", TriggerName: t.Name, Time: at.UTC().Format(time.RFC3339), Message: t.Message})
	if err != nil {
		panic(fmt.Errorf("marshal a timer event: %w", err)) // four strings always marshal
	}
	answer, err := t.Function.Invoke(ctx, event)
	if err != nil {
		t.Log.Warn("timer event failed", "trigger", t.Name, "error", err)
		return
	}
	t.Log.Debug("timer event handled", "trigger", t.Name, "ms", time.Since(at).Milliseconds(), "answer", string(answer))
}
