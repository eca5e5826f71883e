package httpjson

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/telemetry"
	"github.com/recon3d/recon3d/shared/telemetry/telemetrytest"
)

// figures answers /picture/{id} with 5 bytes, after a round trip to Redis, and /away with 503.
func figures() http.Handler {
	return Handler(Routes{
		"/picture/{id}": {"GET": func(w http.ResponseWriter, r *http.Request) error {
			telemetry.Recorded(r.Context()).AskedRedis(2500 * time.Microsecond)
			telemetry.Note(r.Context(), slog.String("taskId", r.PathValue("id")))
			_, err := io.WriteString(w, "hello")
			return err
		}},
		"/away": {"GET": func(http.ResponseWriter, *http.Request) error { return fault.Away("Redis", nil) }},
	}, Config{CORSOrigins: []string{"https://a.example"}})
}

// lines are the log's lines with that message.
func lines(t *testing.T, log *bytes.Buffer, msg string) (found []map[string]any) {
	t.Helper()
	for dec := json.NewDecoder(log); ; {
		var l map[string]any
		if err := dec.Decode(&l); err == io.EOF {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		if l["msg"] == msg {
			found = append(found, l)
		}
	}
}

func TestALineARequest(t *testing.T) {
	var log bytes.Buffer
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	h := figures()
	for _, path := range []string{"/picture/7?ticket=secret", "/away", "/nowhere"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("X-Request-Id", "one")
		ask(t, h, r)
	}
	got := lines(t, &log, "request served")
	if len(got) != 3 {
		t.Fatalf("logged %v", got)
	}
	for _, l := range got {
		if ms, ok := l["ms"].(float64); !ok || ms < 0 {
			t.Errorf("ms: %v", l["ms"])
		}
		delete(l, "ms")
		delete(l, "time")
	}
	line := func(path, route string, status, bytes, cold float64, more map[string]any) map[string]any {
		l := map[string]any{
			"level": "INFO", "msg": "request served", "requestId": "one", "method": "GET", "path": path, "route": route, "status": status,
			"bytes": bytes, "cold": cold, "redis": 0.0, "redisMs": 0.0, "cos": 0.0, "cosMs": 0.0,
		}
		for k, v := range more {
			l[k] = v
		}
		return l
	}
	want := []map[string]any{
		line("/picture/7", "/picture/{id}", 200, 5, 1, map[string]any{"taskId": "7", "redis": 1.0, "redisMs": 2.5}),
		line("/away", "/away", 503, got[1]["bytes"].(float64), 0, map[string]any{"code": "unavailable"}),
		line("/nowhere", "", 404, got[2]["bytes"].(float64), 0, map[string]any{"code": "not_found"}),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestASpanARequest(t *testing.T) {
	to := telemetrytest.Start(t)
	tracer := telemetry.New(telemetry.Config{Endpoint: to.URL, Timeout: 60_000, Ratio: 1})
	defer tracer.Close()
	h := figures()
	const parent = "00f067aa0ba902b7"
	for _, path := range []string{"/picture/7?ticket=secret", "/away", "/nowhere"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-"+parent+"-01")
		ctx, export := tracer.Collect(r.Context())
		ask(t, h, r.WithContext(ctx))
		export()
	}
	type span struct{ Name, Path, Status, Redis, Fault string }
	var got []span
	for _, s := range to.Spans() {
		if s.Kind != tracepb.Span_SPAN_KIND_SERVER || s.Parent != parent {
			t.Errorf("%+v", s)
		}
		got = append(got, span{s.Name, s.Attributes["url.path"], s.Attributes["http.response.status_code"], s.Attributes["redis"], s.Fault})
	}
	want := []span{
		{"GET /picture/{id}", "/picture/7", "200", "1", ""},
		{"GET /away", "/away", "503", "0", "Service Unavailable"},
		{"GET", "/nowhere", "404", "0", ""},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// Off, an answer is to the byte what it is without traces; on, a page of another origin may send its own.
func TestWhatPagesMayTellOfTheirTrace(t *testing.T) {
	to := telemetrytest.Start(t)
	tracer := telemetry.New(telemetry.Config{Endpoint: to.URL, Timeout: 60_000, Ratio: 1})
	defer tracer.Close()
	for name, c := range map[string]struct {
		tracer *telemetry.Tracer
		want   string
	}{
		"off": {nil, "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id"},
		"on":  {tracer, "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id, Traceparent"},
	} {
		r := httptest.NewRequest("OPTIONS", "/away", nil)
		r.Header.Set("Origin", "https://a.example")
		r.Header.Set("Access-Control-Request-Method", "GET")
		ctx, export := c.tracer.Collect(r.Context())
		res, _ := ask(t, figures(), r.WithContext(ctx))
		export()
		if got := res.Header.Get("Access-Control-Allow-Headers"); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
