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
	log     [][]byte // whole frames; the one at i has the id i + 1
	clients map[chan []byte]bool
}

func main() {
	var streams sync.Map
	of := func(name string) *stream {
		s, _ := streams.LoadOrStore(name, &stream{clients: map[chan []byte]bool{}})
		return s.(*stream)
	}
	serve.Events(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		of(r.URL.Query().Get("stream")).serve(w, r)
	}), func(name, _ string, data []byte) error {
		of(name).publish(data)
		return nil
	})
}

func (s *stream) publish(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	frame := fmt.Appendf(nil, "id: %d\ndata: %s\n\n", len(s.log)+1, data)
	s.log = append(s.log, frame)
	for c := range s.clients {
		select {
		case c <- frame:
		default: // too slow: it comes back with its last id
			delete(s.clients, c)
			close(c)
		}
	}
}

func (s *stream) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	after, _ := strconv.Atoi(r.Header.Get("Last-Event-ID")) // from the first where there is none
	c := make(chan []byte, 64)
	s.mu.Lock()
	missed := s.log[min(max(after, 0), len(s.log)):]
	s.clients[c] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.clients, c)
	}()
	heart := time.NewTicker(15 * time.Second)
	defer heart.Stop()
	out := http.NewResponseController(w)
	for _, frame := range missed {
		_, _ = w.Write(frame) // Flush tells
	}
	for open := true; open && out.Flush() == nil; {
		var frame []byte
		select {
		case frame, open = <-c:
		case <-heart.C:
			frame = []byte(":\n\n")
		case <-r.Context().Done():
			return
		}
		_, _ = w.Write(frame) // Flush tells
	}
}
