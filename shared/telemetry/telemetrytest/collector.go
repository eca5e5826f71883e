// Package telemetrytest is a receiver of spans for tests. It reads them with OpenTelemetry's own types.
package telemetrytest

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is one that was received, ids in hex.
type Span struct {
	Service, Name     string
	Kind              tracepb.Span_SpanKind
	Trace, ID, Parent string // Parent is "" where it begins the trace
	LinkedTo          []string
	Attributes        map[string]string
	Fault             string
	Start, End        time.Time
}

// Collector is an OTLP/HTTP receiver.
type Collector struct {
	URL string

	mu      sync.Mutex
	spans   []Span
	headers http.Header
}

// Start starts one that ends with the test. What it can't read fails the test.
func Start(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		spans, err := Read(r)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.spans, c.headers = append(c.spans, spans...), r.Header
	}))
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Spans are those that were received so far, in the order in which they came.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Header is that of the last export.
func (c *Collector) Header() http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.headers.Clone()
}

// Read decodes an ExportTraceServiceRequest, which is TracesData to the byte.
func Read(r *http.Request) ([]Span, error) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		body = unpacked
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	var data tracepb.TracesData
	if err := proto.Unmarshal(b, &data); err != nil {
		return nil, err
	}
	var spans []Span
	for _, resource := range data.ResourceSpans {
		service := ""
		for _, a := range resource.Resource.Attributes {
			if a.Key == "service.name" {
				service = a.Value.GetStringValue()
			}
		}
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				spans = append(spans, decode(service, s))
			}
		}
	}
	return spans, nil
}

func decode(service string, s *tracepb.Span) Span {
	d := Span{
		Service: service, Name: s.Name, Kind: s.Kind, Trace: hex.EncodeToString(s.TraceId), ID: hex.EncodeToString(s.SpanId),
		Parent: hex.EncodeToString(s.ParentSpanId), Attributes: map[string]string{}, Start: time.Unix(0, int64(s.StartTimeUnixNano)), End: time.Unix(0, int64(s.EndTimeUnixNano)),
	}
	for _, l := range s.Links {
		d.LinkedTo = append(d.LinkedTo, hex.EncodeToString(l.SpanId))
	}
	for _, a := range s.Attributes {
		d.Attributes[a.Key] = value(a.Value)
	}
	if s.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR {
		d.Fault = s.Status.Message
	}
	return d
}

func value(v *commonpb.AnyValue) string {
	switch v.Value.(type) {
	case *commonpb.AnyValue_BoolValue:
		return strconv.FormatBool(v.GetBoolValue())
	case *commonpb.AnyValue_IntValue:
		return strconv.FormatInt(v.GetIntValue(), 10)
	case *commonpb.AnyValue_DoubleValue:
		return strconv.FormatFloat(v.GetDoubleValue(), 'g', -1, 64)
	}
	return v.GetStringValue()
}
