package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/rpc"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"
)

// relayTime is the platform's longest time limit, the relay's.
const relayTime = 15 * time.Minute

// eventDoor is an event function: the platform calls it by RPC with what its front door made of a request.
type eventDoor struct {
	t           *testing.T
	address     string
	credentials string // of its role, see system.credentials
	event       func(r *http.Request, body []byte) map[string]any
}

func (d eventDoor) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	client, err := rpc.Dial("tcp", d.address)
	if err != nil {
		d.t.Error(err)
		return
	}
	defer func() { _ = client.Close() }()
	var res messages.InvokeResponse
	deadline := messages.InvokeRequest_Timestamp{Seconds: time.Now().Add(relayTime).Unix()}
	err = client.Call("Function.Invoke", &messages.InvokeRequest{
		Payload: mustJSON(d.event(r, body)), RequestId: token(), Deadline: deadline, TimeLimitInMs: int32(relayTime.Milliseconds()), Environment: d.credentials,
	}, &res)
	var got struct {
		IsBase64Encoded bool           `json:"isBase64Encoded"`
		StatusCode      int            `json:"statusCode"`
		Headers         map[string]any `json:"headers"`
		Body            string         `json:"body"`
	}
	if err != nil || res.Error != nil || json.Unmarshal(res.Payload, &got) != nil {
		d.t.Errorf("%s %s: %v, %v, %s", r.Method, r.URL.Path, err, res.Error, res.Payload)
		return
	}
	answer := []byte(got.Body)
	if got.IsBase64Encoded {
		if answer, err = base64.StdEncoding.DecodeString(got.Body); err != nil {
			d.t.Error(err)
		}
	}
	for name, v := range got.Headers {
		switch v := v.(type) {
		case string:
			w.Header().Add(name, v)
		case []any:
			for _, one := range v {
				w.Header().Add(name, one.(string))
			}
		}
	}
	w.WriteHeader(got.StatusCode)
	_, _ = w.Write(answer) // the client may have left
}

// gatewayEvent is an event of API Gateway, as its trigger's documentation shows one.
func gatewayEvent(r *http.Request, body []byte) map[string]any {
	e := functionURLEvent(r, body)
	e["requestContext"] = map[string]any{
		"serviceId": "service-f94sy04v", "path": "/{path}", "httpMethod": "ANY", "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
		"identity": map[string]any{"secretId": "abdcdxxxxxxxsdfs"}, "sourceIp": "10.0.2.14", "stage": "release",
	}
	e["pathParameters"], e["headerParameters"] = map[string]any{"path": "value"}, map[string]any{"Refer": "10.0.2.14"}
	e["queryStringParameters"], e["stageVariables"] = map[string]any{}, map[string]any{"stage": "release"}
	return e
}

// functionURLEvent is an event of a function URL, which has less.
func functionURLEvent(r *http.Request, body []byte) map[string]any {
	headers := map[string]any{"host": "1253970226-abcdefghij.ap-guangzhou.tencentscf.com"}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = oneOrMany(values)
	}
	query := map[string]any{}
	for name, values := range r.URL.Query() {
		query[name] = oneOrMany(values)
	}
	e := map[string]any{"httpMethod": r.Method, "path": r.URL.EscapedPath(), "headers": headers, "queryString": query, "body": string(body)}
	if !utf8.Valid(body) {
		e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

func oneOrMany(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// The very binaries answer as event functions. Events of a task come there too, by an EventSource that asks again and again.
func TestEventMode(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	for name, event := range map[string]func(*http.Request, []byte) map[string]any{"API Gateway": gatewayEvent, "function URL": functionURLEvent} {
		t.Run(name, func(t *testing.T) {
			through := s.behind(t, func(function string) door {
				return eventDoor{t, s.runEventFunction(t, function), s.credentials(), event}
			})
			through.answersAsEver(t)

			// A stream ends with what there is, while the task goes on.
			o := through.orderUnheard(t, taken)
			o.job.next(t)
			eventually(t, "a worker has it", func() bool { return o.document().Status == "PROCESSING" })
			now := through.get(t, o.SseURL).want(t, http.StatusOK)
			if !strings.HasPrefix(string(now.body), "retry: 2000\n\nid: 1\n") || !strings.Contains(string(now.body), `"PROCESSING"`) {
				t.Errorf("events: %s", now.body)
			}
			o.finish(1)
			later := through.get(t, o.SseURL, "Last-Event-ID", "2").want(t, http.StatusOK)
			if !strings.Contains(string(later.body), "id: 3\nevent: result\n") || !strings.Contains(string(later.body), `"COMPLETED"`) {
				t.Errorf("events: %s", later.body)
			}
		})
	}
}

// runEventFunction starts a function that waits for events, and tells where.
func (s *system) runEventFunction(t *testing.T, function string) (address string) {
	t.Helper()
	port := ownPort(t)
	launch(t, function, with(s.environ(t, function), "RUN_MODE=event", "_LAMBDA_SERVER_PORT="+port))
	eventually(t, function+" answers", func() bool {
		client, err := rpc.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return false
		}
		defer func() { _ = client.Close() }()
		return client.Call("Function.Ping", &messages.PingRequest{}, &messages.PingResponse{}) == nil
	})
	return "127.0.0.1:" + port
}
