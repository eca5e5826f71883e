package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/rpc"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"
)

// gatewayEvent is an event of API Gateway, as its trigger's documentation shows one.
func gatewayEvent(method, path, mime string, body []byte, binary bool) map[string]any {
	e := map[string]any{
		"requestContext": map[string]any{
			"serviceId": "service-f94sy04v", "path": "/api/{path}", "httpMethod": method, "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
			"identity": map[string]any{"secretId": "abdcdxxxxxxxsdfs"}, "sourceIp": "10.0.2.14", "stage": "release",
		},
		"headers":               map[string]any{"accept": "text/html", "content-type": mime, "host": "service-3ei3tii4-251000691.ap-guangzhou.apigateway.myqcloud.com", "user-agent": "User Agent String"},
		"body":                  string(body),
		"pathParameters":        map[string]any{"path": "value"},
		"queryStringParameters": map[string]any{},
		"headerParameters":      map[string]any{"Refer": "10.0.2.14"},
		"stageVariables":        map[string]any{"stage": "release"},
		"path":                  path,
		"queryString":           map[string]any{"limit": "5"},
		"httpMethod":            method,
	}
	if binary {
		e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// functionURLEvent is an event of a function URL, which has less.
func functionURLEvent(method, path, mime string, body []byte) map[string]any {
	return map[string]any{
		"body": base64.StdEncoding.EncodeToString(body), "isBase64Encoded": true, "httpMethod": method, "path": path, "queryString": map[string]any{},
		"headers": map[string]any{"content-type": mime, "host": "1253970226-abcdefghij.ap-guangzhou.tencentscf.com", "scf-qualifier": "$DEFAULT"},
	}
}

// eventFunction is a function's process that waits for events.
type eventFunction struct {
	address     string
	credentials string // of its role, see system.credentials
}

// invoke calls it, and tells what it answers as an HTTP answer.
func (f eventFunction) invoke(t *testing.T, event map[string]any) answer {
	t.Helper()
	client, err := rpc.Dial("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	var res messages.InvokeResponse
	deadline := messages.InvokeRequest_Timestamp{Seconds: time.Now().Add(time.Minute).Unix()}
	if err := client.Call("Function.Invoke", &messages.InvokeRequest{Payload: mustJSON(event), RequestId: token(), Deadline: deadline, TimeLimitInMs: 60000, Environment: f.credentials}, &res); err != nil {
		t.Fatal(err)
	}
	if res.Error != nil {
		t.Fatalf("%s: %s", res.Error.Type, res.Error.Message)
	}
	var got struct {
		IsBase64Encoded bool           `json:"isBase64Encoded"`
		StatusCode      int            `json:"statusCode"`
		Headers         map[string]any `json:"headers"`
		Body            string         `json:"body"`
	}
	if err := json.Unmarshal(res.Payload, &got); err != nil {
		t.Fatalf("%v: %s", err, res.Payload)
	}
	a := answer{request: fmt.Sprint(event["httpMethod"], " ", event["path"], " by event"), status: got.StatusCode, header: http.Header{}, body: []byte(got.Body)}
	if got.IsBase64Encoded {
		if a.body, err = base64.StdEncoding.DecodeString(got.Body); err != nil {
			t.Fatal(err)
		}
	}
	for name, v := range got.Headers {
		switch v := v.(type) {
		case string:
			a.header.Set(name, v)
		case []any:
			for _, one := range v {
				a.header.Add(name, fmt.Sprint(one))
			}
		}
	}
	return a
}

// The very binaries answer as event functions.
func TestEventMode(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	run := func(name string) eventFunction {
		port := ownPort(t)
		launch(t, name, with(s.environ(t, name), "RUN_MODE=event", "_LAMBDA_SERVER_PORT="+port))
		eventually(t, name+" answers", func() bool {
			client, err := rpc.Dial("tcp", "127.0.0.1:"+port)
			if err != nil {
				return false
			}
			defer func() { _ = client.Close() }()
			return client.Call("Function.Ping", &messages.PingRequest{}, &messages.PingResponse{}) == nil
		})
		return eventFunction{"127.0.0.1:" + port, s.credentials()}
	}
	pictures, tasks := run("picture"), run("tasks")
	for _, event := range []func(method, path, mime string, body []byte) map[string]any{
		func(method, path, mime string, body []byte) map[string]any {
			return gatewayEvent(method, path, mime, body, true)
		},
		functionURLEvent,
	} {
		data := drawing()
		body, mime := form(part{"file", "a.png", data})
		var p picture
		pictures.invoke(t, event(http.MethodPost, "/picture/upload", mime, body)).want(t, http.StatusCreated).into(t, &p)
		if p.Sha256 != sha(data) || !bytes.Equal(fetch(t, p.URL).body, data) {
			t.Errorf("%+v", p)
		}
		pictures.invoke(t, event(http.MethodGet, "/picture/"+p.ID, "", nil)).want(t, http.StatusOK)
		pictures.invoke(t, event(http.MethodGet, "/picture/"+unknownID, "", nil)).problem(t, http.StatusNotFound, "picture_not_found")
		pictures.invoke(t, event(http.MethodPost, "/picture/upload", "text/plain", nil)).problem(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
		if a := pictures.invoke(t, event(http.MethodPut, "/picture/upload", mime, nil)); a.header.Get("Allow") == "" {
			t.Errorf("no Allow: %d %v", a.status, a.header)
		}
		job := s.fleet.expect(data, taken)
		c := s.create(t, p.ID)
		job.next(t)
		var d document
		tasks.invoke(t, event(http.MethodGet, "/api/reconstruction/status/"+c.TaskID, "", nil)).want(t, http.StatusOK).into(t, &d)
		if d.Status != "PROCESSING" {
			t.Errorf("%+v", d)
		}
		if cancelled := tasks.invoke(t, event(http.MethodPost, "/api/reconstruction/cancel/"+c.TaskID, "", nil)).want(t, http.StatusOK).object(t); cancelled["status"] != "CANCELLED" {
			t.Errorf("%v", cancelled)
		}
		<-job.stops
	}
	var list struct{ Items []document }
	if err := json.Unmarshal(tasks.invoke(t, gatewayEvent(http.MethodGet, "/api/reconstruction/list", "", nil, false)).want(t, http.StatusOK).body, &list); err != nil || len(list.Items) != 2 {
		t.Errorf("list: %v %+v", err, list)
	}
}

// The very binaries answer on AWS Lambda, by its Runtime API.
func TestLambdaMode(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	events, answers := make(chan []byte), make(chan answer)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case e := <-events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", token())
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:picture")
			_, _ = w.Write(e) // the function reads it
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{what}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.PathValue("what") != "response" {
			t.Errorf("runtime: %s, %v: %s", r.PathValue("what"), err, body)
		}
		w.WriteHeader(http.StatusAccepted)
		// A streamed answer is a prelude as JSON, eight zero bytes, and the body.
		prelude, rest, _ := bytes.Cut(body, make([]byte, 8))
		var head struct {
			StatusCode int
			Headers    map[string]string
		}
		if err := json.Unmarshal(prelude, &head); err != nil {
			t.Errorf("prelude %q: %v", prelude, err)
		}
		a := answer{request: "lambda", status: head.StatusCode, header: http.Header{}, body: rest}
		for name, v := range head.Headers {
			a.header.Set(name, v)
		}
		answers <- a
	})
	runtime := httptest.NewServer(mux)
	t.Cleanup(runtime.Close)
	launch(t, "picture", with(s.environ(t, "picture"), "RUN_MODE=lambda", "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(runtime.URL, "http://"),
		"COS_SECRET_ID="+s.cosID, "COS_SECRET_KEY="+s.cosKey)) // another cloud has no role
	invoke := func(method, path, mime string, body []byte) answer {
		t.Helper()
		event := map[string]any{
			"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
			"headers":        map[string]string{"content-type": mime, "host": "r3pmxmplak.lambda-url.us-east-2.on.aws"},
			"requestContext": map[string]any{"http": map[string]any{"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"}, "requestId": token(), "domainName": "r3pmxmplak.lambda-url.us-east-2.on.aws"},
			"body":           base64.StdEncoding.EncodeToString(body), "isBase64Encoded": true,
		}
		select {
		case events <- mustJSON(event):
		case <-time.After(patience):
			t.Fatal("the function does not ask for an event")
		}
		select {
		case a := <-answers:
			return a
		case <-time.After(patience):
			t.Fatal("the function does not answer")
		}
		return answer{}
	}
	data := drawing()
	body, mime := form(part{"file", "a.png", data})
	var p picture
	invoke(http.MethodPost, "/picture/upload", mime, body).want(t, http.StatusCreated).into(t, &p)
	if p.Sha256 != sha(data) {
		t.Errorf("%+v", p)
	}
	invoke(http.MethodGet, "/picture/"+p.ID, "", nil).want(t, http.StatusOK)
	invoke(http.MethodPost, "/picture/upload", mime, body[:50]).problem(t, http.StatusBadRequest, "bad_request")
}

// What is missing in a function's environment is named all at once, and ends it with 2.
func TestMissingConfiguration(t *testing.T) {
	t.Parallel()
	for function, names := range map[string][]string{
		"picture":         {"REDIS_URL", "COS_BUCKET_URL", "AUTH_MODE"},
		"create-task":     {"REDIS_URL", "COS_BUCKET_URL", "AUTH_MODE", "TICKET_SECRET", "CALLBACK_SECRETS", "PUBLIC_BASE_URL", "WORKER_URLS"},
		"tasks":           {"REDIS_URL", "COS_BUCKET_URL", "AUTH_MODE", "TICKET_SECRET", "CALLBACK_SECRETS"},
		"callback-result": {"REDIS_URL", "COS_BUCKET_URL", "CALLBACK_SECRETS"},
		"callback-status": {"REDIS_URL", "CALLBACK_SECRETS"},
		"relay":           {"REDIS_URL", "COS_BUCKET_URL", "AUTH_MODE", "TICKET_SECRET"},
		"web":             {"COS_BUCKET_URL"},
		"sweeper":         {"REDIS_URL", "COS_BUCKET_URL", "CALLBACK_SECRETS", "PUBLIC_BASE_URL", "WORKER_URLS"},
	} {
		t.Run(function, func(t *testing.T) {
			cmd := exec.Command(program(function))
			cmd.Env = []string{"PORT=0", "HOST=127.0.0.1", "_LAMBDA_SERVER_PORT=1", "HEARTBEAT_TIMEOUT=soon"}
			out, err := cmd.CombinedOutput()
			var ended *exec.ExitError
			if !errors.As(err, &ended) || ended.ExitCode() != 2 {
				t.Errorf("ended with %v: %s", err, out)
			}
			for _, name := range names {
				if !bytes.Contains(out, []byte(name)) {
					t.Errorf("%s is not named in %s", name, out)
				}
			}
		})
	}
}

// SIGTERM lets what runs end, and then the function exits with 0.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	o := s.order(t, taken)
	o.job.next(t)
	port := ownPort(t)
	cmd := exec.Command(program("relay"))
	cmd.Env = with(s.environ(t, "relay"), "PORT="+port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	eventually(t, "it listens", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	direct := s.browser
	u := *s.base
	u.Host = "127.0.0.1:" + port
	direct.base = &u
	st := direct.listen(t, o.SseURL, "")
	st.until(t, "PROCESSING")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	st.ended(t)
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	o.finish(1)
	o.events.until(t, "COMPLETED")
}
