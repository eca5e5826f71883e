package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recon3d/recon3d/infra/local/client"
	"github.com/recon3d/recon3d/infra/local/manifest"
)

// platform answers one call of the API: what stands under Response, or an error of the network.
type platform func(action string) (result any, err error)

func (p platform) RoundTrip(r *http.Request) (*http.Response, error) {
	result, err := p(r.Header.Get("X-TC-Action"))
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{"Response": result})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Request: r, Body: io.NopCloser(strings.NewReader(string(body)))}, nil
}

// refused is an answer that is an error.
func refused(code string) map[string]any {
	return map[string]any{"RequestId": "r1", "Error": map[string]string{"Code": code, "Message": "planted"}}
}

func launched(t *testing.T, p platform) *launch {
	s := stage{name: "test", vars: map[string]string{secretID: "id", secretKey: "key"}}
	return &launch{
		deployment: manifest.Deployment{Name: "app", Region: "ap-guangzhou", Namespace: "default", Functions: []manifest.Function{
			{Name: "web", Deployed: "app-test-web", Kind: manifest.Web}, {Name: "sweeper", Deployed: "app-test-sweeper", Kind: manifest.Event},
		}},
		stage: s, api: newAPI(s, "ap-guangzhou", p, t.Logf),
	}
}

func listed(web, sweeper deployed) map[string]any {
	web.FunctionName, sweeper.FunctionName = "app-test-web", "app-test-sweeper"
	return map[string]any{"Functions": []deployed{web, sweeper}, "TotalCount": 2}
}

// The platform is asked until it has taken every function into use, or can't.
func TestSettle(t *testing.T) {
	web := func(status string) deployed {
		return deployed{Type: "HTTP", Status: status, StatusDesc: "the role is not there"}
	}
	event := deployed{Type: "Event", Status: "Active"}
	for name, c := range map[string]struct {
		answers []any // the last one goes on
		want    string
		asked   int // at least
	}{
		"at once":       {[]any{listed(web("Active"), event)}, "", 1},
		"after a while": {[]any{map[string]any{}, listed(web("Creating"), event), listed(web("Active"), event)}, "", 3},
		"failed":        {[]any{listed(web("CreateFailed"), event)}, "app-test-web is CreateFailed: the role is not there", 1},
		"another type":  {[]any{listed(deployed{Type: "Event", Status: "Active"}, event)}, "is a function of type Event, and should be HTTP", 1},
		"never":         {[]any{listed(web("Updating"), event)}, "after 3m0s: app-test-web is still Updating", 2},
		"one missing":   {[]any{map[string]any{"Functions": []deployed{{FunctionName: "app-test-sweeper", Type: "Event", Status: "Active"}}}}, "app-test-web is not there", 2},
		"refused":       {[]any{refused("UnauthorizedOperation")}, "ListFunctions: planted (UnauthorizedOperation, request r1)", 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				l := launched(t, func(string) (any, error) {
					answer := c.answers[min(asked, len(c.answers)-1)]
					asked++
					return answer, nil
				})
				_, err := l.settle(t.Context())
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				if asked < c.asked {
					t.Errorf("asked %d times", asked)
				}
			})
		})
	}
}

// Passing trouble is waited out, with pauses that double; other trouble is told at once.
func TestCallsAgain(t *testing.T) {
	for name, c := range map[string]struct {
		trouble any // every time but the last
		times   int
		waited  time.Duration
		fails   bool
	}{
		"too many calls":           {refused("RequestLimitExceeded"), 2, 3 * time.Second, false},
		"of one kind":              {refused("RequestLimitExceeded.IPLimitExceeded"), 1, time.Second, false},
		"the platform's own":       {refused("InternalError.System"), 5, 31 * time.Second, false},
		"for good":                 {refused("InternalError"), 6, 31 * time.Second, true},
		"the network":              {&net.OpError{Op: "dial", Err: errors.New("planted")}, 1, time.Second, false},
		"a parameter":              {refused("InvalidParameterValue"), 1, 0, true},
		"a code that begins alike": {refused("InternalErrorOfMine"), 1, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls, began := 0, time.Now()
				l := launched(t, func(string) (any, error) {
					if calls++; calls > c.times {
						return map[string]any{}, nil
					}
					err, _ := c.trouble.(error)
					return c.trouble, err
				})
				err := l.api.call(t.Context(), "GetFunction", map[string]string{}, nil)
				if c.fails != (err != nil) || time.Since(began) != c.waited {
					t.Errorf("got %v after %v", err, time.Since(began))
				}
			})
		})
	}
}

// Ctrl-C ends a pause at once.
func TestAPauseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		l := launched(t, func(string) (any, error) { return refused("RequestLimitExceeded"), nil })
		began := time.Now()
		if err := l.api.call(ctx, "ListFunctions", map[string]string{}, nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 1500*time.Millisecond {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}

// site is a deployed address; what it does not have it does not answer.
type site map[string]struct {
	status int
	body   string
}

func (s site) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	a, ok := s[r.Method+" "+r.URL.Path]
	if !ok {
		return nil, &net.OpError{Op: "dial", Err: errors.New("planted: " + r.Method + " " + r.URL.Path)}
	}
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Request: r, Body: io.NopCloser(strings.NewReader(a.body)),
		Header: http.Header{"X-Scf-Request-Id": {"scf-1"}},
	}, nil
}

// Where the address does not do what it should, it is told what, with the request or the task to look for, and nothing is left behind.
func TestASmokeTestThatFails(t *testing.T) {
	good := site{
		"GET /":                {200, ""},
		"POST /picture/upload": {201, `{"id":"P"}`},
		"POST /api/reconstruction/create-from-image": {202, `{"taskId":"T","sseUrl":"/api/reconstruction/events/T"}`},
		"GET /api/reconstruction/events/T":           {200, "event: status\ndata: {\"status\":\"COMPLETED\"}\n\n"},
		"GET /api/reconstruction/status/T":           {200, `{"taskId":"T","status":"COMPLETED","results":[{"name":"a","url":"/a","size":1,"sha256":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}]}`},
		"GET /a":                                     {200, "a"},
		"DELETE /api/reconstruction/status/T":        {204, ""},
		"DELETE /picture/P":                          {204, ""},
	}
	for _, c := range []struct {
		at     string
		status int
		body   string
		want   string
	}{
		{want: ""},
		{at: "GET /", status: 404, want: "request scf-1\n  the hint"},
		{at: "POST /picture/upload", status: 502, want: "the picture was not taken: POST /picture/upload was answered with Bad Gateway (request scf-1)"},
		{at: "POST /picture/upload", status: 401, body: `{"status":401,"code":"unauthorized","detail":"No.","requestId":"r7"}`, want: "No. (401 unauthorized, request r7)"},
		{at: "POST /api/reconstruction/create-from-image", status: 500, want: "the task was not made"},
		{at: "GET /api/reconstruction/events/T", status: 200, body: "event: status\ndata: {\"status\":\"FAILED\",\"error\":{\"code\":\"worker_failed\",\"message\":\"Hm.\"}}\n\n", want: "task T failed: Hm. (worker_failed)"},
		{at: "GET /api/reconstruction/events/T", status: 200, body: "event: status\ndata: {\"status\":\"PROCESSING\"}\n\n", want: "after 1m0s the task is PROCESSING: task T\n  Do the workers"},
		{at: "GET /api/reconstruction/status/T", status: 200, body: `{"status":"PROCESSING"}`, want: "its status is PROCESSING: task T"},
		{at: "GET /api/reconstruction/status/T", status: 200, body: `{"status":"COMPLETED"}`, want: "has no results: task T"},
		{at: "GET /a", status: 200, body: "b", want: "download a: got 1 bytes"},
		{at: "DELETE /picture/P", status: 500, want: "the test's picture P can't be deleted"},
	} {
		t.Run(c.at+" "+c.want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad := site{}
				for at, a := range good {
					bad[at] = a
				}
				if c.at != "" {
					bad[c.at] = struct {
						status int
						body   string
					}{c.status, c.body}
				}
				if strings.Contains(c.want, "the task is PROCESSING") { // whoever asks
					slow := bad["GET /api/reconstruction/status/T"]
					slow.body = `{"taskId":"T","status":"PROCESSING","sseUrl":"/api/reconstruction/events/T"}`
					bad["GET /api/reconstruction/status/T"] = slow
				}
				api, err := client.New("https://" + siteHost)
				if err != nil {
					t.Fatal(err)
				}
				seen := []string{}
				api.HTTP = &http.Client{Transport: watched{bad, &seen}}
				_, err = smokeTest{client: api, wait: time.Minute, say: t.Logf, hint: "the hint"}.run(t.Context())
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				all := strings.Join(seen, "\n")
				for made, removed := range map[string]string{`POST /picture/upload`: "DELETE /picture/P", "POST /api/reconstruction/create-from-image": "DELETE /api/reconstruction/status/T"} {
					if strings.Contains(all, made) && c.at != made && !strings.Contains(all, removed) {
						t.Errorf("%s is missing:\n%s", removed, all)
					}
				}
			})
		})
	}
}

// watched notes requests that were answered.
type watched struct {
	http.RoundTripper
	seen *[]string
}

func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := w.RoundTripper.RoundTrip(r)
	if err == nil {
		*w.seen = append(*w.seen, r.Method+" "+r.URL.Path)
	}
	return res, err
}

// Ctrl-C between two steps: the next is not begun.
func TestAPlanStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := plan{title: "a plan", say: t.Logf, steps: []step{
		{"first", "", func(context.Context) (string, error) { cancel(); return "done", nil }},
		{"second", "", func(context.Context) (string, error) { t.Error("begun"); return "", nil }},
	}}
	err := p.run(ctx)
	if err == nil || !strings.Contains(err.Error(), "stopped at step 2 of 2, second: you stopped it\n  done: first\n  not done: second\n") {
		t.Error(err)
	}
}

// Without a way in, and without the CLI, nothing is begun.
func TestWhatIsMissingIsToldFirst(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	l := launched(t, func(string) (any, error) { t.Error("called"); return nil, errors.New("called") })
	l.stage.file = "x.env"
	err := l.up(t.Context())
	for _, want := range []string{"scf, the CLI of the Serverless Cloud Framework, is not on the PATH", "npm install", "nothing lets the smoke test in", "SMOKE_TOKEN"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}
