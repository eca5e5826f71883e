package main

import (
	"context"
	"log/slog"
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
	rung      func(channel, payload string) // a message came
	confirmed func(channel string)          // from now on no message of the channel is missed, until the connection is lost
	pingEvery time.Duration
	deadAfter time.Duration // of silence

	mu      sync.Mutex
	wanted  map[string]bool // channels; true where confirmed on the present connection
	stirred chan struct{}   // wanted has changed; holds one
	heard   atomic.Bool     // the present connection has worked
}

func newBell(rdb redis.UniversalClient, p pace, rung func(channel, payload string), confirmed func(channel string)) *bell {
	return &bell{
		rdb: rdb, rung: rung, confirmed: confirmed, pingEvery: p.ping, deadAfter: p.dead,
		wanted: map[string]bool{}, stirred: make(chan struct{}, 1),
	}
}

// want subscribes to a channel, and tells whether that was confirmed before.
func (b *bell) want(channel string) (already bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	already = b.wanted[channel]
	b.wanted[channel] = already
	b.stir()
	return already
}

// unwant unsubscribes from a channel.
func (b *bell) unwant(channel string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.wanted, channel)
	b.stir()
}

func (b *bell) stir() {
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
		if b.heard.Load() {
			pause.reset()
		}
		slog.Warn("subscription lost", "error", err)
		select {
		case <-time.After(pause.next()):
		case <-ctx.Done():
			return
		}
	}
}

// connect holds one connection, and tells why it ended.
func (b *bell) connect(ctx context.Context) error {
	b.mu.Lock()
	for channel := range b.wanted {
		b.wanted[channel] = false
	}
	b.mu.Unlock()
	b.heard.Store(false)

	conn := b.rdb.Subscribe(ctx) // dials when first used
	ended := make(chan error, 1)
	var reading sync.WaitGroup
	reading.Go(func() { ended <- b.receive(ctx, conn) })
	defer reading.Wait()
	defer conn.Close()

	ping := time.NewTicker(b.pingEvery)
	defer ping.Stop()
	asked := map[string]bool{} // channels subscribed to on this connection
	for {
		if err := b.ask(ctx, conn, asked); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			return err
		case <-b.stirred:
		case <-ping.C:
			if err := conn.Ping(ctx); err != nil {
				return err
			}
		}
	}
}

// ask brings the connection's channels to what is wanted.
func (b *bell) ask(ctx context.Context, conn *redis.PubSub, asked map[string]bool) error {
	var more, fewer []string
	b.mu.Lock()
	for channel := range b.wanted {
		if !asked[channel] {
			more = append(more, channel)
			asked[channel] = true
		}
	}
	for channel := range asked {
		if _, wanted := b.wanted[channel]; !wanted {
			fewer = append(fewer, channel)
			delete(asked, channel)
		}
	}
	b.mu.Unlock()
	if len(fewer) > 0 {
		if err := conn.Unsubscribe(ctx, fewer...); err != nil {
			return err
		}
	}
	if len(more) > 0 {
		return conn.Subscribe(ctx, more...)
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
		b.heard.Store(true)
		switch m := msg.(type) {
		case *redis.Message:
			b.rung(m.Channel, m.Payload)
		case *redis.Subscription:
			if m.Kind == "subscribe" && b.confirm(m.Channel) {
				b.confirmed(m.Channel)
			}
		}
	}
}

func (b *bell) confirm(channel string) (wanted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, wanted = b.wanted[channel]; wanted {
		b.wanted[channel] = true
	}
	return wanted
}
