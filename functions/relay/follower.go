package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// follower is who follows a topic, as far as it is the same whichever way the bytes go.
type follower struct {
	way    sender
	hub    *hub
	topic  *topic
	at     cursor        // of whoever sends
	opened time.Duration // since the hub began
	told   atomic.Uint32 // signals since the sender looked last

	waits bool // for Redis, which was away when the client came; of the hub, as the spot is
	chair int32
	spot  spot // on the hub's wheel
}

// sender is one of the ways in which bytes go to a client: a stream, or a conn where the process serves leanly.
type sender interface {
	watcher
	timed
	signal(what uint32)
}

// What a sender is told beside the topic's news.
const (
	sigHello uint32 = 1 << iota // nothing was sent yet
	sigBeat                     // send a comment
	sigLimit                    // STREAM_MAX is over
	sigDry                      // the time is over that a client waits for Redis
	sigStop                     // the process stops
	sigLeft                     // the client closed the connection
	sigStuck                    // the client took nothing within the write deadline
	sigTalks                    // the client sends more than its request
)

// The ways in which a stream ends.
const (
	endFinished = "finished" // everything there will ever be was sent
	endLeft     = "left"     // the client closed the connection, or the platform's time is up
	endLimit    = "limit"    // STREAM_MAX
	endStopping = "stopping" // the process is told to stop
	endUnknown  = "unknown"  // Redis did not come back
	endSlow     = "slow"     // the client takes nothing, or less than comes
	endTalks    = "talks"    // the client sends more than its request
	endFault    = "fault"    // an event could not be told
)

// hand gives a client that has joined to a sender.
func (c *follower) hand(to sender, hub *hub, t *topic, at cursor, waits bool) {
	c.way, c.hub, c.topic, c.at, c.waits = to, hub, t, at, waits
	c.told.Store(sigHello)
}

// signal tells the sender something, and wakes it.
func (c *follower) signal(what uint32) {
	c.told.Or(what)
	c.way.wake()
}

// seat implements watcher.
func (c *follower) seat() *int32 { return &c.chair }

// place implements timed.
func (c *follower) place() *spot { return &c.spot }

// tick implements timed: the client's heart beats, until its time is over.
func (c *follower) tick(now time.Time) time.Duration {
	p := c.hub.pace
	age := now.Sub(c.hub.begun) - c.opened
	if age >= p.max {
		c.signal(sigLimit)
		return 0
	}
	next := min(p.heartbeat, p.max-age)
	switch {
	case c.waits && age >= p.patience:
		c.waits = false
		c.signal(sigDry)
	case c.waits:
		next = min(next, p.patience-age)
	}
	c.signal(sigBeat)
	return next
}

// begin tells in how long the first tick is due.
func (c *follower) begin() time.Duration {
	p := c.hub.pace
	next := min(spread(p.heartbeat), p.max)
	if c.waits {
		next = min(next, p.patience)
	}
	return next
}

// spread is somewhere in the second half of d, so that what began together does not go on together.
func spread(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }

// look appends to dst what the client is to be sent now. With more, there is more already; with an end, that was the last.
func (c *follower) look(ctx context.Context, dst []byte, f framing, told uint32) (_ []byte, more bool, end string, err error) {
	before := len(dst)
	if told&sigHello != 0 {
		dst = f.append(dst, prelude)
	}
	if told&sigBeat != 0 {
		dst = f.append(dst, comment)
	}
	dst, o, err := c.topic.next(ctx, dst, &c.at, f, c.hub.sign)
	c.hub.count.events.Add(int64(o.sent))
	c.hub.count.bytes.Add(int64(len(dst) - before))
	switch {
	case err != nil:
		return dst, false, endFault, err
	case o.end:
		return dst, false, endFinished, nil
	case told&sigLimit != 0:
		return dst, false, endLimit, nil
	case told&sigDry != 0 && o.waits:
		return dst, false, endUnknown, nil
	case told&sigStop != 0 && !o.more:
		// So that the clients don't come back all at once to what takes over.
		return f.append(dst, retryFrame(time.Second+rand.N(3*time.Second))), false, endStopping, nil
	}
	return dst, o.more, "", nil
}

// ended logs the end of a stream.
func (c *follower) ended(requestID, why string, err error) {
	if why == endSlow {
		c.hub.count.slow.Add(1)
	}
	level := slog.LevelInfo
	if why == endFault {
		level = slog.LevelError
	}
	attributes := []slog.Attr{slog.String("requestId", requestID), slog.String("taskId", c.topic.taskID), slog.String("why", why), slog.Int64("after", c.at.after)}
	if err != nil {
		attributes = append(attributes, slog.Any("error", err))
	}
	slog.LogAttrs(context.Background(), level, "stream ended", attributes...)
}
