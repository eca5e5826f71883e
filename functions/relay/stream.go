package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/recon3d/recon3d/shared/cosstore"
)

// stream sends one client what its topic has. It is the only one that writes to the client, so a client that reads slowly
// holds up nobody; it is behind in the topic's log, and when it takes nothing for a while it is cut.
type stream struct {
	topic   *topic
	at      cursor
	objects *cosstore.Store
	writer  http.ResponseWriter
	pace    pace
}

// The ways in which a stream ends.
const (
	endFinished = "finished" // everything there will ever be was sent
	endLeft     = "left"     // the client closed the connection, or the platform's time is up
	endLimit    = "limit"    // STREAM_MAX
	endStopping = "stopping" // the process is told to stop
	endUnknown  = "unknown"  // Redis did not come back
	endSlow     = "slow"     // the client takes nothing
	endFault    = "fault"    // an event could not be told
)

// run sends until one of the ways to end, always between two events. An error comes with endSlow and endFault only.
// ctx is the request's, stopping is done when the process is told to stop.
func (s *stream) run(ctx, stopping context.Context) (end string, err error) {
	limit := time.NewTimer(s.pace.max)
	defer limit.Stop()
	patience := time.NewTimer(s.pace.patience)
	defer patience.Stop()

	if err := s.send(prelude); err != nil {
		return endSlow, err
	}
	for {
		b, err := s.topic.next(ctx, &s.at, s.objects)
		if err != nil {
			return endFault, err
		}
		if err := s.send(b.frames...); err != nil {
			return endSlow, err
		}
		if b.end {
			return endFinished, nil
		}
		if b.more {
			continue
		}
		select {
		case <-b.changed:
		case <-patience.C:
			if !s.topic.serves(s.at) {
				return endUnknown, nil
			}
		case <-ctx.Done():
			return endLeft, nil
		case <-limit.C:
			return endLimit, nil
		case <-stopping.Done():
			// So that the clients don't come back all at once to what takes over.
			if err := s.send(retryFrame(time.Second + rand.N(3*time.Second))); err != nil {
				return endSlow, err
			}
			return endStopping, nil
		}
	}
}

// send writes frames and flushes them, within the write deadline. Where the platform can't flush, the answer leaves when it
// has ended.
func (s *stream) send(frames ...[]byte) error {
	if len(frames) == 0 {
		return nil
	}
	rc := http.NewResponseController(s.writer)
	if err := rc.SetWriteDeadline(time.Now().Add(s.pace.write)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("set write deadline: %w", err)
	}
	for _, f := range frames {
		if _, err := s.writer.Write(f); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	if err := rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}
