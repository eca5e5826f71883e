package main

import (
	"context"
	"sync"

	"github.com/recon3d/recon3d/infra/local/timer"
)

// timers are the timer triggers of all functions.
type timers struct {
	all     []timer.Timer
	cancel  context.CancelFunc
	running sync.WaitGroup
}

func (t *timers) start() {
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	for _, one := range t.all {
		t.running.Go(func() { one.Run(ctx) })
	}
}

// stop returns when no call is under way any more. Not started timers may be stopped too.
func (t *timers) stop() {
	if t.cancel != nil {
		t.cancel()
	}
	t.running.Wait()
}
