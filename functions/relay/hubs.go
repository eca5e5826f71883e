package main

import (
	"context"
	"sync"
)

// hubs has a hub while there is a client and none otherwise: on a function platform nothing is sure to run once the last
// request is answered, and a frozen instance wakes up with dead connections. So topics linger only beside other clients. A
// process that serves leanly is no function; its hub stays.
type hubs struct {
	start func() *hub
	keep  bool

	mu      sync.Mutex
	hub     *hub
	clients int
	empty   chan struct{} // closed when the last client has left, where somebody waits for that
}

// stay starts a hub that does not end with its last client.
func (s *hubs) stay() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep = true
	s.hub = s.start()
}

// enter tells the hub, for a client that leaves later.
func (s *hubs) enter() *hub {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hub == nil {
		s.hub = s.start()
	}
	s.clients++
	return s.hub
}

// leave returns when, after the last client, nothing of the hub runs any more.
func (s *hubs) leave() {
	s.mu.Lock()
	s.clients--
	var last *hub
	if s.clients == 0 {
		if s.empty != nil {
			close(s.empty)
			s.empty = nil
		}
		if !s.keep {
			last, s.hub = s.hub, nil
		}
	}
	s.mu.Unlock()
	if last != nil {
		last.stop()
	}
}

// present tells the hub and the clients that there are; the hub may be nil.
func (s *hubs) present() (*hub, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hub, s.clients
}

// drained waits until the last client has left, or ctx is done.
func (s *hubs) drained(ctx context.Context) {
	s.mu.Lock()
	if s.clients == 0 {
		s.mu.Unlock()
		return
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	s.mu.Unlock()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}
