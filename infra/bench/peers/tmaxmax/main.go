// Tmaxmax streams events by github.com/tmaxmax/go-sse. Each stream is a provider of its own, for one serves all its clients in turn.
package main

import (
	"net/http"
	"sync"

	"github.com/tmaxmax/go-sse"

	"github.com/recon3d/recon3d/infra/bench/peers/serve"
)

// kept is how many events of a stream can be replayed.
const kept = 64

// replayer sends the answer's head as soon as a client is subscribed, not with its first event.
type replayer struct{ sse.Replayer }

func (r replayer) Replay(s sse.Subscription) error {
	if err := r.Replayer.Replay(s); err != nil {
		return err
	}
	return s.Client.Flush()
}

func main() {
	var streams sync.Map
	of := func(name string) (*sse.Server, error) {
		if s, ok := streams.Load(name); ok {
			return s.(*sse.Server), nil
		}
		memory, err := sse.NewFiniteReplayer(kept, false)
		s, _ := streams.LoadOrStore(name, &sse.Server{Provider: &sse.Joe{Replayer: replayer{memory}}})
		return s.(*sse.Server), err
	}
	serve.Events(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := of(r.URL.Query().Get("stream"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		s.ServeHTTP(w, r)
	}), func(stream, id string, data []byte) error {
		s, err := of(stream)
		if err != nil {
			return err
		}
		m := &sse.Message{ID: sse.ID(id)}
		m.AppendData(string(data))
		return s.Publish(m)
	})
}
