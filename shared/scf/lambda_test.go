package scf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// runtimeAPI plays AWS' side of a Lambda function.
type runtimeAPI struct {
	*httptest.Server
	events  chan []byte
	answers chan lambdaAnswer
}

type lambdaAnswer struct {
	path, contentType string
	body              []byte
}

func newRuntimeAPI(t *testing.T) *runtimeAPI {
	t.Helper()
	a := &runtimeAPI{events: make(chan []byte, 1), answers: make(chan lambdaAnswer, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case e := <-a.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "of-lambda")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
			w.Write(e) //nolint:errcheck // the test sees it
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/of-lambda/{what}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusAccepted)
		a.answers <- lambdaAnswer{r.PathValue("what"), r.Header.Get("Content-Type"), body}
	})
	a.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		a.CloseClientConnections()
		a.Close()
	})
	return a
}

func startLambda(t *testing.T, kind string) (*process, *runtimeAPI) {
	t.Helper()
	api := newRuntimeAPI(t)
	return start(t, kind, "RUN_MODE=lambda", "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://")), api
}

// streamed takes a streamed answer apart: what it says about itself, eight zeros, the body.
func streamed(t *testing.T, a lambdaAnswer) (about struct {
	StatusCode int
	Headers    map[string]string
	Cookies    []string
}, body string,
) {
	t.Helper()
	if a.path != "response" || a.contentType != "application/vnd.awslambda.http-integration-response" {
		t.Fatalf("answer %s %s: %s", a.path, a.contentType, a.body)
	}
	prelude, rest, ok := bytes.Cut(a.body, make([]byte, 8))
	if !ok {
		t.Fatalf("answer without zeros: %q", a.body)
	}
	must(t, json.Unmarshal(prelude, &about))
	return about, string(rest)
}

func lambdaEvent(method, path, body string) []byte {
	e, err := json.Marshal(map[string]any{
		"version": "2.0", "rawPath": path, "rawQueryString": "a=1&a=2", "body": body,
		"headers":        map[string]string{"x-scf-secret-key": "k", "x-one": "1"},
		"requestContext": map[string]any{"domainName": "x.lambda-url.us-east-2.on.aws", "http": map[string]string{"method": method, "path": path, "sourceIp": "1.2.3.4"}},
	})
	if err != nil {
		panic(err)
	}
	return e
}

func TestLambda(t *testing.T) {
	p, api := startLambda(t, "http")
	t.Run("request", func(t *testing.T) {
		api.events <- lambdaEvent("POST", "/a%2Fb", "text")
		about, body := streamed(t, <-api.answers)
		var s seen
		must(t, json.Unmarshal([]byte(body), &s))
		if about.StatusCode != 200 || about.Headers["Content-Type"] != "application/json" || s.Method != "POST" || s.EscapedPath != "/a%2Fb" ||
			s.RequestURI != "/a%2Fb?a=1&a=2" || len(s.Query["a"]) != 2 || s.Host != "x.lambda-url.us-east-2.on.aws" || s.Body != "text" || s.ContentLength != 4 ||
			s.Header["X-Request-Id"][0] != "of-lambda" || s.Header["X-Scf-Secret-Key"] != nil || s.RemoteAddr != "1.2.3.4" || !s.Limited ||
			!strings.HasSuffix(s.Credentials, "false") {
			t.Errorf("%+v %+v", about, s)
		}
	})
	t.Run("multipart", func(t *testing.T) {
		api.events <- recorded(t, "lambdaurl_multipart.json")
		about, body := streamed(t, <-api.answers)
		if about.StatusCode != 200 || about.Headers["Content-Type"] != "image/png" || !strings.HasPrefix(body, "\x89PNG") || len(body) != 33 {
			t.Errorf("%+v %q", about, body)
		}
	})
	t.Run("HEAD", func(t *testing.T) {
		api.events <- lambdaEvent("HEAD", "/", "")
		if about, body := streamed(t, <-api.answers); about.StatusCode != 200 || body != "" {
			t.Errorf("%+v %q", about, body)
		}
	})
	t.Run("several values", func(t *testing.T) {
		api.events <- lambdaEvent("GET", "/cookies", "")
		if about, body := streamed(t, <-api.answers); about.StatusCode != 201 || len(about.Cookies) != 2 || body != "" {
			t.Errorf("%+v %q", about, body)
		}
	})
	t.Run("given up by the handler", func(t *testing.T) {
		api.events <- lambdaEvent("GET", "/abort", "")
		if about, _ := streamed(t, <-api.answers); about.StatusCode != 500 {
			t.Errorf("%+v", about)
		}
		p.logged("answer aborted")
	})
	t.Run("told to stop", func(t *testing.T) {
		api.events <- lambdaEvent("GET", "/until-told", "")
		p.logged("waiting")
		must(t, p.cmd.Process.Signal(syscall.SIGTERM))
		if _, body := streamed(t, <-api.answers); body != "begun\ntold to stop\n" {
			t.Errorf("%q", body)
		}
		if code := p.exit(); code != 0 {
			t.Errorf("exit %d", code)
		}
	})
}

func TestLambdaTimer(t *testing.T) {
	p, api := startLambda(t, "timer")
	api.events <- []byte(`{"source":"aws.events","detail-type":"Scheduled Event"}`)
	if a := <-api.answers; a.path != "response" {
		t.Errorf("answer %s: %s", a.path, a.body)
	}
	p.logged("tick")
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	if code := p.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
}
