package main

import (
	"bytes"
	"net/http"
	"sync"
	"time"

	"github.com/recon3d/recon3d/infra/local/gateway"
	"github.com/recon3d/recon3d/infra/local/manifest"
)

// front is the platform's front door (the local host's gateway) with somebody beside it who watches which function is asked and which
// answers.
type front struct {
	gateway *gateway.Gateway
	routes  manifest.Routes
	relay   string // the one of the relays that is behind it
	arrival *arrivals
	ledger  *ledger
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, _ := f.routes.Find(r.URL.Path)
	if name == "relay" {
		name = f.relay
	}
	f.arrival.tell(name)
	seen := &watched{ResponseWriter: w, name: name, ledger: f.ledger}
	f.gateway.ServeHTTP(seen, r)
	if seen.status >= http.StatusBadRequest {
		f.ledger.refused(Answer{
			At: time.Now(), Function: name, Request: r.Method + " " + r.URL.Path, Status: seen.status,
			Type: w.Header().Get("Content-Type"), RetryAfter: w.Header().Get("Retry-After"), RequestID: w.Header().Get("X-Request-Id"), Body: seen.body.String(),
		})
	}
}

// watched tells the ledger of an answer that is no trouble.
type watched struct {
	http.ResponseWriter
	name   string
	ledger *ledger
	status int
	body   bytes.Buffer // of an error
}

// Unwrap is for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *watched) WriteHeader(status int) {
	if status < http.StatusInternalServerError {
		w.ledger.works(w.name)
		w.ledger.works("system")
	}
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(p []byte) (int, error) {
	if w.status >= http.StatusBadRequest {
		w.body.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

// arrivals tells who waits for it that a request for a function has come.
type arrivals struct {
	mu      sync.Mutex
	waiting map[string][]chan struct{}
}

func (a *arrivals) tell(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.waiting[name] {
		close(c)
	}
	delete(a.waiting, name)
}

// next is closed when the next request comes.
func (a *arrivals) next(name string) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == nil {
		a.waiting = map[string][]chan struct{}{}
	}
	c := make(chan struct{})
	a.waiting[name] = append(a.waiting[name], c)
	return c
}
