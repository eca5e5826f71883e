package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
)

// ask asks a function with the built site, over a real connection. header is pairs of name and value.
func ask(t *testing.T, method, target string, header ...string) *http.Response {
	t.Helper()
	s, err := readSite(built())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler(s, policyConfig{BucketURL: "https://b.example"}))
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true} // Accept-Encoding is the test's
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func read(t *testing.T, res *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

const (
	html    = "text/html; charset=utf-8"
	script  = "text/javascript; charset=utf-8"
	forGood = "public, max-age=31536000, immutable"
)

func TestFiles(t *testing.T) {
	for _, c := range []struct {
		path, accept string
		body         string
		mediaType    string
		encoding     string
		cache        string
		varies       bool
	}{
		{"/", "", "<!doctype html>", html, "", "no-cache", true},
		{"/", "gzip, deflate, br", "page in brotli", html, "br", "no-cache", true},
		{"/?from=mail", "gzip", "page in gzip", html, "gzip", "no-cache", true},
		{"/app", "gzip", "page in gzip", html, "gzip", "no-cache", true},
		{"/app/", "gzip", "page in gzip", html, "gzip", "no-cache", true},
		{"/app/tasks", "", "<!doctype html>", html, "", "no-cache", true},
		{"/app/tasks/0197f5d2-7c1e-7abc-8def-0123456789ab?x=1", "br", "page in brotli", html, "br", "no-cache", true},
		{"/app/no/such/view.js", "", "<!doctype html>", html, "", "no-cache", true}, // the app says that there is no such view
		{"/app/../etc/passwd", "", "<!doctype html>", html, "", "no-cache", true},
		{"/assets/index-BabGqf5W.js", "gzip, deflate, br, zstd", "script in brotli", script, "br", forGood, true},
		{"/assets/index-BabGqf5W.js", "br;q=0.1, gzip", "script in gzip", script, "gzip", forGood, true},
		{"/assets/index-BabGqf5W.js", "br;q=0", "plain script", script, "", forGood, true},
		{"/assets/style-DuYR-HDw.css", "br", "plain style", "text/css; charset=utf-8", "", forGood, true},
		{"/assets/logo-DM9xCWY2.svg", "br", "<svg/>", "image/svg+xml", "", forGood, false},
		{"/assets/sample.webp", "br", "a name without a hash", "image/webp", "", "no-cache", false},
		{"/assets/models/chair.glb", "", "glTF", "model/gltf-binary", "", "no-cache", false},
		{"/assets/models%2Fchair.glb", "", "glTF", "model/gltf-binary", "", "no-cache", false},
		{"/assets/lonely.gz", "gzip", "no file's copy", "application/octet-stream", "", "no-cache", false},
	} {
		var accept []string
		if c.accept != "" {
			accept = []string{"Accept-Encoding", c.accept}
		}
		whole := ask(t, http.MethodGet, c.path, accept...)
		head := ask(t, http.MethodHead, c.path, accept...)
		for method, res := range map[string]*http.Response{http.MethodGet: whole, http.MethodHead: head} {
			h := res.Header
			if res.StatusCode != http.StatusOK || h.Get("Content-Type") != c.mediaType || h.Get("Content-Encoding") != c.encoding ||
				h.Get("Cache-Control") != c.cache || (h.Get("Vary") == "Accept-Encoding") != c.varies || h.Get("ETag") == "" || h.Get("X-Request-Id") == "" ||
				h.Get("Content-Length") != strconv.Itoa(len(c.body)) {
				t.Errorf("%s %s to %q: %d %v", method, c.path, c.accept, res.StatusCode, h)
			}
		}
		if got := read(t, whole); got != c.body {
			t.Errorf("%s to %q: %q", c.path, c.accept, got)
		}
		if got := read(t, head); got != "" {
			t.Errorf("HEAD %s: %q", c.path, got)
		}

		again := ask(t, http.MethodGet, c.path, append([]string{"If-None-Match", `"other", W/` + whole.Header.Get("ETag")}, accept...)...)
		if h := again.Header; again.StatusCode != http.StatusNotModified || h.Get("ETag") != whole.Header.Get("ETag") || h.Get("Cache-Control") != c.cache ||
			(h.Get("Vary") == "Accept-Encoding") != c.varies || h.Get("Content-Encoding") != "" || read(t, again) != "" {
			t.Errorf("%s, of which the caller has it: %d %v", c.path, again.StatusCode, h)
		}
	}
}

// A form's tag is its own: who has it in gzip does not have it in brotli.
func TestTagsOfForms(t *testing.T) {
	const path = "/assets/index-BabGqf5W.js"
	tag := ask(t, http.MethodGet, path, "Accept-Encoding", "gzip").Header.Get("ETag")
	if res := ask(t, http.MethodGet, path, "Accept-Encoding", "br", "If-None-Match", tag); res.StatusCode != http.StatusOK {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestParts(t *testing.T) {
	const path = "/assets/models/chair.glb"
	if res := ask(t, http.MethodGet, path, "Range", "bytes=1-2"); res.StatusCode != http.StatusPartialContent || res.Header.Get("Content-Range") != "bytes 1-2/4" || read(t, res) != "lT" {
		t.Errorf("a part: %d %v", res.StatusCode, res.Header)
	}
	if res := ask(t, http.MethodGet, path, "Range", "bytes=9-"); res.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("no part: %d %v", res.StatusCode, res.Header)
	}
	res := ask(t, http.MethodGet, "/assets/index-BabGqf5W.js", "Accept-Encoding", "gzip", "Range", "bytes=0-5")
	if res.StatusCode != http.StatusPartialContent || res.Header.Get("Content-Encoding") != "gzip" || res.Header.Get("Content-Length") != "6" || read(t, res) != "script" {
		t.Errorf("a part of a compressed file: %d %v", res.StatusCode, res.Header)
	}
}

// What is not in assets is missing: neither the page nor a file from elsewhere.
func TestMissingAssets(t *testing.T) {
	for _, path := range []string{
		"/assets/", "/assets/index.html", "/assets/index-AAAAAAA1.js", "/assets/models", "/assets/models/", "/assets//models/chair.glb",
		"/assets/index-BabGqf5W.js/", "/assets/index-BabGqf5W.js.br", "/assets/INDEX-BabGqf5W.js", "/assets/.secret", "/assets/.git/config", "/assets/link.js",
		"/assets/../index.html", "/assets/%2e%2e/index.html", "/assets/..%2findex.html", "/assets/..%5cindex.html", "/assets/%2e%2e%2f.env",
		"/assets/models/../sample.webp", "/assets/./sample.webp", "/assets/..%2f..%2f..%2fetc%2fpasswd", "/assets/%2fetc%2fpasswd", "/assets/sample.webp%00",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			res := ask(t, method, path, "Accept-Encoding", "br")
			if res.StatusCode != http.StatusNotFound || res.Header.Get("Content-Type") != "application/problem+json" || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("ETag") != "" {
				t.Errorf("%s %s: %d %v", method, path, res.StatusCode, res.Header)
			}
			if got := read(t, res); method == http.MethodGet && !strings.Contains(got, `"code":"not_found"`) {
				t.Errorf("%s: %q", path, got)
			}
		}
	}
}

// The gateway leads nothing else here. If it did, a program would get an answer that it understands.
func TestEverythingElse(t *testing.T) {
	for path, want := range map[string]fault.Code{
		"/api/reconstruction/list":  fault.NotFound,
		"/api":                      fault.NotFound,
		"/picture/list/page":        fault.NotFound,
		"/picture/upload":           fault.NotFound,
		"/index.html":               fault.NotFound,
		"/assets":                   fault.NotFound,
		"/apps/tasks":               fault.NotFound,
		"//":                        fault.NotFound,
		"//app/tasks":               fault.NotFound,
		"/../assets/sample.webp":    fault.NotFound,
		"/.env":                     fault.NotFound,
		"/robots.txt":               fault.NotFound,
		"/src/main.ts":              fault.NotFound,
		"/%61ssets%2fsample.webp":   fault.NotFound,
		"/assets%2fsample.webp":     fault.NotFound,
		"/index.html.gz":            fault.NotFound,
		"/favicon.ico":              fault.NotFound,
		"/.well-known/security.txt": fault.NotFound,
	} {
		wantProblem(t, ask(t, http.MethodGet, path), http.StatusNotFound, want)
	}
	for _, path := range []string{"/", "/app/tasks", "/assets/sample.webp", "/assets/nothing.js"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
			res := ask(t, method, path)
			if got := res.Header.Get("Allow"); got != "GET, HEAD" {
				t.Errorf("%s %s: Allow %s", method, path, got)
			}
			wantProblem(t, res, http.StatusMethodNotAllowed, fault.MethodNotAllowed)
		}
	}
}

func wantProblem(t *testing.T, res *http.Response, status int, code fault.Code) {
	t.Helper()
	var p httpjson.Problem
	if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
		t.Fatalf("%s: %v", res.Request.URL, err)
	}
	if res.StatusCode != status || p.Code != code || p.Status != status || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s %s: %d %v %+v", res.Request.Method, res.Request.URL, res.StatusCode, res.Header, p)
	}
}
