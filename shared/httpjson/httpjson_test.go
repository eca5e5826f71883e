package httpjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/shared/fault"
)

func ask(t *testing.T, h http.Handler, r *http.Request) (*http.Response, Problem) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	var p Problem
	if res.Header.Get("Content-Type") == "application/problem+json" {
		if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
			t.Fatal(err)
		}
	}
	return res, p
}

// serve makes a handler whose one route answers with err.
func serve(err error) http.Handler {
	return Handler(Routes{"/x": {"GET": func(http.ResponseWriter, *http.Request) error { return err }}}, Config{})
}

func TestEveryFaultHasItsRow(t *testing.T) {
	for code, row := range table {
		res, p := ask(t, serve(fmt.Errorf("wrapped: %w", fault.New(code, ""))), httptest.NewRequest("GET", "/x", nil))
		if res.StatusCode != row.status || p.Status != row.status || p.Code != code || p.Title == "" || p.Detail == "" || p.Type != "about:blank" || p.RequestID == "" || p.RequestID != res.Header.Get("X-Request-Id") {
			t.Errorf("%s: status %d, %+v", code, res.StatusCode, p)
		}
	}
}

func TestUnknownTroubleTellsNothing(t *testing.T) {
	panics := Handler(Routes{"/x": {"GET": func(http.ResponseWriter, *http.Request) error { panic("secret") }}}, Config{})
	for _, h := range []http.Handler{serve(errors.New("secret")), serve(fault.New("no such code", "secret")), serve(fault.New(fault.Internal, "secret")), panics} {
		res, p := ask(t, h, httptest.NewRequest("GET", "/x", nil))
		if res.StatusCode != 500 || p.Code != fault.Internal || strings.Contains(p.Detail, "secret") {
			t.Errorf("status %d, %+v", res.StatusCode, p)
		}
	}
}

func TestWhatGoesBesideTheDocument(t *testing.T) {
	res, _ := ask(t, serve(&fault.Error{Code: fault.RateLimited, RetryAfter: 1500 * time.Millisecond}), httptest.NewRequest("GET", "/x", nil))
	if got := res.Header.Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q", got)
	}
	_, p := ask(t, serve(&fault.Error{Code: fault.ResultsMissing, Missing: []string{"a"}}), httptest.NewRequest("GET", "/x", nil))
	if d := cmp.Diff([]string{"a"}, p.Missing); d != "" {
		t.Error(d)
	}
	_, p = ask(t, serve(fault.Invalid("size", "is odd")), httptest.NewRequest("GET", "/x", nil))
	if d := cmp.Diff([]fault.Field{{Field: "size", Message: "is odd"}}, p.Errors); d != "" {
		t.Error(d)
	}
}

func TestRoutes(t *testing.T) {
	say := func(s string) HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.WriteString(w, s+r.PathValue("id"))
			return err
		}
	}
	h := Handler(Routes{
		"/picture/upload": {"POST": say("upload")},
		"/picture/{id}":   {"GET": say("get "), "DELETE": say("delete ")},
		"/events/{id}":    {"GET": say("events "), "HEAD": nil},
		"/files/{id...}":  {"GET": say("files ")},
	}, Config{})
	for _, c := range []struct {
		method, path string
		status       int
		body, allow  string
	}{
		{"POST", "/picture/upload", 200, "upload", ""},
		{"GET", "/picture/7", 200, "get 7", ""},
		{"HEAD", "/picture/7", 200, "get 7", ""}, // the server leaves the body out
		{"GET", "/picture/a%2Fb", 200, "get a/b", ""},
		{"GET", "/picture/upload", 405, "", "POST"}, // a fixed name is no id
		{"POST", "/picture/7", 405, "", "DELETE, GET, HEAD"},
		{"HEAD", "/events/7", 405, "", "GET"},
		{"GET", "/files/a", 200, "files a", ""},
		{"GET", "/files/a/b%2Fc/", 200, "files a/b/c/", ""},
		{"GET", "/files/", 200, "files ", ""},
		{"POST", "/files/a/b", 405, "", "GET, HEAD"},
		{"GET", "/files", 404, "", ""},
		{"GET", "/picture/", 404, "", ""},
		{"GET", "/picture/7/", 404, "", ""},
		{"GET", "//picture/7", 404, "", ""},
		{"GET", "/", 404, "", ""},
	} {
		res, p := ask(t, h, httptest.NewRequest(c.method, c.path, nil))
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != c.status || c.status == 200 && string(body) != c.body || res.Header.Get("Allow") != c.allow || c.status != 200 && p.Status != c.status {
			t.Errorf("%s %s: %d %q, Allow %q", c.method, c.path, res.StatusCode, body, res.Header.Get("Allow"))
		}
	}
}

func TestCORSIsForTheConfiguredOriginsOnly(t *testing.T) {
	h := Handler(Routes{"/x": {"POST": func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(204); return nil }}}, Config{CORSOrigins: []string{"https://app"}})
	preflight := func(origin string) *http.Response {
		r := httptest.NewRequest("OPTIONS", "/x", nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "POST")
		res, _ := ask(t, h, r)
		return res
	}
	if res := preflight("https://app"); res.StatusCode != 204 || res.Header.Get("Access-Control-Allow-Origin") != "https://app" || res.Header.Get("Access-Control-Allow-Methods") != "POST" {
		t.Errorf("allowed: %d %v", res.StatusCode, res.Header)
	}
	if res := preflight("https://evil"); res.StatusCode != 405 || res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("other: %d %v", res.StatusCode, res.Header)
	}
}

func TestWhoeverMayCallIsNamedOrAnyone(t *testing.T) {
	for _, c := range []struct {
		configured []string
		origin     string
		want       string
	}{
		{[]string{"https://app", "https://b"}, "https://b", "https://b"},
		{[]string{"https://app"}, "https://app.evil", ""},
		{[]string{"https://app"}, "https://APP", ""},
		{[]string{"https://app"}, "http://app", ""},
		{[]string{"https://app"}, "https://app:444", ""},
		{[]string{"https://app"}, "null", ""},
		{[]string{"https://app"}, "", ""},
		{[]string{"*"}, "https://any", "*"}, // never an echo of who asks
		{nil, "https://any", ""},
	} {
		h := Handler(Routes{"/x": {"GET": func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(204); return nil }}}, Config{CORSOrigins: c.configured})
		r := httptest.NewRequest("GET", "/x", nil)
		r.Header.Set("Origin", c.origin)
		res, _ := ask(t, h, r)
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != c.want || res.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%q of %q: %v", c.origin, c.configured, res.Header)
		}
	}
}

func TestOnlyOriginsAreTakenForOrigins(t *testing.T) {
	good := Config{CORSOrigins: []string{"https://a.example", " http://localhost:5173", "https://[::1]:8080", "*"}}
	if err := good.Validate(); err != nil || good.CORSOrigins[1] != "http://localhost:5173" {
		t.Errorf("%q: %v", good.CORSOrigins, err)
	}
	for _, origin := range []string{"null", "", "a.example", "https://a.example/", "https://A.example", "https://u@a.example", "https://*.example?", "//a"} {
		if err := (&Config{CORSOrigins: []string{origin}}).Validate(); err == nil || !strings.Contains(err.Error(), "CORS_ORIGINS") {
			t.Errorf("%q: %v", origin, err)
		}
	}
}

func TestDecode(t *testing.T) {
	var v struct {
		Name *string `json:"name"`
		Size int     `json:"size"`
	}
	for body, want := range map[string]fault.Code{
		`{"name":"a","size":1,"more":2}`: "",
		``:                               fault.BadRequest,
		`{`:                              fault.BadRequest,
		`{"size":"1"`:                    fault.BadRequest,
		`{} {}`:                          fault.BadRequest,
		`{"size":"1"}`:                   fault.ValidationFailed,
		`{"size":1.5}`:                   fault.ValidationFailed,
		`[]`:                             fault.ValidationFailed,
		`null`:                           fault.ValidationFailed,
		`"x"`:                            fault.ValidationFailed,
	} {
		err := Decode([]byte(body), &v)
		if want == "" && err != nil || want != "" && !fault.Is(err, want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

func TestWholeNumbersInAnyNotation(t *testing.T) {
	type thing struct {
		Size  int     `json:"size"`
		Share float64 `json:"share"`
		Name  string  `json:"name"`
		Sizes []int8  `json:"sizes"`
	}
	for body, want := range map[string]thing{
		`{"size":5.0}`:  {Size: 5},
		`{"size":-0.0}`: {},
		`{"size":5e3,"share":0.5,"name":"5.0","sizes":[1.0,2]}`:          {5000, 0.5, "5.0", []int8{1, 2}},
		`{"size":5,"more":[{"deep":1e400}],"name":"a","sizes":[100.00]}`: {5, 0, "a", []int8{100}},
	} {
		var got thing
		if err := Decode([]byte(body), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v %v", body, got, err)
		}
	}
	for body, field := range map[string]string{
		`{"size":5.5}`: "size", `{"size":1e300}`: "size", `{"size":1e999999999}`: "size", `{"size":9007199254740993.0}`: "size",
		`{"size":5.0,"sizes":[300.0]}`: "sizes", `{"size":"5.0"}`: "size", `{"size":5.0,"name":1.0}`: "name",
	} {
		err := Decode([]byte(body), &thing{})
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != fault.ValidationFailed || f.Fields[0].Field != field {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestABodyOverTheLimitIsToldTheDirectRoute(t *testing.T) {
	h := Handler(Routes{"/x": {"POST": func(w http.ResponseWriter, r *http.Request) error {
		if err := Limit(w, r, 10); err != nil {
			return err
		}
		_, err := ReadBody(r)
		return err
	}}}, Config{})
	server := httptest.NewServer(h)
	defer server.Close()
	for name, body := range map[string]io.Reader{
		"stated":  strings.NewReader(strings.Repeat("x", 6<<20)),
		"chunked": io.LimitReader(zeros{}, 6<<20),
	} {
		res, err := http.Post(server.URL+"/x", "text/plain", body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var p Problem
		err = errors.Join(json.NewDecoder(res.Body).Decode(&p), res.Body.Close())
		if err != nil || p.Code != fault.PayloadTooLarge || !strings.Contains(p.Detail, "10 bytes") || !strings.Contains(p.Detail, "upload-url") {
			t.Errorf("%s: %+v %v", name, p, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
