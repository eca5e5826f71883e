package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hook is a worker's message to the backend about one task, as it is sent. The zero values of id, at and secret stand for
// what is right.
type hook struct {
	kind    string // result, upload or status
	taskID  string
	attempt int // in its webhook-id; 0: a worker that knows no attempts
	body    []byte
	mime    string

	id     string
	at     time.Time
	secret string
	alter  func(*http.Request) // the last thing before it is sent
	raw    []byte              // sent in place of body, which is signed
}

// outbox sends a worker's messages.
type outbox struct {
	base   string // callback_url
	secret string
	http   *http.Client
}

// do sends a message.
func (o outbox) do(t *testing.T, h hook) (answer, error) {
	path := map[string]string{"result": "/result/" + h.taskID, "upload": "/upload-url/" + h.taskID, "status": "/status"}[h.kind]
	sent := h.body
	if h.raw != nil {
		sent = h.raw
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.base+path, bytes.NewReader(sent))
	if err != nil {
		return answer{}, err
	}
	if h.id == "" {
		h.id = fmt.Sprintf("%s:%s:%d:%s", h.kind, h.taskID, h.attempt, token())
	}
	if h.at.IsZero() {
		h.at = time.Now()
	}
	if h.secret == "" {
		h.secret = o.secret
	}
	signed(t, r, h.secret, h.id, h.at, h.body)
	r.Header.Set("Content-Type", h.mime)
	if h.alter != nil {
		h.alter(r)
	}
	return send(o.http, r)
}

func (o outbox) send(t *testing.T, h hook) answer {
	t.Helper()
	a, err := o.do(t, h)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// statusHook tells a status; attempt 0 leaves it out. more are pairs of field and value.
func statusHook(taskID string, attempt int, status string, more ...any) hook {
	m := map[string]any{"taskId": taskID, "status": status}
	if attempt > 0 {
		m["attempt"] = attempt
	}
	for i := 0; i < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return hook{kind: "status", taskID: taskID, attempt: attempt, body: mustJSON(m), mime: "application/json"}
}

// fileHook hands a small result in, as a form.
func fileHook(taskID string, attempt int, name string, data []byte, more ...part) hook {
	parts := []part{{name: "name", data: []byte(name)}}
	if attempt > 0 {
		parts = append(parts, part{name: "attempt", data: fmt.Append(nil, attempt)})
	}
	parts = append(parts, more...)
	body, mime := form(append(parts, part{"file", name, data})...)
	return hook{kind: "result", taskID: taskID, attempt: attempt, body: body, mime: mime}
}

// manifest describes a result of the direct route.
func manifest(name string, data []byte, attempt int) map[string]any {
	m := map[string]any{"name": name, "size": len(data), "sha256": sha(data)}
	if attempt > 0 {
		m["attempt"] = attempt
	}
	return m
}

// directHook is a step of the direct route: kind upload, or result.
func directHook(kind, taskID string, attempt int, m map[string]any) hook {
	return hook{kind: kind, taskID: taskID, attempt: attempt, body: mustJSON(m), mime: "application/json"}
}

// grant is where to PUT a file.
type grant struct {
	URL, Method, ExpiresAt string
	Headers                map[string]string
	ID                     string // of a picture
}

// put does what a grant allows.
func (g grant) put(t *testing.T, data []byte) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), g.Method, g.URL, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range g.Headers {
		if strings.EqualFold(name, "Content-Length") {
			continue // the client's own
		}
		if strings.EqualFold(name, "Host") {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	a, err := send(http.DefaultClient, r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
