package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// step is one part of a plan. What it did is told in a few words; running it again does no harm.
type step struct {
	name string
	what string
	run  func(context.Context) (did string, err error)
}

// plan is steps in order. Each begins when the one before has succeeded.
type plan struct {
	title string
	steps []step
	say   func(format string, args ...any)
}

// run runs the steps. The error tells what stands and what does not, and how to go on.
func (p plan) run(ctx context.Context) error {
	p.say("%s", p.title)
	for i, s := range p.steps {
		if ctx.Err() != nil {
			return p.stopped(i, errors.New("you stopped it"))
		}
		p.say("[%d/%d] %s: %s", i+1, len(p.steps), s.name, s.what)
		began := time.Now()
		did, err := s.run(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return p.stopped(i, errors.New("you stopped it"))
		case err != nil:
			return p.stopped(i, err)
		}
		p.say("[%d/%d] %s: %s (%.1f s)", i+1, len(p.steps), s.name, did, time.Since(began).Seconds())
	}
	return nil
}

// stopped is what a person needs to know when step i did not succeed.
func (p plan) stopped(i int, err error) error {
	names := func(steps []step) string {
		if len(steps) == 0 {
			return "nothing"
		}
		var list []string
		for _, s := range steps {
			list = append(list, s.name)
		}
		return strings.Join(list, ", ")
	}
	return fmt.Errorf("stopped at step %d of %d, %s: %w\n  done: %s\n  not done: %s\n  Run it again to go on: what is done is found done, and changes nothing",
		i+1, len(p.steps), p.steps[i].name, err, names(p.steps[:i]), names(p.steps[i:]))
}

// remedy is err and what to do about it.
func remedy(err error, format string, args ...any) error {
	return fmt.Errorf("%w\n  %s", err, fmt.Sprintf(format, args...))
}

// pause waits, or tells that ctx ended before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
