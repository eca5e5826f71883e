package openapi

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

func load(t *testing.T) *Document {
	t.Helper()
	d, err := Load("../../../infra/docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func example(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCheckAnswer(t *testing.T) {
	const (
		picture = "/picture/019bc0c6-9bb8-7255-88b5-5faa7d4faa25"
		task    = "/api/reconstruction/status/019bc0c6-a4b1-7ebb-829f-a86d481c2625"
		events  = "/api/reconstruction/events/019bc0c6-a4b1-7ebb-829f-a86d481c2625"
		json    = "application/json"
		problem = "application/problem+json"
	)
	notFound := example(t, "problem-task-not-found")
	d := load(t)
	type header map[string]string
	stream := header{"X-Accel-Buffering": "no"}
	for _, c := range []struct {
		about, method, path string
		status              int
		mediaType, body     string
		header              header
		wrong               string // "": the answer is right
	}{
		{"a picture", "GET", picture, 200, json, example(t, "picture"), nil, ""},
		{"its head", "HEAD", picture, 200, json, "", nil, ""},
		{"a fixed path beside an id", "GET", "/picture/list/page", 200, json, example(t, "picture-page"), nil, ""},
		{"a problem", "GET", task, 404, problem, notFound, nil, ""},
		{"another method", "PUT", task, 405, problem, strings.ReplaceAll(notFound, "task_not_found", "method_not_allowed"), header{"Allow": "DELETE, GET"}, ""},
		{"a path that nobody has", "GET", "/nowhere", 404, problem, strings.ReplaceAll(notFound, "task_not_found", "not_found"), nil, ""},
		{"a stream", "GET", events, 200, "text/event-stream; charset=utf-8", "retry: 2000\n\n", stream, ""},
		{"nothing", "DELETE", task, 204, "", "", nil, ""},
		{"a preflight", "OPTIONS", task, 204, "", "", header{"Access-Control-Allow-Methods": "GET", "Access-Control-Max-Age": "600"}, ""},

		{"an unknown member", "GET", picture, 200, json, strings.Replace(example(t, "picture"), `"id"`, `"owner": "x", "id"`, 1), nil, `"owner"`},
		{"another code", "GET", task, 404, problem, strings.ReplaceAll(notFound, "task_not_found", "not_found"), nil, "/code"},
		{"an undocumented answer", "GET", picture, 202, json, example(t, "picture"), nil, "no answer 202"},
		{"an undocumented refusal", "GET", picture, 418, problem, notFound, nil, "no answer 418"},
		{"another method, answered", "PUT", task, 200, json, example(t, "task-pending"), nil, "no answer 200"},
		{"a path that nobody has, answered", "GET", "/nowhere", 200, json, "{}", nil, "no answer 200"},
		{"another media type", "GET", task, 404, json, notFound, nil, "is application/json"},
		{"a missing header", "POST", "/picture/upload", 201, json, example(t, "picture"), nil, "lacks the header Location"},
		{"an undocumented header", "GET", picture, 200, json, example(t, "picture"), header{"Set-Cookie": "a=b"}, "Set-Cookie"},
		{"a header of another form", "GET", task, 503, problem, notFound, header{"Retry-After": "soon"}, "Retry-After"},
		{"a body where there is none", "DELETE", task, 204, json, "{}", nil, "has a body"},
		{"half a body", "GET", picture, 200, json, `{"id":`, nil, "unexpected EOF"},
		{"two bodies", "GET", picture, 200, json, example(t, "picture") + "{}", nil, "more than one"},
	} {
		res := &http.Response{StatusCode: c.status, Header: http.Header{"Content-Type": {c.mediaType}, "X-Request-Id": {"1"}, "Cache-Control": {"no-store"}}}
		if c.status == http.StatusNoContent {
			res.Header.Del("Cache-Control")
		}
		for name, value := range c.header {
			res.Header.Set(name, value)
		}
		err := d.CheckAnswer(c.method, c.path, res, []byte(c.body))
		switch {
		case c.wrong == "" && err != nil:
			t.Errorf("%s: %v", c.about, err)
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%s: error is %v", c.about, err)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	file := t.TempDir() + "/openapi.yaml"
	if err := os.WriteFile(file, []byte("openapi: 3.1.0\ninfo: {title: x}\npaths: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "version") {
		t.Errorf("error is %v", err)
	}
}
