package scf

import (
	"io"
	"maps"
	"net/http"
)

// response is an http.ResponseWriter as handlers know it from net/http's server, for platforms whose libraries have none or an
// incomplete one: the head is final once it is written, HEAD and some statuses have no body, and a missing type is found out.
type response struct {
	header   http.Header
	begun    bool
	bodiless bool
	begin    func(status int, header http.Header) // is given the final head, to keep
	body     io.Writer
	flushed  func() // is told when the handler has written what it has for now; may be nil
}

func newResponse(r *http.Request, body io.Writer, begin func(status int, header http.Header)) *response {
	return &response{header: http.Header{}, bodiless: r.Method == http.MethodHead, begin: begin, body: body}
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. The first final status counts.
func (w *response) WriteHeader(status int) {
	if w.begun || status < 200 {
		return
	}
	w.begun = true
	w.bodiless = w.bodiless || status == http.StatusNoContent || status == http.StatusNotModified
	w.begin(status, maps.Clone(w.header))
}

// Write implements http.ResponseWriter.
func (w *response) Write(b []byte) (int, error) {
	if !w.begun {
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

// Flush implements http.Flusher.
func (w *response) Flush() {
	w.WriteHeader(http.StatusOK)
	if w.flushed != nil {
		w.flushed()
	}
}

// end completes an answer of which the handler wrote nothing.
func (w *response) end() { w.WriteHeader(http.StatusOK) }
