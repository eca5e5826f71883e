package scf

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// answerTime is how long before the platform's deadline an invocation's context ends, so that its answer still gets out.
const answerTime = 500 * time.Millisecond

// replyTime is left to the platforms' libraries after the last invocation: they send its reply after our function has
// returned, and give no sign of when it is out.
const replyTime = 100 * time.Millisecond

// invocations counts what is running, for libraries that have no way to stop.
type invocations struct {
	mu      sync.Mutex
	running int
	idle    chan struct{} // closed when nothing runs any more; nil before somebody waits
}

// begin starts an invocation. The context that it makes from the platform's ends early enough for an answer, and never where the
// platform names no deadline (its zero, 1970, is none).
func (i *invocations) begin(ctx context.Context) (_ context.Context, end func()) {
	i.mu.Lock()
	i.running++
	i.mu.Unlock()
	cancel := context.CancelFunc(func() {})
	switch deadline, limited := ctx.Deadline(); {
	case limited && deadline.Unix() <= 0:
		ctx = context.WithoutCancel(ctx)
	case limited:
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-answerTime))
	}
	return ctx, func() {
		cancel()
		i.mu.Lock()
		defer i.mu.Unlock()
		i.running--
		if i.running == 0 && i.idle != nil {
			close(i.idle)
			i.idle = nil
		}
	}
}

// drain waits until the process is told to stop, then until nothing runs any more.
func (i *invocations) drain(ctx context.Context) {
	<-ctx.Done()
	slog.Info("stopping")
	i.mu.Lock()
	idle := make(chan struct{})
	if i.running == 0 {
		close(idle)
	} else {
		i.idle = idle
	}
	i.mu.Unlock()
	select {
	case <-idle:
		time.Sleep(replyTime) // the last invocation may have ended just now
	case <-time.After(drainTime):
		slog.Warn("invocations cut", "after", drainTime.String())
	}
}
