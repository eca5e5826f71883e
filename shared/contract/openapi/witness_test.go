package openapi

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// notes is a test that only writes down what is wrong.
type notes struct {
	testing.TB
	mu   sync.Mutex
	said []string
}

func (n *notes) Error(args ...any) { n.Errorf("%s", fmt.Sprint(args...)) }

func (n *notes) Errorf(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.said = append(n.said, fmt.Sprintf(format, args...))
}

const anID = "019bc0c6-a4b1-7ebb-829f-a86d481c2625"

// TestWhatAWitnessSees asks a server that answers as it is told, in each of the ways in which tests do.
func TestWhatAWitnessSees(t *testing.T) {
	const (
		create = "/api/reconstruction/create-from-image"
		events = "/api/reconstruction/events/" + anID
	)
	order, task := example(t, "create-task-request"), example(t, "create-task")
	progress := "event: progress\ndata: " + strings.ReplaceAll(strings.TrimSpace(example(t, "event-progress")), "\n", "") + "\n\n"
	wrong := strings.ReplaceAll(example(t, "problem-validation-failed"), "\n", "")
	for _, c := range []struct {
		about, method, path, sent string
		status                    int
		answered                  string
		seen                      string // "": nothing
	}{
		{"what is right", "POST", create, order, 202, task, ""},
		{"a bad request that is refused", "POST", create, `{"imageId": 1}`, 422, wrong, ""},
		{"a bad request that is taken", "POST", create, `{"imageId": 1}`, 202, task, "/imageId"},
		{"no JSON that is taken", "POST", create, `{`, 202, task, "unexpected EOF"},
		{"an unknown wish, which is ignored", "POST", create, strings.Replace(order, "{", `{"wish": 1, `, 1), 202, task, ""},
		{"an answer with an unknown member", "POST", create, order, 202, strings.Replace(task, "{", `{"wish": 1, `, 1), "wish"},
		{"a number that is none", "GET", "/picture/list/page?size=x", "", 200, example(t, "picture-page"), "size"},
		{"too large a number", "GET", "/picture/list/page?size=101", "", 200, example(t, "picture-page"), "size"},
		{"an id that is none", "GET", "/api/reconstruction/status/x", "", 200, example(t, "task-pending"), "taskId"},
		{"an escaped id", "GET", "/api/reconstruction/status/%2E%2E%2Fx", "", 404, strings.ReplaceAll(example(t, "problem-task-not-found"), "\n", ""), ""},
		{"a method of no operation", "PATCH", create, order, 202, task, "no answer 202"},
		{"the page", "GET", "/assets/x.js", "", 200, "{}", ""},
		{"an event", "GET", events, "", 200, "retry: 2000\n\n: \n\n" + progress, ""},
		{"an event of another kind", "GET", events, "", 200, strings.Replace(progress, "progress", "news", 1), "no such event"},
		{"an event with an unknown member", "GET", events, "", 200, strings.Replace(progress, "{", `{"wish": 1, `, 1), "wish"},
		{"a durable event without its number", "GET", events, "", 200, "event: status\ndata: {}\n\n", "no such event"},
	} {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // a recorder's body has no errors
			w.Header().Set("X-Request-Id", "1")
			w.Header().Set("Cache-Control", "no-store")
			switch {
			case c.path == events:
				w.Header().Set("X-Accel-Buffering", "no")
				w.Header().Set("Content-Type", "text/event-stream")
			case c.status >= 400:
				w.Header().Set("Content-Type", "application/problem+json")
			default:
				w.Header().Set("Content-Type", "application/json")
			}
			if c.path == create && c.status < 300 {
				w.Header().Set("Location", "/x")
			}
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.answered)
		})
		request := func(base string) *http.Request {
			r, err := http.NewRequestWithContext(t.Context(), c.method, base+c.path, strings.NewReader(c.sent))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			return r
		}
		check := func(how string, n *notes) {
			t.Helper()
			if said := strings.Join(n.said, "\n"); c.seen == "" && said != "" || !strings.Contains(said, c.seen) {
				t.Errorf("%s, %s: it said %q", c.about, how, said)
			}
		}

		server := httptest.NewServer(h)
		n := &notes{TB: t}
		res, err := Client(n).Do(request(server.URL))
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(res.Body); err != nil || string(body) != c.answered {
			t.Errorf("%s: came as %q, %v", c.about, body, err)
		}
		check("a client", n)
		_ = res.Body.Close()
		server.Close()

		if c.path == events || strings.HasPrefix(c.path, "/assets/") {
			continue
		}
		n = &notes{TB: t}
		w := httptest.NewRecorder()
		Handler(n, h).ServeHTTP(w, request("http://api"))
		if w.Code != c.status || w.Body.String() != c.answered {
			t.Errorf("%s: passed on as %d %s", c.about, w.Code, w.Body)
		}
		check("a handler", n)
	}
}

func TestAReceiverIsSentWhatIsDocumented(t *testing.T) {
	const good = "--b\r\nContent-Disposition: form-data; name=\"task_id\"\r\n\r\n" + anID + "\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"attempt\"\r\n\r\n1\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"callback_url\"\r\n\r\nhttp://api/callback\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\nbytes\r\n--b--\r\n"
	for about, c := range map[string]struct{ id, body, seen string }{
		"right":          {"dispatch:" + anID + ":1:x", good, ""},
		"another id":     {"dispatch:" + anID + ":01:x", good, "webhook-id"},
		"no attempt":     {"dispatch:" + anID + ":1:x", strings.Replace(good, "attempt", "try", 1), "attempt"},
		"attempt 0":      {"dispatch:" + anID + ":1:x", strings.Replace(good, "\r\n1\r\n", "\r\n0\r\n", 1), "attempt"},
		"two pictures":   {"dispatch:" + anID + ":1:x", strings.Replace(good, "--b--", "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nx\r\n--b--", 1), "two parts"},
		"half a message": {"dispatch:" + anID + ":1:x", good[:len(good)-10], "form"},
	} {
		n := &notes{TB: t}
		r := httptest.NewRequest(http.MethodPost, "/generate3d", strings.NewReader(c.body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		r.Header.Set("Webhook-Id", c.id)
		r.Header.Set("Webhook-Timestamp", "1")
		Receiver(n, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if body, err := io.ReadAll(r.Body); err != nil || string(body) != c.body {
				t.Errorf("%s: received %q, %v", about, body, err)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
		if said := strings.Join(n.said, "\n"); c.seen == "" && said != "" || !strings.Contains(said, c.seen) {
			t.Errorf("%s: it said %q", about, said)
		}
	}
}
