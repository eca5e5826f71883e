package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// conn is one client's connection of the lean way. Whoever serves it holds its lock; there are no others to wait for.
type conn struct {
	follower
	lean      *lean
	left      func()
	requestID string

	waiting atomic.Bool  // among the woken
	blocked atomic.Int64 // since when the socket takes nothing, a Duration since the hub began; 0: it does

	mu     sync.Mutex
	fd     int32
	serial int32
	heard  int32 // bytes that the client sent after its request
	framed framing
	live   bool // has once been sent all there was
	closed bool
	head   []byte // of the answer, until it is sent
	rest   []byte // what the socket did not take of what the cursor is behind
	end    string // why rest is the last
}

const (
	// mostBehind is how many bytes of events a client may lack while it takes none, if it once had all. What it lacked when
	// it came is no sign of slowness.
	mostBehind = 256 << 10
	// mostHeard is how many bytes a client may send after its request. An EventSource sends none.
	mostHeard = 16 << 10
)

var (
	errBehind = fmt.Errorf("it lacks more than %d bytes", mostBehind)
	errStuck  = errors.New("it took nothing within the write deadline")
)

// wake implements watcher.
func (c *conn) wake() {
	if c.waiting.Load() || c.waiting.Swap(true) {
		return
	}
	c.lean.mu.Lock()
	defer c.lean.mu.Unlock()
	c.lean.woken = append(c.lean.woken, c)
}

// tick implements timed.
func (c *conn) tick(now time.Time) time.Duration {
	next := c.follower.tick(now)
	since := time.Duration(c.blocked.Load())
	if since == 0 {
		return next
	}
	left := c.hub.pace.write - (now.Sub(c.hub.begun) - since)
	if left <= 0 {
		c.signal(sigStuck)
		return next
	}
	if next == 0 {
		return left
	}
	return min(next, left)
}

// serve sends what there is. buf is to write in; it is given back.
func (c *conn) serve(buf []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting.Store(false)
	if c.closed {
		return buf
	}
	told := c.told.Swap(0)
	switch {
	case told&sigLeft != 0:
		c.close(endLeft, nil)
	case told&sigTalks != 0:
		c.close(endTalks, nil)
	case c.rest == nil:
		buf = c.catchUp(buf, told)
	case told&sigStuck != 0:
		c.close(endSlow, errStuck)
	case c.live && c.topic.behind(c.at, mostBehind):
		c.close(endSlow, errBehind)
	default:
		c.told.Or(told &^ sigBeat) // for when there is room
	}
	return buf
}

// catchUp sends until there is nothing more, or no room.
func (c *conn) catchUp(buf []byte, told uint32) []byte {
	for more := true; more; told &^= sigBeat | sigHello {
		var end string
		var fault error
		buf, more, end, fault = c.look(context.Background(), append(buf[:0], c.head...), c.framed, told)
		c.head = nil
		if end != "" && c.framed == chunked {
			buf = append(buf, lastChunk...)
		}
		n, err := c.write(buf)
		switch {
		case err != nil:
			c.close(endLeft, err)
			return buf
		case n < len(buf):
			c.rest, c.end = slices.Clone(buf[n:]), end
			c.told.Or(told &^ (sigBeat | sigHello))
			c.block()
			return buf
		case end != "":
			c.close(end, fault)
			return buf
		}
	}
	c.live = true
	return buf
}

// block has epoll tell of room, and the wheel look whether it comes in time.
func (c *conn) block() {
	c.blocked.Store(int64(time.Since(c.hub.begun)))
	if err := c.register(unix.EPOLL_CTL_MOD, unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLOUT); err != nil {
		c.close(endFault, err)
		return
	}
	c.hub.remind(c, c.hub.pace.write)
}

// room goes on after block.
func (c *conn) room() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.rest == nil {
		return
	}
	n, err := c.write(c.rest)
	c.rest = c.rest[n:]
	switch {
	case err != nil:
		c.close(endLeft, err)
	case len(c.rest) == 0 && c.end != "":
		c.close(c.end, nil)
	case len(c.rest) == 0:
		c.rest = nil
		c.blocked.Store(0)
		c.wake()
	case n > 0:
		c.blocked.Store(int64(time.Since(c.hub.begun)))
	}
}

// hear takes what the client sends, so that it can be told from its leaving.
func (c *conn) hear(scratch []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed {
		n, err := unix.Read(int(c.fd), scratch)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n <= 0 { // nothing more for now; that it is gone, epoll tells
			return
		}
		if c.heard += int32(n); c.heard > mostHeard {
			c.signal(sigTalks)
			return
		}
	}
}

// write tells how much the socket took; less than all means that it is full.
func (c *conn) write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		n, err := unix.Write(int(c.fd), b)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, unix.EAGAIN):
			return 0, nil
		case !errors.Is(err, unix.EINTR):
			return 0, fmt.Errorf("write: %w", err)
		}
	}
}

// register tells epoll what to tell of, each once: edge-triggered (epoll(7)).
func (c *conn) register(op int, events uint32) error {
	e := unix.EpollEvent{Events: events | unix.EPOLLET, Fd: c.fd, Pad: c.serial}
	if err := unix.EpollCtl(c.lean.epoll, op, int(c.fd), &e); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// close ends the stream. The caller holds the lock.
func (c *conn) close(why string, err error) {
	c.closed, c.rest = true, nil
	c.lean.forget(c)
	if e := unix.Close(int(c.fd)); e != nil {
		err = errors.Join(err, fmt.Errorf("close: %w", e))
	}
	c.hub.unfollow(c, &c.follower)
	c.ended(c.requestID, why, err)
	c.hub.leave(c.topic)
	c.left()
}
