package httpjson

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/recon3d/recon3d/shared/fault"
)

// Config is what all HTTP functions read.
type Config struct {
	// CORSOrigins may call the API from a browser page of another origin; `*` means any. None by default.
	CORSOrigins []string `env:"CORS_ORIGINS" envSeparator:","`
}

type requestIDKey struct{}

// RequestID tells the id of the request that ctx belongs to, "" outside of one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// Handler serves routes: gives each request an id, answers errors as problem documents, turns a panic into a 500, answers
// for CORS, and logs one line a request.
func Handler(routes Routes, cfg Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := requestID(r)
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Request-Id", id)
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares this sentinel by identity too
					panic(p)
				}
				slog.Error("panic", "requestId", id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if rec.status == 0 {
					WriteError(rec, r, fault.New(fault.Internal, ""))
				}
			}
			slog.Info("request served", "requestId", id, "method", r.Method, "path", r.URL.Path, "status", rec.status, "ms", time.Since(start).Milliseconds())
		}()

		if preflight := cors(rec, r, routes, cfg.CORSOrigins); preflight {
			rec.WriteHeader(http.StatusNoContent)
			return
		}
		if err := routes.serve(rec, r); err != nil {
			WriteError(rec, r, err)
		}
	})
}

// cors answers for cross-origin calls (Fetch standard): sets the headers where the origin is among the allowed, and tells
// whether r was only a preflight.
func cors(w http.ResponseWriter, r *http.Request, routes Routes, origins []string) (preflight bool) {
	origin := r.Header.Get("Origin")
	if len(origins) > 0 {
		w.Header().Add("Vary", "Origin")
	}
	if origin == "" || !slices.Contains(origins, origin) && !slices.Contains(origins, "*") {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Access-Control-Expose-Headers", "Location, Retry-After, X-Request-Id, Allow")
	methods := routes.find(r)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" || methods == nil {
		return false
	}
	w.Header().Set("Access-Control-Allow-Methods", allow(methods))
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id")
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

// recorder remembers the status for the log line.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Hijack hands the connection to a handler that answers by itself, which is taken for a success.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status = http.StatusOK
	}
	return conn, buffered, err
}

// Unwrap lets http.ResponseController reach what is below, for flushing and deadlines.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
