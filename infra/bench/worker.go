package main

import (
	"io"
	"net"
	"net/http"
	"time"
)

// worker takes every task and computes nothing: its callbacks are sent by the scenarios.
type worker struct {
	url    string
	server *http.Server
}

func startWorker() (*worker, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	routes := http.NewServeMux()
	routes.HandleFunc("POST /generate3d", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"status":"accepted"}`) // its reader may have left
	})
	routes.HandleFunc("DELETE /generate3d/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	w := &worker{"http://" + l.Addr().String(), &http.Server{Handler: routes, ReadHeaderTimeout: 10 * time.Second}}
	go func() { _ = w.server.Serve(l) }() // ends when it is closed
	return w, nil
}
