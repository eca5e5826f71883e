package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// stream sends one client what its topic has, by net/http: right under TLS, HTTP/2 and on a function platform. Its goroutine is the
// only one that writes to the client, so a client that reads slowly holds up nobody; it is behind in the topic's log, and
// when it takes nothing for a while it is cut.
type stream struct {
	follower
	writer http.ResponseWriter
	woken  chan struct{} // holds one

	control  *http.ResponseController
	deadline time.Time // of writing
}

func newStream(w http.ResponseWriter) *stream {
	return &stream{writer: w, woken: make(chan struct{}, 1), control: http.NewResponseController(w)}
}

// wake implements watcher.
func (s *stream) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// await waits until the topic has something for the client, for at most that long. It tells whether it has.
func (s *stream) await(ctx context.Context, most time.Duration) bool {
	if s.topic.serves(s.at) {
		return true
	}
	s.topic.watch(s)
	defer s.topic.unwatch(s)
	patience := time.NewTimer(most)
	defer patience.Stop()
	for !s.topic.serves(s.at) {
		select {
		case <-s.woken:
		case <-patience.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// buffers are of streams that send just now; one that waits needs none.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// run sends until one of the ways to end, always between two events. An error comes with endSlow and endFault only.
// ctx is the request's.
func (s *stream) run(ctx context.Context) (end string, err error) {
	for {
		if end, err := s.catchUp(ctx); end != "" {
			return end, err
		}
		select {
		case <-s.woken:
		case <-ctx.Done():
			return endLeft, nil
		}
	}
}

// catchUp sends all that there is.
func (s *stream) catchUp(ctx context.Context) (end string, err error) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	told := s.told.Swap(0)
	for more := true; more && end == ""; told &^= sigBeat | sigHello {
		*buf, more, end, err = s.look(ctx, (*buf)[:0], plain, told)
		if err := s.send(*buf); err != nil {
			return endSlow, err
		}
	}
	return end, err
}

// send writes and flushes, within the write deadline, and leaves time for what net/http writes at the end. Where the platform
// can't flush, the answer leaves when it has ended.
func (s *stream) send(b []byte) error {
	// A deadline is a timer that has to be set anew: not for each of many writes.
	if now := time.Now(); s.deadline.Sub(now) < s.hub.pace.write/2 {
		s.deadline = now.Add(s.hub.pace.write)
		if err := s.control.SetWriteDeadline(s.deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return fmt.Errorf("set write deadline: %w", err)
		}
	}
	if len(b) == 0 {
		return nil
	}
	if _, err := s.writer.Write(b); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := s.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}
