package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// lambdaDoor is AWS' side of a Lambda function behind a function URL that streams: the Runtime API, at which one instance asks for one
// event after the other.
type lambdaDoor struct {
	t     *testing.T
	calls chan *lambdaCall

	mu   sync.Mutex
	open map[string]*lambdaCall // by request id
}

type lambdaCall struct {
	event    []byte
	answer   http.ResponseWriter
	answered chan struct{}
}

func (d *lambdaDoor) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	c := &lambdaCall{event: mustJSON(lambdaEvent(r, body)), answer: w, answered: make(chan struct{})}
	select {
	case d.calls <- c:
	case <-time.After(patience):
		d.t.Error("the function does not ask for an event")
		return
	}
	select {
	case <-c.answered:
	case <-time.After(patience):
		d.t.Errorf("the function does not answer %s", r.URL.Path)
	}
}

// next gives the function an event.
func (d *lambdaDoor) next(w http.ResponseWriter, r *http.Request) {
	select {
	case c := <-d.calls:
		id := token()
		d.mu.Lock()
		d.open[id] = c
		d.mu.Unlock()
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", id)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:recon3d")
		_, _ = w.Write(c.event) // the function reads it
	case <-r.Context().Done():
	}
}

// respond passes a streamed answer on as it comes: what it says about itself as JSON, eight zero bytes, the body.
func (d *lambdaDoor) respond(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	c := d.open[r.PathValue("id")]
	d.mu.Unlock()
	defer close(c.answered)
	in := bufio.NewReader(r.Body)
	var about []byte
	for !bytes.HasSuffix(about, make([]byte, 8)) {
		b, err := in.ReadByte()
		if err != nil || r.PathValue("what") != "response" {
			rest, _ := io.ReadAll(in)
			d.t.Errorf("runtime: %s, %v: %s%s", r.PathValue("what"), err, about, rest)
			return
		}
		about = append(about, b)
	}
	var head struct {
		StatusCode int
		Headers    map[string]string
	}
	if err := json.Unmarshal(about[:len(about)-8], &head); err != nil {
		d.t.Errorf("%q: %v", about, err)
	}
	for name, v := range head.Headers {
		c.answer.Header().Set(name, v)
	}
	c.answer.WriteHeader(head.StatusCode)
	for buf := make([]byte, 32<<10); ; {
		n, err := in.Read(buf)
		_, _ = c.answer.Write(buf[:n])                   // the client may have left
		_ = http.NewResponseController(c.answer).Flush() // likewise
		if err != nil {
			if err != io.EOF {
				d.t.Error(err)
			}
			break
		}
	}
	w.WriteHeader(http.StatusAccepted)
}

// lambdaEvent is an event of a Lambda function URL, payload version 2.0.
func lambdaEvent(r *http.Request, body []byte) map[string]any {
	const domain = "r3pmxmplak.lambda-url.us-east-2.on.aws"
	headers := map[string]string{"host": domain}
	for _, name := range slices.Collect(maps.Keys(r.Header)) {
		headers[strings.ToLower(name)] = strings.Join(r.Header.Values(name), ",")
	}
	path := r.URL.EscapedPath()
	e := map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": r.URL.RawQuery, "headers": headers, "body": string(body),
		"requestContext": map[string]any{
			"requestId": token(), "domainName": domain,
			"http": map[string]any{"method": r.Method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"},
		},
	}
	if !utf8.Valid(body) {
		e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// The very binaries answer on AWS Lambda, by its Runtime API, streams included.
func TestLambdaMode(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	through := s.behind(t, func(function string) door {
		d := &lambdaDoor{t: t, calls: make(chan *lambdaCall), open: map[string]*lambdaCall{}}
		mux := http.NewServeMux()
		mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", d.next)
		mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{what}", d.respond)
		runtime := httptest.NewServer(mux)
		t.Cleanup(runtime.Close)
		launch(t, function, with(s.environ(t, function), "RUN_MODE=lambda", "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(runtime.URL, "http://"),
			"COS_SECRET_ID="+s.cosID, "COS_SECRET_KEY="+s.cosKey)) // another cloud's functions have no role here
		return d
	})
	through.answersAsEver(t)

	// A stream is one: events come while it is open.
	o := through.order(t, taken)
	o.job.next(t)
	o.events.until(t, "PROCESSING")
	o.finish(1)
	o.events.until(t, "COMPLETED")
	o.events.ended(t)
}
