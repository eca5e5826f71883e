package scf

import (
	"context"
	"net/http"

	"github.com/recon3d/recon3d/shared/telemetry"
)

// traceHandler has the spans of each request exported before its answer ends: after it a function may be frozen.
func traceHandler(t *telemetry.Tracer, h http.Handler) http.Handler {
	return traced{h, t}
}

type traced struct {
	http.Handler
	tracer *telemetry.Tracer
}

// ServeHTTP implements http.Handler.
func (h traced) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, export := h.tracer.Collect(r.Context())
	defer export()
	h.Handler.ServeHTTP(w, r.WithContext(ctx))
}

// Drain implements drainer, where the handler does.
func (h traced) Drain(ctx context.Context) {
	if d, ok := h.Handler.(drainer); ok {
		d.Drain(ctx)
	}
}

// traceTimer has the spans of each run exported at its end.
func traceTimer(t *telemetry.Tracer, f func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, export := t.Collect(ctx)
		defer export()
		return f(ctx)
	}
}
