package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Injected is a fault as it came about.
type Injected struct {
	Fault
	Began, Ended time.Time // Ended: began to heal
	Held         []string  // tasks that a worker had when it was harmed
	Trouble      string    // why it could not be done
}

// harmAll lets the plan's faults happen and returns when the last is healed.
func (w *world) harmAll(ctx context.Context) []Injected {
	injected := make([]Injected, len(w.plan.Faults))
	var all sync.WaitGroup
	for i, f := range w.plan.Faults {
		injected[i].Fault = f
		all.Go(func() {
			if rested(ctx, time.Until(w.started.Add(f.At))) {
				w.harm(ctx, &injected[i])
			}
		})
	}
	all.Wait()
	return injected
}

// harm lets one fault happen, and heals it.
func (w *world) harm(ctx context.Context, in *Injected) {
	w.awaitRequest(ctx, in)
	worker, _, _ := strings.Cut(in.Victim, arrow)
	in.Held = w.held(worker)
	in.Began = time.Now()
	heal, err := w.inject(ctx, in.Fault)
	if err == nil {
		rested(ctx, in.Length)
		in.Ended = in.Began.Add(in.Length)
		// What was harmed is healed even where the run is cut short.
		err = heal(context.WithoutCancel(ctx))
	}
	if err != nil {
		in.Trouble = err.Error()
		fmt.Fprintf(os.Stderr, "chaos: %s: %v\n", in.Fault, err)
	}
}

// awaitRequest returns in the middle of the victim's next request, where the fault is of a kind that wants that.
func (w *world) awaitRequest(ctx context.Context, in *Injected) {
	if !slices.Contains([]string{"kill in a request", "kill in a callback", "kill a relay", "kill the sweeper"}, in.Kind) {
		return
	}
	select {
	case <-w.arrivals.next(in.Victim):
		rested(ctx, time.Duration(in.Amount)*time.Millisecond)
	case <-time.After(3 * time.Second): // nobody wants anything of it
	case <-ctx.Done():
	}
}

// inject begins a fault and tells how it is healed.
func (w *world) inject(ctx context.Context, f Fault) (heal func(context.Context) error, err error) {
	u := w.units[f.Victim]
	if u == nil && slices.Contains(reals(), f.Victim) {
		return nil, errors.New("there are no real workers")
	}
	switch kind, _, _ := strings.Cut(f.Kind, " "); kind {
	case "redis":
		if f.Victim == "redis" {
			return w.ail(ctx, f)
		}
	case "freeze":
		return w.freeze(ctx, f)
	case "descriptors":
		before, err := u.limitDescriptors(uint64(u.descriptors()))
		return func(context.Context) error { _, err := u.limitDescriptors(before); return err }, err
	case "hand-overs":
		return w.mislead(ctx, f)
	case "timer":
		w.timing.Store(&f)
		return func(ctx context.Context) error {
			w.timing.CompareAndSwap(&f, nil)
			w.callSweeper(ctx, 2)
			return nil
		}, nil
	case "creates":
		w.people.mood.Store(&f)
		return func(context.Context) error { w.people.mood.CompareAndSwap(&f, nil); return nil }, nil
	case "streams":
		over, end := context.WithCancel(ctx)
		gone := make(chan struct{})
		go func() { w.people.storm(over, f.Amount); close(gone) }()
		return func(context.Context) error { end(); <-gone; return nil }, nil
	case "outbox":
		return w.tear(f, u)
	case "kill":
		if f.Kind == "kill an engine" {
			return nothing, killAll(u.children())
		}
		return w.answering(u, f.Victim, u.pid()), u.signal(syscall.SIGKILL)
	case "lose":
		u.lose()
		return func(ctx context.Context) error { u.start(); return w.answering(u, f.Victim, 0)(ctx) }, nil
	case "pause":
		return func(context.Context) error { return u.signal(syscall.SIGCONT) }, u.signal(syscall.SIGSTOP)
	case "cos":
		w.storage.mood.Store(&f)
		return func(context.Context) error { w.storage.mood.CompareAndSwap(&f, nil); return nil }, nil
	case "callbacks", "answers":
		return w.disturb(ctx, f)
	case "clock":
		if f.Victim == "redis" {
			return w.leap(f)
		}
		return w.skew(ctx, f)
	case "disk":
		const unlimited = ^uint64(0)
		return func(context.Context) error { return u.limitFiles(unlimited) }, u.limitFiles(512)
	}
	return w.harmLink(ctx, f)
}

func nothing(context.Context) error { return nil }

var errNoClock = errors.New("no clock can be set wrong: there is no C compiler")

// freeze stops a function as the platform does between requests, and has its connections die meanwhile.
func (w *world) freeze(ctx context.Context, f Fault) (heal func(context.Context) error, err error) {
	u := w.units[f.Victim]
	if err := u.signal(syscall.SIGSTOP); err != nil {
		return nil, err
	}
	var failed []error
	for _, to := range []string{"redis", "cos"} {
		if link := f.Victim + arrow + to; w.network.links[link] != "" {
			failed = append(failed, w.network.enable(ctx, link, false), w.network.enable(ctx, link, true))
		}
	}
	return func(context.Context) error { return errors.Join(append(failed, u.signal(syscall.SIGCONT))...) }, nil
}

// mislead has a fake worker answer hand-overs that it takes as if it had not, or as no worker should.
func (w *world) mislead(ctx context.Context, f Fault) (heal func(context.Context) error, err error) {
	set := func(ctx context.Context, mood string) error {
		return w.tellWorker(ctx, f.Victim, fmt.Sprintf("/mood?kind=%s&ms=%d", url.QueryEscape(mood), f.Amount))
	}
	return func(ctx context.Context) error { return set(ctx, "") }, set(ctx, f.Kind)
}

// tear kills a real worker and leaves half of its outbox, as a disk may that lost what was not yet on it.
func (w *world) tear(f Fault, u *unit) (heal func(context.Context) error, err error) {
	u.lose()
	path := filepath.Join(w.dir, f.Victim, "outbox.db")
	if f.Kind == "outbox forgets" {
		path += "-wal"
	}
	switch about, cause := os.Stat(path); {
	case cause == nil:
		err = os.Truncate(path, about.Size()/2)
	case !errors.Is(cause, fs.ErrNotExist):
		err = cause
	}
	return func(ctx context.Context) error { u.start(); return w.answering(u, f.Victim, 0)(ctx) }, err
}

// tellWorker has a fake worker do what only the harness asks for.
func (w *world) tellWorker(ctx context.Context, worker, what string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+w.ports[worker]+what, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// answering waits until a process answers again, another one than old, and notes that.
func (w *world) answering(u *unit, name string, old int) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		for pid := u.pid(); pid == 0 || pid == old; pid = u.pid() { // its end may not be known yet
			if !rested(ctx, 5*time.Millisecond) {
				return fmt.Errorf("%s is not started again", name)
			}
		}
		if err := u.wait(ctx); err != nil {
			return err
		}
		w.ledger.works("up:" + name)
		return nil
	}
}

func killAll(pids []int) error {
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

// harmLink does to a link what toxiproxy can. What broke a connection leaves it broken: a link is cut for a moment when it heals.
func (w *world) harmLink(ctx context.Context, f Fault) (heal func(context.Context) error, err error) {
	n := w.network
	whole := func(ctx context.Context) error { return n.enable(ctx, f.Victim, true) }
	if f.Kind == "cut" || f.Kind == "cut a worker off" {
		return whole, n.enable(ctx, f.Victim, false)
	}
	var toxic string
	streams, attributes := []string{"downstream"}, map[string]int{}
	switch f.Kind {
	case "delay":
		toxic, attributes["latency"], attributes["jitter"] = "latency", f.Amount, f.Amount/2
	case "throttle":
		toxic, streams, attributes["rate"] = "bandwidth", []string{"downstream", "upstream"}, f.Amount
	case "reset":
		toxic, attributes["timeout"] = "reset_peer", f.Amount
	case "swallow":
		toxic, streams, attributes["timeout"] = "timeout", []string{"downstream", "upstream"}, 0
	case "break off", "redis breaks off":
		toxic, attributes["bytes"] = "limit_data", f.Amount
	default:
		return nil, fmt.Errorf("nobody knows how to %s", f.Kind)
	}
	var names []string
	for _, stream := range streams {
		if err := n.harm(ctx, f.Victim, toxic, stream, attributes); err != nil {
			return nil, err
		}
		names = append(names, toxic+stream)
	}
	return func(ctx context.Context) error {
		// Toxiproxy may wait for ever for a toxic to end whose connections are closed under it: toxics go first, and once more where that failed.
		stuck := n.heal(ctx, f.Victim, names...) != nil
		err := errors.Join(n.enable(ctx, f.Victim, false), whole(ctx))
		if stuck && err == nil {
			err = n.heal(ctx, f.Victim, names...)
		}
		return err
	}, nil
}

// disturb has the post misbehave.
func (w *world) disturb(ctx context.Context, f Fault) (heal func(context.Context) error, err error) {
	w.post.mood.Store(&f)
	over, end := context.WithCancel(ctx)
	if f.Kind == "callbacks replayed" {
		go func() {
			for rested(over, 300*time.Millisecond) {
				w.post.replay(5)
			}
		}()
	}
	return func(context.Context) error {
		end()
		w.post.mood.CompareAndSwap(&f, nil)
		return nil
	}, nil
}

// skew sets a fake worker's clock wrong.
func (w *world) skew(ctx context.Context, f Fault) (heal func(context.Context) error, err error) {
	set := func(ctx context.Context, seconds int) error {
		return w.tellWorker(ctx, f.Victim, fmt.Sprintf("/clock?ahead=%d", seconds))
	}
	ahead := f.Amount
	if f.Kind == "clock behind" {
		ahead = -ahead
	}
	return func(ctx context.Context) error { return set(ctx, 0) }, set(ctx, ahead)
}

// held are the tasks that a worker has, by what it was last heard of.
func (w *world) held(worker string) []string {
	if !slices.Contains(slices.Concat(fakes(), reals()), worker) {
		return nil
	}
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	last := map[string]Call{}
	for _, c := range w.ledger.calls {
		if !c.Copy {
			last[c.TaskID] = c
		}
	}
	var held []string
	for id, c := range last {
		if c.Worker == worker && (c.Word == "processing" || c.Word == "") && time.Since(c.At) < lease {
			held = append(held, id)
		}
	}
	return held
}
