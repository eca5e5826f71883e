package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/recon3d/recon3d/infra/local/client"
	"github.com/recon3d/recon3d/shared/task"
)

// streams is how many browsers watch.
const streams = 100

// measureEvents sends callbacks and takes the time until browsers have been told. First each browser watches a task of its
// own, then all watch the same one.
func measureEvents(ctx context.Context, b *bench) error {
	s, err := b.system(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	st, err := s.stock(ctx)
	if err != nil {
		return fmt.Errorf("make what is asked for: %w", err)
	}
	relay, err := s.start(ctx, "relay")
	if err != nil {
		return err
	}
	tasks, err := s.tasks(ctx, st.picture, streams+1)
	if err != nil {
		return err
	}
	sender := &sender{s: s, st: st, client: newClient()}
	each := make([]audience, streams)
	for i := range each {
		each[i] = audience{task: tasks[i], size: 1}
	}
	if err := sender.measure(ctx, relay, each, 20*b.n, "100 tasks, a stream each, 4 callbacks at a time"); err != nil {
		return err
	}
	return sender.measure(ctx, relay, []audience{{task: tasks[streams], size: streams}}, 4*b.n, "one task, 100 streams of it")
}

// audience is the browsers that watch one task.
type audience struct {
	task client.Task
	size int
	seen chan sight // what each of them was told
	told int        // callbacks so far
}

// sight is an event at a browser, by what is in it.
type sight struct {
	what string
	at   time.Time
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
				case a.seen <- sight{what(e), time.Now()}:
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

// what is in an event that tells it from others of its task.
func what(e client.Event) string {
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

// wait waits until every browser has been told, and tells when each was.
func (a *audience) wait(ctx context.Context, what string) (at []time.Time, err error) {
	late := time.NewTimer(lost)
	defer late.Stop()
	for len(at) < a.size {
		select {
		case s := <-a.seen:
			if s.what == what {
				at = append(at, s.at)
			}
		case <-late.C:
			return nil, fmt.Errorf("event %s of task %s reached %d of %d streams", what, a.task.ID, len(at), a.size)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return at, nil
}

// sender plays the worker.
type sender struct {
	s      *system
	st     *stock
	client *http.Client
}

// measure sends that many callbacks, progress and results in turn: one at a time about each task, and at most 4 in all.
func (w *sender) measure(ctx context.Context, relay *process, audiences []audience, callbacks int, name string) error {
	watching, leave := context.WithCancel(ctx)
	defer leave()
	watchers, watching := errgroup.WithContext(watching)
	for i := range audiences {
		if err := audiences[i].watch(watching, relay, watchers); err != nil {
			return err
		}
	}
	before, err := cpuTime(relay.pid())
	if err != nil {
		return err
	}

	free := make(chan *audience, len(audiences))
	for i := range audiences {
		free <- &audiences[i]
	}
	var afterAnswer, afterSending sample
	measured := make(chan delay, streams)
	senders, sending := errgroup.WithContext(watching)
	for i := range min(4, len(audiences)) {
		senders.Go(func() error {
			for range share(callbacks, i, min(4, len(audiences))) {
				a := <-free
				if err := w.tell(sending, a, measured); err != nil {
					return err
				}
				free <- a
			}
			return nil
		})
	}
	go func() {
		_ = senders.Wait() // asked for again below
		close(measured)
	}()
	for d := range measured {
		afterAnswer.addTime(d.afterAnswer)
		afterSending.addTime(d.afterSending)
	}
	if err := senders.Wait(); err != nil {
		return err
	}
	after, err := cpuTime(relay.pid())
	if err != nil {
		return err
	}
	leave()
	if err := watchers.Wait(); err != nil {
		return err
	}
	w.s.b.table.add(figure{
		what: "answer to event, p99: " + name, value: afterAnswer.percentile(99), unit: "ms", atMost: new(50.0),
		beside: fmt.Sprintf("%d events, p50 %s; from sending the callback p50 %s, p99 %s; relay's CPU an event %s", len(afterAnswer),
			amount(afterAnswer.median(), "ms"), amount(afterSending.median(), "ms"), amount(afterSending.percentile(99), "ms"),
			amount(milliseconds(after-before)/float64(len(afterAnswer)), "ms")),
	})
	return nil
}

// share is how many of n go to number i of parts.
func share(n, i, parts int) int { return (n + parts - 1 - i) / parts }

// delay is how long one browser waited. An event that overtook the answer has a negative one.
type delay struct{ afterAnswer, afterSending time.Duration }

// tell sends a task's next callback and waits until all have been told.
func (w *sender) tell(ctx context.Context, a *audience, measured chan<- delay) error {
	var message ask
	var err error
	var what, url string
	a.told++
	if a.told%4 == 0 {
		what, url = fmt.Sprintf("%d.png", a.told), w.st.results.url()
		message, err = w.s.deliver(a.task.ID, what, w.st.small)
	} else {
		progress := a.told % 101
		what, url = fmt.Sprint(float64(progress)), w.st.status.url()
		message, err = w.s.say(percent(a.task.ID, progress), http.StatusOK)
	}
	if err != nil {
		return err
	}
	sent := time.Now()
	if _, err := message.send(ctx, w.client, url); err != nil {
		return err
	}
	answered := time.Now()
	seen, err := a.wait(ctx, what)
	if err != nil {
		return err
	}
	for _, at := range seen {
		measured <- delay{at.Sub(answered), at.Sub(sent)}
	}
	return nil
}
