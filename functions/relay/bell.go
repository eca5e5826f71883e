package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-redis/redis/v8"
)

// bell is the process' one subscription connection to Redis, with a channel for each task that somebody watches. What it
// tells may be lost: whoever wants to be sure reads the stream after each confirmation of the channel.
//
// It makes every connection anew, instead of having go-redis mend one, and reads without its message channel, which
// drops what is not taken in time.
type bell struct {
	rdb       redis.UniversalClient
	line      redis.UniversalClient         // the same, for subscriptions
	rung      func(channel, payload string) // a message came
	confirmed func(channel string)          // from now on no message of the channel is missed, until the connection is lost
	pingEvery time.Duration
	deadAfter time.Duration // of silence, or of a probe that does not come back
	own       string        // the channel of the probes
	count     *counters

	mu       sync.Mutex
	channels map[string]state
	changed  []string      // channels to be subscribed to or not any more
	probed   time.Time     // when the oldest probe was sent that has not come back, zero if there is none
	stirred  chan struct{} // changed has grown; holds one
	up       atomic.Bool   // the present connection has worked
}

// state is what is known of a channel.
type state uint8

const (
	wanted    state = 1 << iota
	asked           // subscribed to on the present connection
	confirmed       // by Redis, too
)

// subscribeSize is how many channels one command names.
const subscribeSize = 1000

func newBell(rdb redis.UniversalClient, p pace, count *counters, rung func(channel, payload string), confirmed func(channel string)) *bell {
	own := "recon:relay:" + rand.Text()
	return &bell{
		rdb: rdb, line: listening(rdb), rung: rung, confirmed: confirmed, pingEvery: p.ping, deadAfter: p.dead, own: own, count: count,
		channels: map[string]state{own: wanted}, stirred: make(chan struct{}, 1),
	}
}

// want subscribes to a channel. It tells whether that was confirmed before, and whether there is a connection at present.
func (b *bell) want(channel string) (already, up bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.channels[channel]
	b.channels[channel] = s | wanted
	if s&asked == 0 {
		b.change(channel)
	}
	return s&confirmed != 0, b.up.Load()
}

// unwant unsubscribes from a channel.
func (b *bell) unwant(channel string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.channels[channel] &^ wanted; s&asked != 0 {
		b.channels[channel] = s
		b.change(channel)
	} else {
		delete(b.channels, channel)
	}
}

func (b *bell) change(channel string) {
	b.changed = append(b.changed, channel)
	select {
	case b.stirred <- struct{}{}:
	default:
	}
}

// run keeps a connection until ctx is done.
func (b *bell) run(ctx context.Context) {
	var pause backoff
	for {
		err := b.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		if b.up.Swap(false) {
			pause.reset()
		}
		b.count.reconnects.Add(1)
		slog.Warn("subscription lost", "error", err)
		select {
		case <-time.After(pause.next()):
		case <-ctx.Done():
			return
		}
	}
}

var errDumb = errors.New("the connection lives, but messages don't come")

// connect holds one connection, and tells why it ended.
func (b *bell) connect(ctx context.Context) error {
	b.renew()
	conn := b.line.Subscribe(ctx) // dials when first used
	ended := make(chan error, 1)
	var reading sync.WaitGroup
	reading.Go(func() { ended <- b.receive(ctx, conn) })
	defer reading.Wait()
	defer conn.Close()

	ping := time.NewTicker(b.pingEvery)
	defer ping.Stop()
	for {
		if err := b.ask(ctx, conn); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			return err
		case <-b.stirred:
		case <-ping.C:
			if b.dumb() {
				b.count.probeFailures.Add(1)
				return errDumb
			}
			if err := conn.Ping(ctx); err != nil {
				return err
			}
		}
	}
}

// renew forgets what the connection before was told.
func (b *bell) renew() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changed, b.probed = b.changed[:0], time.Time{}
	for channel, s := range b.channels {
		if s&wanted == 0 {
			delete(b.channels, channel)
			continue
		}
		b.channels[channel] = wanted
		b.changed = append(b.changed, channel)
	}
}

// ask brings the connection's channels to what is wanted.
func (b *bell) ask(ctx context.Context, conn *redis.PubSub) error {
	var more, fewer []string
	b.mu.Lock()
	for _, channel := range b.changed {
		switch s, known := b.channels[channel]; {
		case known && s == wanted:
			b.channels[channel] = wanted | asked
			more = append(more, channel)
		case known && s&wanted == 0:
			delete(b.channels, channel)
			fewer = append(fewer, channel)
		}
	}
	b.changed = nil
	b.mu.Unlock()
	for part := range slices.Chunk(fewer, subscribeSize) {
		if err := conn.Unsubscribe(ctx, part...); err != nil {
			return fmt.Errorf("unsubscribe: %w", err)
		}
	}
	for part := range slices.Chunk(more, subscribeSize) {
		if err := conn.Subscribe(ctx, part...); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	return nil
}

// receive passes on what comes. Redis answers every ping, so that silence means a dead connection, which TCP alone would
// notice after minutes.
func (b *bell) receive(ctx context.Context, conn *redis.PubSub) error {
	for {
		msg, err := conn.ReceiveTimeout(ctx, b.deadAfter)
		if err != nil {
			return err
		}
		switch m := msg.(type) {
		case *redis.Message:
			if m.Channel == b.own {
				b.heard()
			} else {
				b.rung(m.Channel, m.Payload)
			}
		case *redis.Subscription:
			if m.Kind == "subscribe" && b.confirm(m.Channel) {
				b.confirmed(m.Channel)
			}
		}
	}
}

// confirm notes that Redis has a channel.
func (b *bell) confirm(channel string) (isWanted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.up.Store(true)
	s, known := b.channels[channel]
	if known && s&asked != 0 {
		b.channels[channel] = s | confirmed
	}
	return s&wanted != 0
}

// probe has Redis tell us something by the subscription, which is the only proof that it still can.
func (b *bell) probe(ctx context.Context) {
	b.mu.Lock()
	ready := b.channels[b.own]&confirmed != 0
	if ready && b.probed.IsZero() {
		b.probed = time.Now()
	}
	b.mu.Unlock()
	if !ready {
		return
	}
	if err := b.rdb.Publish(ctx, b.own, "").Err(); err != nil {
		b.heard() // says nothing of the subscription: a Redis that is away shows in the pings
	}
}

func (b *bell) heard() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probed = time.Time{}
}

// dumb tells whether a probe has not come back for too long.
func (b *bell) dumb() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.probed.IsZero() && time.Since(b.probed) > b.deadAfter
}

// ready tells whether messages come, for all that is known.
func (b *bell) ready() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.channels[b.own]&confirmed != 0 && b.up.Load()
}
