package telemetry_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/recon3d/recon3d/shared/telemetry"
	"github.com/recon3d/recon3d/shared/telemetry/telemetrytest"
)

// tracer makes one as the environment would, with long patience unless the test is about it.
func tracer(t *testing.T, c telemetry.Config) *telemetry.Tracer {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = int(time.Minute.Milliseconds())
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return telemetry.New(c)
}

func TestSpansAreExportedAtTheEndOfTheirRequest(t *testing.T) {
	to := telemetrytest.Start(t)
	tr := tracer(t, telemetry.Config{Endpoint: to.URL + "/", Headers: "authorization=Bearer%20a%2Cb, x-team = 3d", Service: "recon3d-tasks", Ratio: 1})
	defer tr.Close()

	ctx, export := tr.Collect(t.Context())
	ctx = telemetry.Accept(ctx, http.Header{"Traceparent": {sampled}})
	ctx, server := telemetry.Start(ctx, telemetry.Server, "GET", slog.String("url.path", "/a"))
	inner, client := telemetry.Start(ctx, telemetry.Client, "POST")
	told := http.Header{}
	telemetry.Tell(inner, told)
	client.Fail("503 Service Unavailable")
	client.End()
	server.Rename("GET /{id}")
	server.Note(slog.Int("status", 200), slog.Float64("ms", 1.5), slog.Bool("cold", true), slog.Bool("warm", false))
	server.End()
	_, never := telemetry.Start(ctx, telemetry.Internal, "that does not end")
	if never.TraceID() != traceID || len(to.Spans()) != 0 {
		t.Errorf("trace %s; before the end of the request: %v", never.TraceID(), to.Spans())
	}
	export()

	got := to.Spans()
	if len(got) != 2 {
		t.Fatalf("exported %+v", got)
	}
	for _, s := range got {
		if s.Start.IsZero() || s.End.Before(s.Start) || time.Since(s.End) > time.Hour {
			t.Errorf("%s: from %v to %v", s.Name, s.Start, s.End)
		}
	}
	want := []telemetrytest.Span{
		{
			Service: "recon3d-tasks", Name: "POST", Kind: tracepb.Span_SPAN_KIND_CLIENT, Trace: traceID, ID: told.Get("Traceparent")[36:52],
			Parent: got[1].ID, Attributes: map[string]string{}, Fault: "503 Service Unavailable", Start: got[0].Start, End: got[0].End,
		},
		{
			Service: "recon3d-tasks", Name: "GET /{id}", Kind: tracepb.Span_SPAN_KIND_SERVER, Trace: traceID, ID: got[1].ID, Parent: spanID,
			Attributes: map[string]string{"url.path": "/a", "status": "200", "ms": "1.5", "cold": "true", "warm": "false"},
			Start:      got[1].Start, End: got[1].End,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if h := to.Header(); h.Get("Authorization") != "Bearer a,b" || h.Get("X-Team") != "3d" || h.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("header %v", h)
	}
	if export(); len(to.Spans()) != 2 {
		t.Error("spans were exported twice")
	}
}

func TestWorkGoesOnInItsTrace(t *testing.T) {
	to := telemetrytest.Start(t)
	tr := tracer(t, telemetry.Config{Endpoint: to.URL, Ratio: 1})
	defer tr.Close()
	ctx, export := tr.Collect(t.Context())
	run, sweep := telemetry.Start(ctx, telemetry.Internal, "sweep")
	resumed, again := telemetry.Start(telemetry.Resume(run, sampled), telemetry.Client, "dispatch")
	_, below := telemetry.Start(resumed, telemetry.Internal, "below")
	_, other := telemetry.Start(telemetry.Resume(run, "nonsense"), telemetry.Client, "untraced task")
	_, own := telemetry.Start(telemetry.Resume(run, telemetry.Traceparent(run)), telemetry.Client, "own task")
	for _, s := range []*telemetry.Span{sweep, again, below, other, own} {
		s.End()
	}
	export()

	spans := map[string]telemetrytest.Span{}
	for _, s := range to.Spans() {
		spans[s.Name] = s
	}
	root := spans["sweep"]
	if root.Parent != "" || root.Trace == traceID || len(root.Trace) != 32 {
		t.Errorf("sweep: %+v", root)
	}
	if s := spans["dispatch"]; s.Trace != traceID || s.Parent != spanID || !cmp.Equal(s.LinkedTo, []string{root.ID}) {
		t.Errorf("dispatch: %+v", s)
	}
	if s := spans["below"]; s.Trace != traceID || s.Parent != spans["dispatch"].ID || s.LinkedTo != nil {
		t.Errorf("below: %+v", s)
	}
	for _, name := range []string{"untraced task", "own task"} {
		if s := spans[name]; s.Trace != root.Trace || s.Parent != root.ID || s.LinkedTo != nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestSampling(t *testing.T) {
	to := telemetrytest.Start(t)
	none, all := tracer(t, telemetry.Config{Endpoint: to.URL}), tracer(t, telemetry.Config{Endpoint: to.URL, Ratio: 1})
	defer none.Close()
	defer all.Close()
	unsampled := strings.TrimSuffix(sampled, "1") + "0"
	for name, c := range map[string]struct {
		tracer   *telemetry.Tracer
		from     string
		exported int
	}{
		"none of ours":       {none, "", 0},
		"but our caller's":   {none, sampled, 1},
		"all of ours":        {all, "", 1},
		"not our caller's":   {all, unsampled, 0},
		"nonsense is no one": {all, "00-nonsense", 1},
	} {
		before := len(to.Spans())
		ctx, export := c.tracer.Collect(t.Context())
		ctx, s := telemetry.Start(telemetry.Accept(ctx, http.Header{"Traceparent": {c.from}}), telemetry.Server, name)
		if at, ok := telemetry.Parse(telemetry.Traceparent(ctx)); !ok || at.Sampled != (c.exported == 1) {
			t.Errorf("%s: tells %q", name, telemetry.Traceparent(ctx))
		}
		s.End()
		export()
		if n := len(to.Spans()) - before; n != c.exported {
			t.Errorf("%s: %d spans were exported", name, n)
		}
	}
}

func TestOffThereIsNothing(t *testing.T) {
	tr := tracer(t, telemetry.Config{Ratio: 1})
	if tr != nil {
		t.Fatal("there is a tracer")
	}
	defer tr.Close()
	ctx, export := tr.Collect(t.Context())
	defer export()
	ctx = telemetry.Resume(telemetry.Accept(ctx, http.Header{"Traceparent": {sampled}}), sampled)
	ctx, s := telemetry.Start(ctx, telemetry.Server, "GET")
	s.Note(slog.Int("status", 200))
	s.Rename("POST")
	s.Fail("why")
	s.End()
	told := http.Header{}
	telemetry.Tell(ctx, told)
	if len(told) != 0 || telemetry.Traceparent(ctx) != "" || s.TraceID() != "" || ctx != t.Context() {
		t.Errorf("told %v, %q, %q", told, telemetry.Traceparent(ctx), s.TraceID())
	}
}

// silence is a receiver that takes connections and never answers. It counts them.
func silence(t *testing.T) (*http.Transport, *int) {
	n := 0
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		n++
		ours, theirs := net.Pipe()
		go io.Copy(io.Discard, theirs) //nolint:errcheck // until it is closed
		t.Cleanup(func() { theirs.Close() })
		return ours, nil
	}}, &n
}

func TestAReceiverThatIsAwayCostsTheTimeoutOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		defer slog.SetDefault(slog.Default())
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
		tr := tracer(t, telemetry.Config{Endpoint: "http://collector:4318", Timeout: 300, Ratio: 1})
		transport, dials := silence(t)
		telemetry.SetTransport(tr, transport)
		defer tr.Close()
		request := func() time.Duration {
			start := time.Now()
			ctx, export := tr.Collect(t.Context())
			_, s := telemetry.Start(ctx, telemetry.Server, "GET")
			s.End()
			export()
			return time.Since(start)
		}
		for i, want := range []time.Duration{300 * time.Millisecond, 0, 0} {
			if took := request(); took != want {
				t.Errorf("request %d took %v longer", i, took)
			}
		}
		time.Sleep(10 * time.Second)
		if took := request(); took != 300*time.Millisecond || *dials != 2 {
			t.Errorf("later one took %v longer, after %d connections", took, *dials)
		}
		if n := strings.Count(log.String(), `msg="traces not exported" spans=1 pauseMs=10000`); n != 2 {
			t.Errorf("%d lines: %s", n, &log)
		}
	})
}

func TestARefusalIsAFailure(t *testing.T) {
	n := 0
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.WriteHeader(http.StatusForbidden)
	}))
	defer refusing.Close()
	tr := tracer(t, telemetry.Config{Endpoint: refusing.URL, Ratio: 1})
	defer tr.Close()
	for range 2 {
		ctx, export := tr.Collect(t.Context())
		_, s := telemetry.Start(ctx, telemetry.Server, "GET")
		s.End()
		export()
	}
	if n != 1 {
		t.Errorf("the receiver was asked %d times", n)
	}
}

// A request whose caller has left is exported all the same.
func TestACallerThatHasGone(t *testing.T) {
	to := telemetrytest.Start(t)
	tr := tracer(t, telemetry.Config{Endpoint: to.URL, Ratio: 1})
	defer tr.Close()
	ctx, leave := context.WithCancel(t.Context())
	ctx, export := tr.Collect(ctx)
	_, s := telemetry.Start(ctx, telemetry.Server, "GET")
	leave()
	s.End()
	export()
	if len(to.Spans()) != 1 {
		t.Error("its span is lost")
	}
}

func TestAContainerExportsTogetherAndAtLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := tracer(t, telemetry.Config{Endpoint: "http://collector:4318", Delay: 5000, Ratio: 1})
		exports := make(chan int, 10)
		telemetry.SetTransport(tr, roundTrip(func(r *http.Request) (*http.Response, error) {
			spans, err := telemetrytest.Read(r)
			exports <- len(spans)
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, err
		}))
		request := func() {
			ctx, export := tr.Collect(t.Context())
			_, s := telemetry.Start(ctx, telemetry.Server, "GET")
			s.End()
			export()
		}
		start := time.Now()
		request()
		request()
		if len(exports) != 0 || time.Since(start) != 0 {
			t.Error("a request waits for its export")
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := <-exports; n != 2 {
			t.Errorf("%d spans were exported together", n)
		}
		request()
		tr.Close()
		if n := <-exports; n != 1 {
			t.Errorf("%d spans were exported at last", n)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestConfigurationsThatCantBe(t *testing.T) {
	for _, c := range []telemetry.Config{
		{Endpoint: "collector:4318"},
		{Endpoint: "grpc://collector"},
		{Endpoint: "http://me:secret@collector"},
		{Endpoint: "http://collector?a"},
		{Endpoint: "http://collector", Headers: "secret"},
		{Endpoint: "http://collector", Headers: "a=%"},
		{Endpoint: "http://collector", Headers: "a=secret%0a"},
		{Timeout: -1},
		{Delay: -1},
		{Ratio: 1.5},
		{Ratio: -1},
	} {
		if c.Timeout == 0 {
			c.Timeout = 1
		}
		err := c.Validate()
		if err == nil {
			t.Errorf("%+v is taken", c)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("told: %v", err)
		}
	}
}
