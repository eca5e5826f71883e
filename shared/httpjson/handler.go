package httpjson

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/telemetry"
)

// Config is what all HTTP functions read.
type Config struct {
	// CORSOrigins may call the API from a browser page of another origin; `*` means any. None by default.
	CORSOrigins []string `env:"CORS_ORIGINS" envSeparator:","`
}

// Validate refuses what no browser sends as its page's origin (RFC 6454, section 6.1), and `null`, which is that of any sandboxed page.
func (c *Config) Validate() error {
	var wrong []error
	for i, origin := range c.CORSOrigins {
		c.CORSOrigins[i] = strings.TrimSpace(origin)
		if origin = c.CORSOrigins[i]; origin == "*" {
			continue
		}
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin || strings.ToLower(origin) != origin {
			wrong = append(wrong, fmt.Errorf("CORS_ORIGINS: number %d is no origin: https://host, or http://host:port, in lower case and nothing beside it", i+1))
		}
	}
	return errors.Join(wrong...)
}

// allowed tells what to answer to a page of that origin: itself, `*` where anyone may call, "" to a stranger.
func (c Config) allowed(origin string) string {
	switch {
	case origin == "":
		return ""
	case slices.Contains(c.CORSOrigins, "*"):
		return "*"
	case slices.Contains(c.CORSOrigins, origin):
		return origin
	}
	return ""
}

type requestIDKey struct{}

// RequestID tells the id of the request that ctx belongs to, "" outside of one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// Handler serves routes: gives each request an id and a place in its trace, answers errors as problem documents, turns a panic into a
// 500, answers for CORS, and logs one line a request.
func Handler(routes Routes, cfg Config) http.Handler {
	var warm atomic.Bool
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := line{start: time.Now(), cold: !warm.Swap(true), id: requestID(r), answer: &recorder{ResponseWriter: w}}
		ctx, record := telemetry.Begin(context.WithValue(r.Context(), requestIDKey{}, l.id))
		ctx, span := telemetry.Start(telemetry.Accept(ctx, r.Header), telemetry.Server, r.Method)
		l.record, l.span = record, span
		r = r.WithContext(ctx)
		l.answer.Header().Set("X-Request-Id", l.id)
		l.answer.Header().Set("X-Content-Type-Options", "nosniff") // a caller's words in a problem document are never a page
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares this sentinel by identity too
					span.Fail("aborted")
					span.End()
					panic(p)
				}
				slog.Error("panic", "requestId", l.id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if l.answer.status == 0 {
					WriteError(l.answer, r, fault.New(fault.Internal, ""))
				}
			}
			l.write(r)
		}()

		if preflight := cors(l.answer, r, routes, cfg); preflight {
			l.answer.WriteHeader(http.StatusNoContent)
			return
		}
		if err := routes.serve(l.answer, r); err != nil {
			WriteError(l.answer, r, err)
		}
	})
}

// cors answers for cross-origin calls (Fetch standard): sets the headers where the origin is among the allowed, and tells
// whether r was only a preflight.
func cors(w http.ResponseWriter, r *http.Request, routes Routes, cfg Config) (preflight bool) {
	if len(cfg.CORSOrigins) > 0 {
		w.Header().Add("Vary", "Origin")
	}
	allowed := cfg.allowed(r.Header.Get("Origin"))
	if allowed == "" {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", allowed)
	w.Header().Set("Access-Control-Expose-Headers", "Location, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Allow")
	methods := routes.find(r)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" || methods == nil {
		return false
	}
	w.Header().Set("Access-Control-Allow-Methods", allow(methods))
	headers := "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id"
	if telemetry.Traceparent(r.Context()) != "" {
		headers += ", Traceparent"
	}
	w.Header().Set("Access-Control-Allow-Headers", headers)
	w.Header().Set("Access-Control-Max-Age", "600")
	return true
}

// requestID takes the id that the platform or the gateway gave the request, so that their logs and ours meet, or makes one.
func requestID(r *http.Request) string {
	for _, name := range []string{"X-Request-Id", "X-Scf-Request-Id"} {
		if id := r.Header.Get(name); id != "" && len(id) <= 64 && strings.IndexFunc(id, notInID) < 0 {
			return id
		}
	}
	return uuid.NewString()
}

func notInID(c rune) bool {
	return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_'
}
