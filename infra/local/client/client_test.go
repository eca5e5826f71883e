package client

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// api serves handlers by "METHOD /path" and is called by a client.
func api(t *testing.T, handlers map[string]http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, ok := handlers[r.Method+" "+r.URL.Path]
		if !ok {
			t.Errorf("unexpected %s %s", r.Method, r.URL)
			http.NotFound(w, r)
			return
		}
		h(w, r)
	}))
	t.Cleanup(s.Close)
	c, err := New(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func problem(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"status":%d,"title":"T","detail":"It is so.","code":%q,"requestId":"r1"}`, status, code)
}

// events answers with a stream that breaks off after the given lines.
func events(w http.ResponseWriter, lines ...string) {
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, strings.Join(lines, "\n"))
}

func TestUploadBySize(t *testing.T) {
	small, large := []byte("\x89PNG\r\n\x1a\nsmall"), append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, DirectFrom)...)
	var landed []byte
	var c *Client
	c = api(t, map[string]http.HandlerFunc{
		"POST /picture/upload": func(w http.ResponseWriter, r *http.Request) {
			f, h, err := r.FormFile("file")
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(f)
			if !bytes.Equal(data, small) || h.Filename != "a.png" || err != nil {
				t.Errorf("got %d bytes of %s, %v", len(data), h.Filename, err)
			}
			fmt.Fprint(w, `{"id":"1"}`)
		},
		"POST /picture/upload-url": func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if want := fmt.Sprintf(`{"contentType":"image/png","name":"b.png","size":%d}`, len(large)); string(body) != want || err != nil {
				t.Errorf("got %s, want %s", body, want)
			}
			fmt.Fprintf(w, `{"id":"2","method":"PUT","url":"%s/incoming?sign=x","headers":{"X-Cos-A":"b"}}`, c.Base)
		},
		"PUT /incoming": func(_ http.ResponseWriter, r *http.Request) {
			var err error
			if landed, err = io.ReadAll(r.Body); err != nil || r.Header.Get("X-Cos-A") != "b" {
				t.Errorf("put: %v, %v", r.Header, err)
			}
		},
		"POST /picture/2/complete": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"id":"2"}`) },
	})
	for id, data := range map[string][]byte{"1": small, "2": large} {
		p, err := c.Upload(t.Context(), map[string]string{"1": "a.png", "2": "b.png"}[id], data)
		if p.ID != id || err != nil {
			t.Errorf("got %+v, %v", p, err)
		}
	}
	if !bytes.Equal(landed, large) {
		t.Errorf("%d bytes landed", len(landed))
	}
}

func TestRefusalsAndRetries(t *testing.T) {
	var keys []string
	c := api(t, map[string]http.HandlerFunc{
		"POST /api/reconstruction/create-from-image": func(w http.ResponseWriter, r *http.Request) {
			keys = append(keys, r.Header.Get("Idempotency-Key"))
			if len(keys) < 3 {
				w.Header().Set("Retry-After", "0")
				problem(w, 503, "unavailable")
				return
			}
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, `{"taskId":"t","status":"PENDING","sseUrl":"/e?ticket=x"}`)
		},
		"GET /api/reconstruction/status/gone": func(w http.ResponseWriter, _ *http.Request) { problem(w, 404, "task_not_found") },
		"GET /api/reconstruction/status/html": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) },
	})
	task, err := c.Create(t.Context(), "p")
	if task.ID != "t" || task.SSEURL != "/e?ticket=x" || err != nil {
		t.Errorf("got %+v, %v", task, err)
	}
	if len(keys) != 3 || keys[0] == "" || keys[0] != keys[1] || keys[1] != keys[2] {
		t.Errorf("idempotency keys %q: want one for all tries", keys)
	}
	_, err = c.Task(t.Context(), "gone")
	if !IsProblem(err, "task_not_found") || err.Error() != "It is so. (404 task_not_found, request r1)" {
		t.Errorf("got %v", err)
	}
	if _, err = c.Task(t.Context(), "html"); err == nil || !strings.Contains(err.Error(), "was answered with 502 Bad Gateway") {
		t.Errorf("got %v", err)
	}
}

func TestEventsResume(t *testing.T) {
	var asked []string
	c := api(t, map[string]http.HandlerFunc{
		"GET /e": func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.RawQuery+" "+r.Header.Get("Last-Event-ID"))
			switch len(asked) {
			case 1:
				events(w, "retry: 1", "", ": comment", "id: 1", "event: status", `data: {"status":"PENDING"}`, "", "event: progress", `data: {"progress":42,`, `data: "stage":"mesh"}`, "",
					"id: 2", "event: status", `data: {"status":"PROC`) // breaks off in an event
			case 2:
				problem(w, 401, "unauthorized") // the ticket ran out
			case 3:
				events(w, "id: 2", "event: result", `data: {"name":"a","url":null,"attempt":1}`, "", "id: 3", "event: status", `data: {"status":"FAILED","error":{"code":"timeout","message":"It took too long."}}`, "", "")
			}
		},
		"GET /api/reconstruction/status/t": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"taskId":"t","status":"PROCESSING","sseUrl":"/e?ticket=2"}`)
		},
	})
	var got []string
	for e, err := range c.Events(t.Context(), Task{ID: "t", SSEURL: "/e?ticket=1"}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimSpace(fmt.Sprint(e.ID, " ", e.Kind, " ", e.Status, e.Name, e.Stage, e.Error)))
	}
	want := []string{"1 status PENDING<nil>", "progress mesh<nil>", "2 result a<nil>", "3 status FAILEDIt took too long. (timeout)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ticket=1 ", "ticket=1 1", "ticket=2 1"}, asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestEventsWithoutAStream(t *testing.T) {
	status := `{"taskId":"t","status":"COMPLETED","sseUrl":"/e"}`
	c := api(t, map[string]http.HandlerFunc{
		"GET /e": func(w http.ResponseWriter, _ *http.Request) { problem(w, 401, "unauthorized") },
		"GET /api/reconstruction/status/t": func(w http.ResponseWriter, _ *http.Request) {
			if status == "" {
				problem(w, 404, "task_not_found")
				return
			}
			fmt.Fprint(w, status)
		},
	})
	var got []Event
	for e, err := range c.Events(t.Context(), Task{ID: "t", SSEURL: "/e"}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if len(got) != 1 || got[0].Status != "COMPLETED" {
		t.Errorf("got %+v", got)
	}
	status = ""
	for _, err := range c.Events(t.Context(), Task{ID: "t", SSEURL: "/e"}) {
		if !IsProblem(err, "task_not_found") {
			t.Errorf("got %v", err)
		}
	}
}

func TestDownloadChecks(t *testing.T) {
	c := api(t, map[string]http.HandlerFunc{"GET /o": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "bytes") }})
	sum := sha256.Sum256([]byte("bytes"))
	good := Result{Name: "a", URL: "/o", Size: 5, SHA256: hex.EncodeToString(sum[:])}
	var out bytes.Buffer
	if err := c.Download(t.Context(), good, &out); err != nil || out.String() != "bytes" {
		t.Errorf("got %q, %v", out.String(), err)
	}
	short, other := good, good
	short.Size, other.SHA256 = 4, strings.Repeat("0", 64)
	for _, r := range []Result{short, other} {
		if err := c.Download(t.Context(), r, io.Discard); err == nil || !strings.Contains(err.Error(), "announced were") {
			t.Errorf("got %v", err)
		}
	}
}

func TestTheTokenStaysWithTheAPI(t *testing.T) {
	storage := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the token went to the object storage")
		}
	}))
	defer storage.Close()
	c := api(t, map[string]http.HandlerFunc{"GET /api/reconstruction/status/t": func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			t.Error("no token")
		}
		fmt.Fprint(w, "{}")
	}})
	c.Token = "secret"
	if _, err := c.Task(t.Context(), "t"); err != nil {
		t.Error(err)
	}
	if _, err := c.fetch(t.Context(), storage.URL, 1, io.Discard); err != nil {
		t.Error(err)
	}
}

func TestNewRefusesOtherAddresses(t *testing.T) {
	for _, bad := range []string{"", "localhost:8080", "ftp://x", "http://", "://"} {
		if _, err := New(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	var p *Problem
	if errors.As(error(&refusal{Problem: &Problem{Code: "x"}}), &p); p.Code != "x" {
		t.Error("a refusal is no problem")
	}
}
