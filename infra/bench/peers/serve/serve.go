// Package serve runs a peer as the bench expects it: on a port that the system chooses, told in one line on standard error.
package serve

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"
)

// Events serves GET /events?stream=, by events, and POST /publish?stream=&id= with an event's data in the body, by publish, until it
// is ended by a signal.
func Events(events http.Handler, publish func(stream, id string, data []byte) error) {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	routes := http.NewServeMux()
	routes.Handle("GET /events", events)
	routes.HandleFunc("POST /publish", func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err == nil {
			query := r.URL.Query()
			err = publish(query.Get("stream"), query.Get("id"), data)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err == nil {
		log.Info("listening", "address", l.Addr().String())
		err = (&http.Server{Handler: routes, ReadHeaderTimeout: 10 * time.Second}).Serve(l)
	}
	log.Error("peer failed", "error", err)
	os.Exit(1)
}
