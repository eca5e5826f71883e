package main

import "sync"

// hubs has a hub while there is a client and none otherwise: on a function platform nothing is sure to run once the last
// request is answered, and a frozen instance wakes up with dead connections.
type hubs struct {
	start func() *hub

	mu      sync.Mutex
	hub     *hub
	clients int
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
		last, s.hub = s.hub, nil
	}
	s.mu.Unlock()
	if last != nil {
		last.stop()
	}
}
