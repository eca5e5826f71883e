package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
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
	w := &narrator{s: s, st: st, relay: relay, client: newClient()}
	each := make([]audience, streams)
	for i := range each {
		each[i] = audience{task: tasks[i], size: 1}
	}
	if err := w.measure(ctx, each, 20*b.n, "100 tasks, a stream each, 4 callbacks at a time"); err != nil {
		return err
	}
	return w.measure(ctx, []audience{{task: tasks[streams], size: streams}}, 4*b.n, "one task, 100 streams of it")
}

// narrator plays the worker: it tells what audiences then hear of.
type narrator struct {
	s      *system
	st     *stock
	relay  *process
	client *http.Client
}

// delays are how long browsers waited, in milliseconds. An event that overtook the callback's answer has a negative one.
type delays struct{ afterAnswer, afterSending sample }

// measure opens the streams and sends that many callbacks.
func (w *narrator) measure(ctx context.Context, audiences []audience, callbacks int, name string) error {
	watching, leave := context.WithCancel(ctx)
	defer leave()
	watchers, watching := errgroup.WithContext(watching)
	var waited delays
	var cpu time.Duration
	err := func() error {
		for i := range audiences {
			if err := audiences[i].watch(watching, w.relay, watchers); err != nil {
				return err
			}
		}
		before, err := cpuTime(w.relay.pid())
		if err != nil {
			return err
		}
		if waited, err = w.tellAll(watching, audiences, callbacks); err != nil {
			return err
		}
		after, err := cpuTime(w.relay.pid())
		cpu = after - before
		return err
	}()
	leave()
	if broken := watchers.Wait(); broken != nil { // which is then why the rest failed
		return broken
	}
	if err != nil {
		return err
	}
	answer, sending := waited.afterAnswer, waited.afterSending
	w.s.b.table.add(figure{
		what: "answer to event, p99: " + name, value: answer.percentile(99), unit: "ms", atMost: new(50.0),
		beside: fmt.Sprintf("%d events, p50 %s; from sending the callback p50 %s, p99 %s; relay's CPU an event %s", len(answer),
			amount(answer.median(), "ms"), amount(sending.median(), "ms"), amount(sending.percentile(99), "ms"),
			amount(milliseconds(cpu)/float64(len(answer)), "ms")),
	})
	return nil
}

// tellAll sends callbacks about each of the audiences' tasks in turn: at most 4 at a time, one at a time about a task.
func (w *narrator) tellAll(ctx context.Context, audiences []audience, callbacks int) (delays, error) {
	free := make(chan *audience, len(audiences))
	for i := range audiences {
		free <- &audiences[i]
	}
	heard := make(chan delays, callbacks)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(min(4, len(audiences)))
	for range callbacks {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			a := <-free // never empty: there are as many as may run
			defer func() { free <- a }()
			d, err := w.tell(ctx, a)
			heard <- d
			return err
		})
	}
	err := group.Wait()
	close(heard)
	var all delays
	for d := range heard {
		all.afterAnswer = append(all.afterAnswer, d.afterAnswer...)
		all.afterSending = append(all.afterSending, d.afterSending...)
	}
	return all, err
}

// tell sends a task's next callback, a result or progress, and waits until all its browsers have been told.
func (w *narrator) tell(ctx context.Context, a *audience) (delays, error) {
	var d delays
	var message ask
	var err error
	var event, url string
	a.told++
	if a.told%4 == 0 {
		event, url = fmt.Sprintf("%d.png", a.told), w.st.results.url()
		message, err = w.s.deliver(a.task.ID, event, w.st.small)
	} else {
		progress := a.told % 101
		event, url = fmt.Sprint(progress), w.st.status.url()
		message, err = w.s.say(percent(a.task.ID, progress), http.StatusOK)
	}
	if err != nil {
		return d, err
	}
	sent := time.Now()
	if _, err := message.send(ctx, w.client, url); err != nil {
		return d, err
	}
	answered := time.Now()
	seen, err := a.wait(ctx, event)
	for _, at := range seen {
		d.afterAnswer.addTime(at.Sub(answered))
		d.afterSending.addTime(at.Sub(sent))
	}
	return d, err
}
