package scf

import (
	"encoding/base64"
	"encoding/json"
	"net/rpc"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"
)

// startEvent starts an event function, and calls it as the platform does.
func startEvent(t *testing.T, kind string, env ...string) (*process, *rpc.Client) {
	t.Helper()
	port := freePort(t)
	p := start(t, kind, append([]string{"RUN_MODE=event", "_LAMBDA_SERVER_PORT=" + port}, env...)...)
	var platform *rpc.Client
	waitUntil(t, func() (up bool) {
		var err error
		platform, err = rpc.Dial("tcp", "127.0.0.1:"+port)
		return err == nil
	})
	t.Cleanup(func() { platform.Close() })
	must(t, platform.Call("Function.Ping", &messages.PingRequest{}, &messages.PingResponse{}))
	return p, platform
}

// invocation is a request of the platform, with a deadline and the credentials of the function's role.
func invocation(payload []byte) *messages.InvokeRequest {
	return &messages.InvokeRequest{
		Payload: payload, RequestId: "of-the-platform",
		Deadline:    messages.InvokeRequest_Timestamp{Seconds: time.Now().Add(time.Minute).Unix()},
		Environment: `{"TENCENTCLOUD_SECRETID":"i","TENCENTCLOUD_SECRETKEY":"k","TENCENTCLOUD_SESSIONTOKEN":"t"}`,
	}
}

func invoke(t *testing.T, platform *rpc.Client, r *messages.InvokeRequest) messages.InvokeResponse {
	t.Helper()
	var resp messages.InvokeResponse
	must(t, platform.Call("Function.Invoke", r, &resp))
	return resp
}

func answerOf(t *testing.T, resp messages.InvokeResponse) answer {
	t.Helper()
	if resp.Error != nil {
		t.Fatalf("error %+v", *resp.Error)
	}
	var a answer
	must(t, json.Unmarshal(resp.Payload, &a))
	return a
}

func recorded(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	must(t, err)
	return b
}

func TestEventsBecomeRequests(t *testing.T) {
	_, platform := startEvent(t, "http")
	for name, want := range map[string]seen{
		"apigateway_json.json": {
			Method: "POST", Host: "service-3ei3tii4-251000691.ap-guangzhou.apigateway.myqcloud.com", Path: "/api/reconstruction/a/b",
			EscapedPath: "/api/reconstruction/a%2Fb", RequestURI: "/api/reconstruction/a%2Fb?bob=alice+%26+co&flag=&foo=bar&n=7&none=&tag=x&tag=y",
			RemoteAddr: "10.0.2.14",
			Query:      map[string][]string{"foo": {"bar"}, "bob": {"alice & co"}, "tag": {"x", "y"}, "flag": {""}, "none": {""}, "n": {"7"}},
			Header: map[string][]string{
				"Accept": {"text/html, application/json"}, "Content-Type": {"application/json"}, "User-Agent": {"User Agent String"},
				"X-Api-Requestid": {"c6af9ac6-7b61-11e6-9a41-93e8deadbeef"}, "X-Multi": {"one", "two"}, "X-Request-Id": {"c6af9ac6-7b61-11e6-9a41-93e8deadbeef"},
			},
			Body: `{"test":"body ä"}`, ContentLength: 18,
		},
		"apigateway_declared_query.json": {
			Method: "GET", Host: "api.example.com", Path: "/list", EscapedPath: "/list", RequestURI: "/list?page=2", RemoteAddr: "10.0.2.14",
			Query: map[string][]string{"page": {"2"}}, Header: map[string][]string{"X-Request-Id": {"of-the-gateway"}},
		},
		"apigateway_bare.json": {
			Method: "DELETE", Path: "/a", EscapedPath: "/a", RequestURI: "/a?flag=&flag=", Query: map[string][]string{"flag": {"", ""}},
			Header: map[string][]string{"X-Request-Id": {"of-the-platform"}},
		},
		"apigateway_browser.json": {
			Method: "POST", Host: "service-3ei3tii4-251000691.gz.apigw.tencentcs.com", Path: "/release/a b", EscapedPath: "/release/a%20b",
			RequestURI: "/release/a%20b?%E5%90%8D=%E5%80%BC", RemoteAddr: "203.0.113.7", Query: map[string][]string{"名": {"值"}},
			Header: map[string][]string{
				"Content-Type": {"application/x-www-form-urlencoded"}, "Cookie": {"a=1; b=2"}, "X-Forwarded-For": {"203.0.113.7"},
				"X-Request-Id": {"c6af9ac6-7b61-11e6-9a41-93e8deadbeef"},
			},
			Body: "k=\x00v", ContentLength: 4,
		},
		"functionurl_text.json": {
			Method: "PUT", Host: "1253970226-abcdefghij.ap-guangzhou.tencentscf.com", Path: "/echo/größe", EscapedPath: "/echo/gr%C3%B6%C3%9Fe",
			RequestURI: "/echo/gr%C3%B6%C3%9Fe?a=1", Query: map[string][]string{"a": {"1"}},
			Header: map[string][]string{
				"Accept": {"*/*"}, "Content-Type": {"text/plain"}, "Scf-Qualifier": {"$DEFAULT"}, "User-Agent": {"curl/8.5.0"},
				"X-Forwarded-For": {"203.0.113.7"}, "X-Scf-Request-Id": {"4c3e2a1b-0000-4000-8000-000000000001"}, "X-Request-Id": {"of-the-platform"},
			},
			Body: "plain ü", ContentLength: 8,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := answerOf(t, invoke(t, platform, invocation(recorded(t, name))))
			if a.StatusCode != 200 || a.IsBase64Encoded || a.Headers["Content-Type"] != "application/json" {
				t.Errorf("answer %+v", a)
			}
			var got seen
			must(t, json.Unmarshal([]byte(a.Body), &got))
			want.Credentials, want.Limited = "i k t true", true
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestBinaryBodiesGoBothWays(t *testing.T) {
	_, platform := startEvent(t, "http")
	a := answerOf(t, invoke(t, platform, invocation(recorded(t, "functionurl_multipart.json"))))
	if a.StatusCode != 200 || !a.IsBase64Encoded || a.Headers["Content-Type"] != "image/png" {
		t.Fatalf("answer %+v", a)
	}
	if png, err := base64.StdEncoding.DecodeString(a.Body); err != nil || !strings.HasPrefix(string(png), "\x89PNG\r\n\x1a\n") || len(png) != 33 {
		t.Errorf("%d bytes: %q %v", len(png), png, err)
	}
}

func TestAnswersOfEvents(t *testing.T) {
	_, platform := startEvent(t, "http")
	for name, row := range map[string]struct {
		event string
		want  answer
	}{
		"several values": {
			`{"httpMethod":"GET","path":"/cookies","headers":null,"body":null}`,
			answer{StatusCode: 201, Headers: map[string]any{"Set-Cookie": []any{"a=1", "b=2"}}},
		},
		"a stream is text, come what may": {
			`{"httpMethod":"GET","path":"/stream"}`,
			answer{
				StatusCode: 200, Headers: map[string]any{"Content-Type": "text/event-stream; charset=utf-8"},
				Body: "id: 0\ndata: \ufffd\n\nid: 1\ndata: \ufffd\n\nid: 2\ndata: \ufffd\n\n",
			},
		},
		"a stream that goes on ends where it is flushed": {
			`{"httpMethod":"GET","path":"/events","headers":{"last-event-id":"0"}}`,
			answer{StatusCode: 200, Headers: map[string]any{"Content-Type": "text/event-stream"}, Body: "id: 1\n\nid: 2\n\n: context canceled\n"},
		},
		"HEAD": {
			`{"httpMethod":"HEAD","path":"/x"}`,
			answer{StatusCode: 200, Headers: map[string]any{"Content-Type": "application/json"}},
		},
		"a body that is no base64": {
			`{"httpMethod":"POST","path":"/x","body":"?","isBase64Encoded":true}`,
			answer{
				StatusCode: 400, Headers: map[string]any{"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"},
				Body: "body is not base64: illegal base64 data at input byte 0\n",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := answerOf(t, invoke(t, platform, invocation([]byte(row.event))))
			if d := cmp.Diff(row.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestEventsThatAreNoRequests(t *testing.T) {
	_, platform := startEvent(t, "http")
	for name, event := range map[string]string{
		"a timer's":               string(recorded(t, "timer.json")),
		"no JSON":                 "x",
		"a list":                  "[]",
		"a strange query":         `{"httpMethod":"GET","path":"/","queryString":{"a":{"b":1}}}`,
		"a strange method":        `{"httpMethod":"G E T","path":"/"}`,
		"no path":                 `{"httpMethod":"GET"}`,
		"given up by the handler": `{"httpMethod":"GET","path":"/abort"}`,
	} {
		resp := invoke(t, platform, invocation([]byte(event)))
		if resp.Error == nil || resp.Error.ShouldExit {
			t.Errorf("%s: %s %+v", name, resp.Payload, resp.Error)
		}
	}
	if a := answerOf(t, invoke(t, platform, invocation([]byte(`{"httpMethod":"GET","path":"/"}`)))); a.StatusCode != 200 {
		t.Errorf("afterwards: %+v", a)
	}
}

func TestEventsHaveADeadline(t *testing.T) {
	_, platform := startEvent(t, "http")
	r := invocation([]byte(`{"httpMethod":"GET","path":"/until-told"}`))
	r.Deadline.Seconds = time.Now().Add(2 * time.Second).Unix()
	if a := answerOf(t, invoke(t, platform, r)); a.Body != "begun\nout of time\n" {
		t.Errorf("at the deadline: %+v", a)
	}
	r = invocation([]byte(`{"httpMethod":"GET","path":"/"}`))
	r.Deadline = messages.InvokeRequest_Timestamp{}
	var s seen
	must(t, json.Unmarshal([]byte(answerOf(t, invoke(t, platform, r)).Body), &s))
	if s.Limited {
		t.Error("no deadline became one")
	}
}

func TestAnEventFunctionIsToldToStop(t *testing.T) {
	p, platform := startEvent(t, "http")
	var resp messages.InvokeResponse
	call := platform.Go("Function.Invoke", invocation([]byte(`{"httpMethod":"GET","path":"/until-told"}`)), &resp, nil)
	p.logged("waiting")
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	must(t, (<-call.Done).Error)
	if a := answerOf(t, resp); a.Body != "begun\ntold to stop\n" {
		t.Errorf("answer %+v", a)
	}
	if code := p.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestTimer(t *testing.T) {
	p, platform := startEvent(t, "timer")
	for _, payload := range []string{string(recorded(t, "timer.json")), `{"anything":["else"]}`, ""} {
		if resp := invoke(t, platform, invocation([]byte(payload))); resp.Error != nil {
			t.Errorf("%s: %+v", payload, resp.Error)
		}
		if got := p.logged("tick")["credentials"]; got != "i k t true" {
			t.Errorf("credentials %v", got)
		}
	}
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	if code := p.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestATimerThatFails(t *testing.T) {
	p, platform := startEvent(t, "timer", "TICK_FAILS=1")
	resp := invoke(t, platform, invocation(recorded(t, "timer.json")))
	if resp.Error == nil || resp.Error.Message != "it was too much" {
		t.Errorf("told the platform %+v", resp.Error)
	}
	if line := p.logged("run failed"); line["error"] != "it was too much" || line["requestId"] != "of-the-platform" {
		t.Errorf("logged %v", line)
	}
}
