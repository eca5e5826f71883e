package cosd

import (
	"net/http"
	"slices"
	"strings"
)

// allowOrigin tells a browser that a page of an allowed origin may read the answer, whatever it is.
func (s *Server) allowOrigin(w http.ResponseWriter, r *http.Request) (allowed bool) {
	origin := r.Header.Get("Origin")
	if len(s.opts.CORSOrigins) > 0 {
		w.Header().Set("Vary", "Origin")
	}
	if origin == "" || !slices.Contains(s.opts.CORSOrigins, origin) && !slices.Contains(s.opts.CORSOrigins, "*") {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Access-Control-Expose-Headers", "ETag, Content-Length, Content-Range, x-cos-hash-crc64ecma, x-cos-request-id")
	return true
}

// preflight answers OPTIONS (Fetch standard, CORS-preflight request), which no browser signs.
func (s *Server) preflight(w http.ResponseWriter, r *request) error {
	method := r.Header.Get("Access-Control-Request-Method")
	if r.Header.Get("Origin") == "" || method == "" {
		return fault(invalidRequest, "OPTIONS needs the headers Origin and Access-Control-Request-Method.")
	}
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete}
	if !s.allowOrigin(w, r.Request) || !slices.Contains(methods, method) {
		return fault(accessForbidden, "CORSResponse: This CORS request is not allowed.")
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusOK)
	return nil
}
