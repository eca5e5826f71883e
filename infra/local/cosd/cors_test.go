package cosd_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/recon3d/recon3d/infra/local/cosd"
)

func TestCORS(t *testing.T) {
	page := "http://localhost:8080"
	b := newBucket(t, cosd.Options{CORSOrigins: []string{page}})
	b.put(t, "k", []byte("content"))
	preflight := func(origin, method string) *http.Response {
		return do(t, b.unsigned(t, http.MethodOptions, "/k", http.Header{
			"Origin": {origin}, "Access-Control-Request-Method": {method}, "Access-Control-Request-Headers": {"content-type, x-cos-meta-a"},
		}, ""))
	}
	res := preflight(page, http.MethodPut)
	wantStatus(t, res, http.StatusOK)
	if h := res.Header; h.Get("Access-Control-Allow-Origin") != page || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "PUT") ||
		h.Get("Access-Control-Allow-Headers") != "content-type, x-cos-meta-a" || h.Get("Access-Control-Max-Age") == "" {
		t.Errorf("%v", h)
	}
	wantRefusal(t, preflight("http://evil.example", http.MethodPut), 403, "AccessForbidden")
	wantRefusal(t, preflight(page, http.MethodConnect), 403, "AccessForbidden")
	wantRefusal(t, do(t, b.unsigned(t, http.MethodOptions, "/k", nil, "")), 400, "InvalidRequest")

	get := func(key, origin string) http.Header {
		return do(t, b.request(t, http.MethodGet, "/"+key, http.Header{"Origin": {origin}}, "")).Header
	}
	h := get("k", page)
	for _, exposed := range []string{"ETag", "Content-Length", "x-cos-hash-crc64ecma"} {
		if !strings.Contains(h.Get("Access-Control-Expose-Headers"), exposed) {
			t.Errorf("%s is not exposed: %v", exposed, h)
		}
	}
	if h.Get("Access-Control-Allow-Origin") != page || h.Get("Vary") != "Origin" {
		t.Errorf("%v", h)
	}
	if h := get("nothing", page); h.Get("Access-Control-Allow-Origin") != page {
		t.Errorf("a page can't read an error: %v", h)
	}
	if h := get("k", "http://evil.example"); h.Get("Access-Control-Allow-Origin") != "" || h.Get("Vary") != "Origin" {
		t.Errorf("%v", h)
	}
}
