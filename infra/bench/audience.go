package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/recon3d/recon3d/infra/local/client"
	"github.com/recon3d/recon3d/shared/task"
)

// audience is the browsers that watch one task.
type audience struct {
	task client.Task
	size int
	seen chan sight // what each of them was told
	told int        // callbacks so far
}

// sight is an event at a browser.
type sight struct {
	event string
	at    time.Time
}

// watch opens the streams, which end with ctx, and waits until each has what happened so far.
func (a *audience) watch(ctx context.Context, relay *process, group *errgroup.Group) error {
	a.seen = make(chan sight, a.size)
	api, err := client.New(relay.url())
	if err != nil {
		return err
	}
	api.HTTP = newClient()
	for range a.size {
		group.Go(func() error {
			for e, err := range api.Events(ctx, a.task) {
				if ctx.Err() != nil {
					return nil
				}
				if err != nil {
					return fmt.Errorf("stream of task %s: %w", a.task.ID, err)
				}
				select {
				case a.seen <- sight{nameOf(e), time.Now()}:
				case <-ctx.Done():
					return nil
				}
			}
			return nil
		})
	}
	_, err = a.wait(ctx, string(task.Processing))
	return err
}

// nameOf is what tells an event from the one before.
func nameOf(e client.Event) string {
	switch e.Kind {
	case "result":
		return e.Name
	case "progress":
		return fmt.Sprint(e.Progress)
	}
	return e.Status
}

// lost is how long an event may take until it counts as lost.
const lost = 10 * time.Second

// wait waits until every browser has been told of an event, and tells when each was.
func (a *audience) wait(ctx context.Context, event string) (at []time.Time, err error) {
	late := time.NewTimer(lost)
	defer late.Stop()
	for len(at) < a.size {
		select {
		case s := <-a.seen:
			if s.event == event {
				at = append(at, s.at)
			}
		case <-late.C:
			return nil, fmt.Errorf("event %s of task %s reached %d of %d streams", event, a.task.ID, len(at), a.size)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return at, nil
}
