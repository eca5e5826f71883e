package scf

import (
	"bytes"
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
	"unicode/utf8"
)

// answer is what API Gateway and function URLs turn into an HTTP response.
type answer struct {
	IsBase64Encoded bool           `json:"isBase64Encoded"`
	StatusCode      int            `json:"statusCode"`
	Headers         map[string]any `json:"headers"` // a string, or an array where a header has several values
	Body            string         `json:"body"`
}

// eventWriter collects an answer. It can't flush: an event function's answer leaves whole, when the handler has ended.
type eventWriter struct {
	header   http.Header
	status   int
	sent     http.Header // as it was when the status was written
	body     bytes.Buffer
	bodiless bool
}

// Header implements http.ResponseWriter.
func (w *eventWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. As in net/http only the first final status counts.
func (w *eventWriter) WriteHeader(status int) {
	if w.status != 0 || status < 200 {
		return
	}
	w.status, w.sent = status, maps.Clone(w.header)
	w.bodiless = w.bodiless || status == http.StatusNoContent || status == http.StatusNotModified
}

// Write implements http.ResponseWriter.
func (w *eventWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		if w.header.Get("Content-Type") == "" {
			w.header.Set("Content-Type", http.DetectContentType(b))
		}
		w.WriteHeader(http.StatusOK)
	}
	if w.bodiless {
		return len(b), nil
	}
	return w.body.Write(b)
}

// answer tells what was written. A body that JSON can't carry as text goes as base64; a stream of events is always text.
func (w *eventWriter) answer() answer {
	w.WriteHeader(http.StatusOK)
	a := answer{StatusCode: w.status, Headers: map[string]any{}, Body: w.body.String()}
	for name, values := range w.sent {
		if len(values) == 1 {
			a.Headers[name] = values[0]
		} else {
			a.Headers[name] = values
		}
	}
	if !utf8.ValidString(a.Body) && !strings.HasPrefix(w.sent.Get("Content-Type"), "text/event-stream") {
		a.IsBase64Encoded, a.Body = true, base64.StdEncoding.EncodeToString(w.body.Bytes())
	}
	return a
}
