package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
)

// overLimit says that a function's answer is more than the platform passes on.
type overLimit struct{ detail string }

func (e *overLimit) Error() string { return e.detail }

// refuse answers in the platform's place, with a problem document.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var (
		known *fault.Error
		over  *overLimit
		p     httpjson.Problem
		h     http.Header
	)
	level := slog.LevelWarn
	switch {
	case errors.Is(r.Context().Err(), context.Canceled), errors.Is(err, errGone):
		g.log.Debug("caller left", "requestId", r.Header.Get("X-Request-Id"), "path", r.URL.Path)
		panic(http.ErrAbortHandler)
	case errors.As(err, &known):
		p, h = httpjson.Describe(known)
		level = slog.LevelInfo
	case errors.As(err, &over):
		p = httpjson.Problem{Type: "about:blank", Title: http.StatusText(http.StatusBadGateway), Status: http.StatusBadGateway, Detail: over.detail, Code: fault.Internal}
	case errors.Is(r.Context().Err(), context.DeadlineExceeded):
		p = httpjson.Problem{
			Type: "about:blank", Title: http.StatusText(http.StatusGatewayTimeout), Status: http.StatusGatewayTimeout,
			Detail: "The function did not answer within its time limit.", Code: fault.Unavailable,
		}
	default:
		p, h = httpjson.Describe(&fault.Error{Code: fault.Unavailable, Detail: "The function is not there at the moment.", RetryAfter: time.Second})
	}
	p.RequestID = r.Header.Get("X-Request-Id")
	g.log.Log(r.Context(), level, "request refused", "requestId", p.RequestID, "method", r.Method, "path", r.URL.Path, "status", p.Status, "error", err)

	maps.Copy(w.Header(), h)
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Request-Id", p.RequestID)
	w.WriteHeader(p.Status)
	if err := json.NewEncoder(w).Encode(p); err != nil {
		g.log.Debug("caller left before its answer", "requestId", p.RequestID, "error", err)
	}
}
