package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// counters are what has happened since the process began.
type counters struct {
	events, bytes, slow, gaps, joinsMemory, joinsRead, reconnects, probeFailures atomic.Int64
}

// metrics writes the text format of Prometheus (version 0.0.4). A dozen numbers need no library: the smallest one adds a
// millisecond to the start of the process.
func (h *relay) metrics(w http.ResponseWriter, _ *http.Request) {
	hub, clients := h.hubs.present()
	topics := 0
	if hub != nil {
		topics = hub.size()
	}
	ready := 0
	if h.trouble() == "" {
		ready = 1
	}
	var b strings.Builder
	for _, m := range []struct {
		name, kind, help string
		value            int64
	}{
		{"clients", "gauge", "Streams that are open.", int64(clients)},
		{"topics", "gauge", "Tasks whose events are followed, those that linger included.", int64(topics)},
		{"ready", "gauge", "1 while Redis answers and tells of events.", int64(ready)},
		{"events_sent_total", "counter", "Events handed to clients' connections, progress included.", h.count.events.Load()},
		{"sent_bytes_total", "counter", "Bytes handed to clients' connections, headers not counted.", h.count.bytes.Load()},
		{"slow_clients_cut_total", "counter", "Clients cut because they took too little.", h.count.slow.Load()},
		{"gaps_repaired_total", "counter", "Events that rang out of turn, so that the stream was read.", h.count.gaps.Load()},
		{"redis_reconnects_total", "counter", "Subscription connections that were lost.", h.count.reconnects.Load()},
		{"probe_failures_total", "counter", "Subscription connections that lived and told nothing.", h.count.probeFailures.Load()},
		{`joins_total{from="memory"}`, "counter", "Clients that joined, by where their first events came from.", h.count.joinsMemory.Load()},
		{`joins_total{from="redis"}`, "", "", h.count.joinsRead.Load()},
	} {
		if m.kind != "" {
			family, _, _ := strings.Cut(m.name, "{")
			fmt.Fprintf(&b, "# HELP recon3d_relay_%s %s\n# TYPE recon3d_relay_%s %s\n", family, m.help, family, m.kind)
		}
		fmt.Fprintf(&b, "recon3d_relay_%s %d\n", m.name, m.value)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if _, err := w.Write([]byte(b.String())); err != nil {
		slog.Debug("caller left before its answer", "error", err)
	}
}

// serveMetrics answers at an address of its own until ctx is done, so that no route of the API leads to them.
func (h *relay) serveMetrics(ctx context.Context, address string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("METRICS_ADDR: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", h.metrics)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	go func() {
		if err := server.Serve(listener); ctx.Err() == nil {
			slog.Error("metrics not served", "error", err)
		}
	}()
	slog.Info("metrics", "address", listener.Addr().String())
	return nil
}
