// Package telemetry is what a function tells of its work: spans of a trace (W3C Trace Context in, OTLP/HTTP out), and the figures that
// the log line of a request carries.
//
// Nothing here changes what a request is answered: without an endpoint there are no spans, no header and no connection; with one that is
// away spans are lost and a line says so.
package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Tracer exports spans. A nil one is off. It is safe for many goroutines.
type Tracer struct {
	url     string
	headers http.Header
	timeout time.Duration
	delay   time.Duration
	ratio   float64
	service string
	client  *http.Client

	mu       sync.Mutex
	deafTill time.Time // the receiver failed: until then spans are dropped, so that requests don't wait for it
	waiting  []*Span   // of a container

	stop, stopped chan struct{} // of a container
}

const (
	// deaf is for how long nothing is sent after a failure.
	deaf = 10 * time.Second
	// mostWaiting is how many spans a container holds; what comes while there are as many is dropped.
	mostWaiting = 2048
)

// New makes a tracer of a valid configuration, nil where that names no endpoint. Close it.
func New(c Config) *Tracer {
	if c.Endpoint == "" {
		return nil
	}
	headers, err := c.headers()
	if err != nil {
		return nil // Validate has told
	}
	t := &Tracer{
		url: strings.TrimRight(c.Endpoint, "/") + "/v1/traces", headers: headers, ratio: c.Ratio, service: c.Service,
		timeout: time.Duration(c.Timeout) * time.Millisecond, delay: time.Duration(c.Delay) * time.Millisecond,
		client: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				Proxy:           http.ProxyFromEnvironment,
				DialContext:     (&net.Dialer{}).DialContext,
				IdleConnTimeout: 50 * time.Second,
			},
		},
	}
	if t.service == "" {
		t.service = "recon3d-" + filepath.Base(os.Args[0])
	}
	if t.delay > 0 {
		t.stop, t.stopped = make(chan struct{}), make(chan struct{})
		go t.loop()
	}
	return t
}

// collection is the spans that ended in one request.
type collection struct {
	tracer *Tracer

	mu    sync.Mutex
	ended []*Span
}

func (c *collection) add(s *Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = append(c.ended, s)
}

// Collect has the spans that are started in the context which it makes exported by export: call that when the request's work is done
// and its answer not yet ended.
func (t *Tracer) Collect(ctx context.Context) (_ context.Context, export func()) {
	if t == nil {
		return ctx, func() {}
	}
	c := &collection{tracer: t}
	ctx = context.WithValue(ctx, collectionKey{}, c)
	return ctx, func() {
		c.mu.Lock()
		spans := c.ended
		c.ended = nil
		c.mu.Unlock()
		if t.delay > 0 {
			t.keep(spans)
		} else {
			t.send(context.WithoutCancel(ctx), spans) // a caller that has gone is no reason to lose its trace
		}
	}
}

// keep leaves spans to loop.
func (t *Tracer) keep(spans []*Span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(t.waiting, spans[:min(len(spans), mostWaiting-len(t.waiting))]...)
}

// loop exports what waits, every so often and at last.
func (t *Tracer) loop() {
	defer close(t.stopped)
	tick := time.NewTicker(t.delay)
	defer tick.Stop()
	for stopping := false; !stopping; {
		select {
		case <-tick.C:
		case <-t.stop:
			stopping = true
		}
		t.mu.Lock()
		spans := t.waiting
		t.waiting = nil
		t.mu.Unlock()
		t.send(context.Background(), spans)
	}
}

// Close exports what a container still holds. Nothing may be collected after it.
func (t *Tracer) Close() {
	if t == nil {
		return
	}
	if t.delay > 0 {
		close(t.stop)
		<-t.stopped
	}
	t.client.CloseIdleConnections()
}

// send exports spans, within the time-out, and at once not at all for a while after that failed.
func (t *Tracer) send(ctx context.Context, spans []*Span) {
	if len(spans) == 0 {
		return
	}
	t.mu.Lock()
	away := time.Now().Before(t.deafTill)
	t.mu.Unlock()
	if away {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	err := t.post(ctx, marshal(t.service, spans))
	if err == nil {
		return
	}
	t.mu.Lock()
	told := time.Now().Before(t.deafTill) // by a request beside this one
	t.deafTill = time.Now().Add(deaf)
	t.mu.Unlock()
	t.client.CloseIdleConnections() // those of an instance that was frozen are dead
	if !told {
		slog.Warn("traces not exported", "spans", len(spans), "pauseMs", deaf.Milliseconds(), "error", err)
	}
}

func (t *Tracer) post(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = t.headers.Clone()
	r.Header.Set("Content-Type", "application/x-protobuf")
	res, err := t.client.Do(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	if res.StatusCode/100 != 2 {
		err = errors.Join(fmt.Errorf("the receiver answered %s", res.Status), err)
	}
	return errors.Join(err, res.Body.Close())
}
