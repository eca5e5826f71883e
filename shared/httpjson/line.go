package httpjson

import (
	"bufio"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/recon3d/recon3d/shared/telemetry"
)

// line is the one that is logged of a request, and the request's span.
type line struct {
	start  time.Time
	cold   bool // the first request of its process
	id     string
	answer *recorder
	record *telemetry.Record
	span   *telemetry.Span
}

// write logs the line. Its figures are there in every line and always numbers, so that they can be charted; `route` is what they are to be
// grouped by, for it holds no ids.
func (l line) write(r *http.Request) {
	cold := 0
	if l.cold {
		cold = 1
	}
	attrs := append([]slog.Attr{
		slog.String("requestId", l.id), slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.String("route", r.Pattern),
		slog.Int("status", l.answer.status), slog.Float64("ms", telemetry.Millis(time.Since(l.start))), slog.Int64("bytes", l.answer.bytes),
		slog.Int("cold", cold),
	}, l.record.Attrs()...)
	if id := l.span.TraceID(); id != "" {
		attrs = append(attrs, slog.String("traceId", id))
	}
	slog.LogAttrs(r.Context(), slog.LevelInfo, "request served", attrs...)
	l.end(r)
}

// end ends the span, in the names of OpenTelemetry's conventions for HTTP.
func (l line) end(r *http.Request) {
	if l.span == nil {
		return
	}
	if r.Pattern != "" {
		l.span.Rename(r.Method + " " + r.Pattern)
	}
	l.span.Note(
		slog.String("http.request.method", r.Method), slog.String("http.route", r.Pattern), slog.String("url.path", r.URL.Path),
		slog.Int("http.response.status_code", l.answer.status), slog.String("requestId", l.id),
	)
	l.span.Note(l.record.Attrs()...)
	if l.answer.status >= http.StatusInternalServerError {
		l.span.Fail(http.StatusText(l.answer.status))
	}
	l.span.End()
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64 // of the body
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
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
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
