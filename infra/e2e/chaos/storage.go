package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// storage stands before the COS endpoint and, while it is told to, behaves as badly as COS may.
type storage struct {
	proxy  *httputil.ReverseProxy
	ledger *ledger
	mood   atomic.Pointer[Fault] // nil: it passes on what comes

	mu  sync.Mutex
	rng *rand.Rand
}

func newStorage(endpoint string, seed uint64, l *ledger) *storage {
	s := &storage{ledger: l, rng: rand.New(rand.NewPCG(seed, 1))}
	s.proxy = &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = "http", endpoint
			p.Out.URL.RawQuery = p.In.URL.RawQuery
			p.Out.Host = p.In.Host // it is signed
		},
		Transport:      &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
		ModifyResponse: s.spoil,
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		ErrorLog:       log.New(io.Discard, "", 0), // of clients that left
	}
	return s
}

func (s *storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := s.mood.Load()
	if m == nil {
		s.proxy.ServeHTTP(w, r)
		return
	}
	switch m.Kind {
	case "cos answers 500":
		s.fail(w, r, http.StatusInternalServerError, "InternalError")
	case "cos answers 503":
		s.fail(w, r, http.StatusServiceUnavailable, "SlowDown")
	case "cos forbids":
		if s.chance() {
			s.proxy.ServeHTTP(w, r)
			return
		}
		say(w, http.StatusForbidden, []string{"ExpiredToken", "RequestTimeTooSkewed", "AccessDenied", "InvalidAccessKeyId"}[s.pick(4)])
	case "cos answers 409":
		if r.Method == http.MethodGet || r.Method == http.MethodHead || s.chance() {
			s.proxy.ServeHTTP(w, r)
			return
		}
		say(w, http.StatusConflict, "OperationAborted")
	case "cos breaks off":
		s.breakOff(w, r)
	case "cos fails in a 200":
		if r.Header.Get("X-Cos-Copy-Source") != "" || r.Method == http.MethodPost && r.URL.Query().Has("delete") {
			s.fail(w, r, http.StatusOK, "InternalError")
			return
		}
		s.proxy.ServeHTTP(w, r)
	case "cos is slow":
		select {
		case <-time.After(time.Duration(m.Amount) * time.Millisecond):
			s.proxy.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	default:
		s.proxy.ServeHTTP(w, r)
	}
}

// fail answers with an error, half of the time after what was asked has been done.
func (s *storage) fail(w http.ResponseWriter, r *http.Request, status int, code string) {
	if s.chance() {
		s.proxy.ServeHTTP(&blind{header: http.Header{}}, r.WithContext(context.WithoutCancel(r.Context())))
	}
	say(w, status, code)
}

func say(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>of the chaos</Message></Error>", code) // its reader may have left
}

// breakOff closes the connection: after a part of what comes, when all is done but the answer, or after a part of that.
func (s *storage) breakOff(w http.ResponseWriter, r *http.Request) {
	switch s.pick(4) {
	case 0:
		_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2) // the rest stays where it is
	case 1:
		s.proxy.ServeHTTP(&blind{header: http.Header{}}, r.WithContext(context.WithoutCancel(r.Context())))
	case 2:
		s.proxy.ServeHTTP(&half{ResponseWriter: w}, r)
	default:
		s.proxy.ServeHTTP(w, r)
		return
	}
	panic(http.ErrAbortHandler)
}

// half passes on half of an answer's body, under the header of the whole.
type half struct {
	http.ResponseWriter
	left int64
}

func (h *half) WriteHeader(status int) {
	h.left, _ = strconv.ParseInt(h.Header().Get("Content-Length"), 10, 64) // 0 where it says nothing
	h.left /= 2
	h.ResponseWriter.WriteHeader(status)
}

func (h *half) Write(p []byte) (int, error) {
	n := min(int64(len(p)), h.left)
	h.left -= n
	if _, err := h.ResponseWriter.Write(p[:n]); err != nil || n == int64(len(p)) {
		return int(n), err
	}
	_ = http.NewResponseController(h.ResponseWriter).Flush() // what comes next is the end
	panic(http.ErrAbortHandler)
}

func (s *storage) chance() bool { return s.pick(2) == 0 }

func (s *storage) pick(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.IntN(n)
}

// spoil changes an answer where it is told to.
func (s *storage) spoil(res *http.Response) error {
	if res.StatusCode < http.StatusMultipleChoices {
		s.ledger.works("cos")
	}
	m := s.mood.Load()
	if m == nil || res.StatusCode != http.StatusOK {
		return nil
	}
	const crc = "X-Cos-Hash-Crc64ecma"
	switch {
	case m.Kind == "cos lies of a PUT" && res.Request.Method == http.MethodPut:
		if sum, err := strconv.ParseUint(res.Header.Get(crc), 10, 64); err == nil {
			res.Header.Set(crc, strconv.FormatUint(sum^1, 10))
		}
	case m.Kind == "cos lies in a GET" && res.Request.Method == http.MethodGet && res.ContentLength > 0:
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		body[len(body)/2] ^= 0x10
		res.Body = io.NopCloser(bytes.NewReader(body))
	}
	return nil
}

// blind takes an answer that nobody is to see.
type blind struct{ header http.Header }

func (b *blind) Header() http.Header         { return b.header }
func (b *blind) Write(p []byte) (int, error) { return len(p), nil }
func (b *blind) WriteHeader(int)             {}
