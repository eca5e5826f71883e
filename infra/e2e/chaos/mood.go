package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// mood is how a fake worker answers hand-overs that it has taken.
type mood struct {
	late bool
	wait time.Duration // of late
}

// change sets it, for the harness.
func (w *fakeWorker) change(_ http.ResponseWriter, r *http.Request) {
	ms, _ := strconv.Atoi(r.FormValue("ms")) // the harness writes numbers
	switch r.FormValue("kind") {
	case "hand-overs answered late":
		w.mood.Store(&mood{late: true, wait: time.Duration(ms) * time.Millisecond})
	case "hand-overs answered badly":
		w.mood.Store(&mood{})
	default:
		w.mood.Store(nil)
	}
}

// spoil answers in the worker's place, half of the time.
func (m *mood) spoil(rw http.ResponseWriter, r *http.Request) bool {
	if rand.N(2) == 0 {
		return false
	}
	if m.late {
		time.Sleep(m.wait) // whoever waits for it has left or not
		return false
	}
	flood := func(until <-chan struct{}) {
		line := bytes.Repeat([]byte("no end "), 1000)
		for {
			select {
			case <-until:
				return
			default:
			}
			if _, err := rw.Write(line); err != nil {
				return
			}
		}
	}
	switch rand.N(9) {
	case 0:
		rw.WriteHeader(http.StatusOK)
	case 1:
		rw.WriteHeader(http.StatusInternalServerError)
	case 2:
		rw.Header().Set("Location", "http://127.0.0.1:1/")
		rw.WriteHeader(http.StatusTemporaryRedirect)
	case 3:
		rw.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(rw, "\x00\xff<html>") // its reader may have left
	case 4:
		rw.WriteHeader(http.StatusAccepted)
		flood(r.Context().Done())
	case 5:
		rw.WriteHeader(http.StatusInternalServerError)
		flood(r.Context().Done())
	case 6:
		rw.Header().Set("X-Long", string(bytes.Repeat([]byte("x"), 2<<20)))
		rw.WriteHeader(http.StatusAccepted)
	case 7:
		rw.WriteHeader(http.StatusAccepted)
		_ = http.NewResponseController(rw).Flush() // and then nothing, until nobody waits any more
		select {
		case <-r.Context().Done():
		case <-time.After(10 * time.Second):
		}
	default:
		panic(http.ErrAbortHandler)
	}
	return true
}
