// Nethttp streams events with nothing but net/http, from memory: what a relay can't do without, and no more.
package main

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/recon3d/recon3d/infra/bench/peers/serve"
)

type stream struct {
	mu      sync.Mutex
	log     [][]byte             // whole frames, the first with id 1
	clients map[chan []byte]bool // closed where one is too slow
}

func main() {
	var streams sync.Map
	of := func(name string) *stream {
		s, _ := streams.LoadOrStore(name, &stream{clients: map[chan []byte]bool{}})
		return s.(*stream)
	}
	events := func(w http.ResponseWriter, r *http.Request) { of(r.URL.Query().Get("stream")).serve(w, r) }
	serve.Events(http.HandlerFunc(events), func(name, _ string, data []byte) error { return of(name).publish(data) })
}

func (s *stream) publish(data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	frame := fmt.Appendf(nil, "id: %d\ndata: %s\n\n", len(s.log)+1, data)
	s.log = append(s.log, frame)
	for c := range s.clients {
		select {
		case c <- frame:
		default:
			delete(s.clients, c)
			close(c)
		}
	}
	return nil
}

func (s *stream) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	after, _ := strconv.Atoi(r.Header.Get("Last-Event-ID")) // all where there is none
	c, out, heart := make(chan []byte, 64), http.NewResponseController(w), time.NewTicker(15*time.Second)
	defer heart.Stop()
	s.mu.Lock()
	missed := s.log[min(after, len(s.log)):]
	s.clients[c] = true
	s.mu.Unlock()
	defer func() { s.mu.Lock(); delete(s.clients, c); s.mu.Unlock() }()
	for _, frame := range missed {
		_, _ = w.Write(frame) // Flush tells, here and below
	}
	for out.Flush() == nil {
		frame, open := []byte(":\n\n"), true
		select {
		case frame, open = <-c:
		case <-heart.C:
		case <-r.Context().Done():
			return
		}
		if !open {
			return
		}
		_, _ = w.Write(frame)
	}
}
