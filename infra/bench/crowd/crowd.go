// Package crowd is many clients of event streams (HTML standard, "Server-sent events") on one thread: raw sockets under one epoll
// instance, and nothing allocated for an event, so that a load generator made of it takes little of the machine that it shares
// with the server. Each client sees to it that the events it gets are numbered without holes and without repeats.
package crowd

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Config is what the clients of a crowd have in common.
type Config struct {
	Address string // host:port, of IPv4
	Size    int
	// Topic is what a client watches. The first event of a topic has the number 1, the next one 2.
	Topic func(client int) int
	// Request is what a client sends. lastID is the id of the last event that it got before, "" where there is none.
	Request func(client int, lastID string) []byte
	// NumberInData says that an event's number is what its data begin with; it is its id otherwise. Events without one are not counted.
	NumberInData bool
	// Mute clients read the head of the answer and nothing after it. They ask for small buffers on both sides, so that
	// these are soon full.
	Mute func(client int) bool
	// Sent tells when events were published; events that it does not know are not timed.
	Sent *Clock
}

// Tally is what the clients have got so far.
type Tally struct {
	Open      int   // clients whose stream has begun and has not ended
	Failed    int   // clients that were not answered with a stream
	Cut       int   // streams that ended from the other side
	Delivered int64 // events, each as often as it came
	Doubled   int64 // of these, those that their client had already
	Lost      int64 // numbers that were passed over
	Comments  int64
	Opened    time.Time // when a stream began last
	Last      time.Time // when an event was delivered last
	Trouble   error     // of the first client that failed
}

// Crowd is clients, which one goroutine serves. Its methods may be called from any other one.
type Crowd struct {
	cfg    Config
	loop   *loop
	orders chan func()
	ended  chan struct{}

	stop sync.Once
}

// Start makes the clients; none is connected. The caller has to Close.
func Start(cfg Config) (*Crowd, error) {
	l, err := newLoop(cfg)
	if err != nil {
		return nil, err
	}
	c := &Crowd{cfg: cfg, loop: l, orders: make(chan func(), 1), ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		l.run(c.orders)
	}()
	return c, nil
}

var errClosed = errors.New("the crowd has gone")

// do runs f between two rounds of the loop.
func (c *Crowd) do(f func()) error {
	done := make(chan struct{})
	select {
	case c.orders <- func() { f(); close(done) }:
	case <-c.ended:
		return errClosed
	}
	c.loop.wake()
	select {
	case <-done:
		return nil
	case <-c.ended:
		return errClosed
	}
}

// await waits until a condition of the loop's own state holds.
func (c *Crowd) await(ctx context.Context, holds func() bool) error {
	reached := make(chan struct{})
	if err := c.do(func() { c.loop.await(holds, reached) }); err != nil {
		return err
	}
	select {
	case <-reached:
		return nil
	case <-c.ended:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Connect connects all clients that are not, each from the last event on that it has, and waits until each has its stream or
// has failed. It is an error where one has.
func (c *Crowd) Connect(ctx context.Context) error {
	if err := c.do(c.loop.connectAll); err != nil {
		return err
	}
	if err := c.await(ctx, c.loop.settled); err != nil {
		t, _ := c.Tally() // what it tells of nothing is nothing
		return fmt.Errorf("%d of %d streams begun: %w", t.Open, c.cfg.Size, err)
	}
	t, err := c.Tally()
	if err != nil {
		return err
	}
	if t.Failed > 0 {
		return fmt.Errorf("%d of %d clients got no stream: %w", t.Failed, c.cfg.Size, t.Trouble)
	}
	return nil
}

// Delivered waits until that many events came, repeats not counted.
func (c *Crowd) Delivered(ctx context.Context, events int64) error {
	err := c.await(ctx, func() bool { return c.loop.tally.Delivered-c.loop.tally.Doubled >= events })
	if err != nil && ctx.Err() != nil {
		t, _ := c.Tally() // what it tells of nothing is nothing
		return fmt.Errorf("%d of %d events delivered, %d streams cut: %w", t.Delivered-t.Doubled, events, t.Cut, err)
	}
	return err
}

// Drop closes all connections at once, as a network that goes away does (RST).
func (c *Crowd) Drop() error { return c.do(c.loop.drop) }

// Tally tells what came so far.
func (c *Crowd) Tally() (t Tally, err error) {
	err = c.do(func() { t = c.loop.tally })
	return t, err
}

// Forget forgets how long events took so far, but not which ones came.
func (c *Crowd) Forget() error { return c.do(func() { c.loop.delays = Histogram{} }) }

// Delays is how long events took from being published to being parsed, since Forget.
func (c *Crowd) Delays() (h Histogram, err error) {
	err = c.do(func() { h = c.loop.delays })
	return h, err
}

// Missing is how many events clients lack at the end, whose topics have events up to the number that last tells, and how many
// they have in excess of that. Mute clients are left out.
func (c *Crowd) Missing(last func(topic int) int64) (missing, excess int64, err error) {
	err = c.do(func() { missing, excess = c.loop.missing(last) })
	return missing, excess, err
}

// Close ends all.
func (c *Crowd) Close() {
	c.stop.Do(func() {
		_ = c.do(c.loop.end) // it has ended by itself otherwise
		<-c.ended
	})
}
