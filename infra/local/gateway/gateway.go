// Package gateway is the platform's front door on this machine: it leads each path to its function and holds both to the
// platform's limits, so that what works here works there.
//
// As on the platform, a request is taken in whole before its function is called, and an answer is sent when it is whole.
// Only streams (text/event-stream) pass as they come.
package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httputil"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/recon3d/recon3d/infra/local/manifest"
	"github.com/recon3d/recon3d/shared/fault"
)

// The platform's limits on a synchronous call.
const (
	MaxBody   = 6 << 20 // bytes of a request's body, and of an answer's
	maxHeader = 4 << 10 // bytes of an answer's header
)

// restartGrace is how long a request waits for a function that is being restarted.
const restartGrace = 2500 * time.Millisecond

// Upstream is a web function that runs on this machine.
type Upstream struct {
	Address string                          // host:port
	Timeout time.Duration                   // of one request; an open stream ends with it
	Wait    func(ctx context.Context) error // until the function answers
	Header  http.Header                     // what the platform adds to each request: the credentials of the function's role
}

// Gateway is the front door. It is an http.Handler.
type Gateway struct {
	routes  manifest.Routes
	proxies map[string]*httputil.ReverseProxy
	timeout map[string]time.Duration
	log     *slog.Logger
}

// New makes a gateway for routes; upstreams holds a function for each of them, by name.
func New(routes manifest.Routes, upstreams map[string]Upstream, log *slog.Logger) (*Gateway, error) {
	g := &Gateway{routes: routes, proxies: map[string]*httputil.ReverseProxy{}, timeout: map[string]time.Duration{}, log: log}
	for _, r := range routes {
		u, ok := upstreams[r.Function]
		if !ok {
			return nil, fmt.Errorf("%s leads to %s, which does not run", r.Path, r.Function)
		}
		if g.proxies[r.Function] == nil {
			g.proxies[r.Function], g.timeout[r.Function] = g.proxy(u), u.Timeout
		}
	}
	return g, nil
}

func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if id := r.Header.Get("X-Request-Id"); !saneID.MatchString(id) {
		r.Header.Set("X-Request-Id", uuid.Must(uuid.NewV7()).String())
	}
	name, ok := g.routes.Find(r.URL.Path)
	if !ok {
		g.refuse(w, r, fault.New(fault.NotFound, ""))
		return
	}
	if err := readWhole(w, r); err != nil {
		g.refuse(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.timeout[name])
	defer cancel()
	defer func() {
		if p := recover(); p != nil { // http.ErrAbortHandler: the answer broke off, and so must the connection
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				g.log.Info("stream cut at the function's time limit", "requestId", r.Header.Get("X-Request-Id"), "path", r.URL.Path)
			}
			panic(p)
		}
	}()
	g.proxies[name].ServeHTTP(w, r.WithContext(ctx))
}

// saneID is what is taken over as a request's id: nothing that could break a log line or a header.
var saneID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (g *Gateway) proxy(u Upstream) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport: &http.Transport{
			DialContext:         u.dial,
			DisableCompression:  true, // the caller's own wish is passed on
			MaxIdleConnsPerHost: 64,
			IdleConnTimeout:     5 * time.Second, // a function closes a connection on which nothing ever came after 10 s: not as it is taken into use
		},
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = "http", u.Address
			p.Out.URL.RawQuery = p.In.URL.RawQuery
			p.Out.Host = p.In.Host
			p.SetXForwarded()
			p.Out.Header.Del("Expect") // the body has arrived
			for name := range p.Out.Header {
				if strings.HasPrefix(name, "X-Scf-") { // the platform's own: a caller who sends them poses as it
					p.Out.Header.Del(name)
				}
			}
			maps.Copy(p.Out.Header, u.Header)
		},
		ModifyResponse: holdAnswer,
		ErrorHandler:   g.refuse,
		ErrorLog:       slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}
}

// readWhole takes in the body of r, at most MaxBody bytes, and gives it to r again.
func readWhole(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, int64(len(body)), nil
	if len(body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	return nil
}

// holdAnswer holds a function's answer to the platform's limits.
func holdAnswer(res *http.Response) error {
	res.Header.Set("X-Request-Id", res.Request.Header.Get("X-Request-Id"))
	var size counter
	if err := res.Header.Write(&size); err != nil {
		return fmt.Errorf("measure the answer's header: %w", err)
	}
	if size > maxHeader {
		return &overLimit{fmt.Sprintf("The function answered with a header of %d bytes; the platform passes on %d.", size, maxHeader)}
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		res.Header.Set("Connection", "close")
		return nil
	}
	if res.Request.Method == http.MethodHead || res.StatusCode == http.StatusNoContent || res.StatusCode == http.StatusNotModified {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxBody+1))
	if err != nil {
		return fmt.Errorf("the answer broke off after %d bytes: %w", len(body), err)
	}
	if len(body) > MaxBody {
		return &overLimit{fmt.Sprintf("The function answered with more than the %d bytes that the platform passes on.", MaxBody)}
	}
	if err := res.Body.Close(); err != nil {
		return fmt.Errorf("end the answer: %w", err)
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res.Header.Set("Content-Length", fmt.Sprint(len(body)))
	return nil
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
