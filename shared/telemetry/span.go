package telemetry

import (
	"context"
	"crypto/rand"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Kind is what a span is to its trace, by OTLP's numbers.
type Kind uint8

// The kinds of span that there are here.
const (
	Internal Kind = 1
	Server   Kind = 2 // answers a request
	Client   Kind = 3 // makes one
)

// Span is a piece of work in a trace. A nil one is valid and does nothing: so it is where traces are off.
type Span struct {
	context SpanContext
	parent  [8]byte // zero: it begins the trace
	link    SpanContext
	kind    Kind
	start   time.Time
	into    *collection

	mu    sync.Mutex
	name  string
	end   time.Time
	attrs []slog.Attr
	fault string
}

// place is where in a trace a context is.
type place struct {
	at   SpanContext
	link SpanContext // where the work comes from that goes on here
}

type (
	placeKey      struct{}
	collectionKey struct{}
)

// Start begins a span, as a child of the one that ctx is in, and tells the context that is in it. End it.
func Start(ctx context.Context, kind Kind, name string, attrs ...slog.Attr) (context.Context, *Span) {
	into, on := ctx.Value(collectionKey{}).(*collection)
	if !on {
		return ctx, nil
	}
	from, _ := ctx.Value(placeKey{}).(place)
	s := &Span{context: from.at, parent: from.at.Span, link: from.link, kind: kind, start: time.Now(), into: into, name: name, attrs: attrs}
	if !from.at.Valid() {
		s.parent = [8]byte{}
		_, _ = rand.Read(s.context.Trace[:]) // it never fails
		s.context.Sampled = mathrand.Float64() < into.tracer.ratio
	}
	_, _ = rand.Read(s.context.Span[:])
	return context.WithValue(ctx, placeKey{}, place{at: s.context}), s
}

// Note adds attributes.
func (s *Span) Note(attrs ...slog.Attr) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attrs = append(s.attrs, attrs...)
}

// Rename gives the span a name that was not known when it began.
func (s *Span) Rename(name string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name = name
}

// Fail marks the span as failed, in a few words that hold nothing secret.
func (s *Span) Fail(why string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = why
}

// End ends the span and leaves it to be exported. Call it once.
func (s *Span) End() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.end = time.Now()
	s.mu.Unlock()
	if s.context.Sampled {
		s.into.add(s)
	}
}

// Accept takes what the caller of a request says of its trace.
func Accept(ctx context.Context, h http.Header) context.Context {
	if !on(ctx) {
		return ctx
	}
	from, ok := Parse(h.Get(header))
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, placeKey{}, place{at: from})
}

// Resume goes on, in another process or at another time, where Traceparent was asked. The next span is linked to the one that ctx was in.
// What is no traceparent is as good as none.
func Resume(ctx context.Context, traceparent string) context.Context {
	from, ok := Parse(traceparent)
	was, _ := ctx.Value(placeKey{}).(place)
	if !ok || !on(ctx) || was.at == from {
		return ctx
	}
	return context.WithValue(ctx, placeKey{}, place{at: from, link: was.at})
}

// Traceparent tells the span that ctx is in, to be told to others or kept, "" where traces are off.
func Traceparent(ctx context.Context) string {
	p, _ := ctx.Value(placeKey{}).(place)
	return p.at.String()
}

// Tell tells whom a request goes to which span it comes from; no header where traces are off.
func Tell(ctx context.Context, h http.Header) {
	if s := Traceparent(ctx); s != "" {
		h.Set(header, s)
	}
}

// TraceID tells the trace in hex, as logs and viewers of traces write it, "" where traces are off.
func (s *Span) TraceID() string {
	if s == nil {
		return ""
	}
	return s.context.String()[3:35]
}

func on(ctx context.Context) bool { return ctx.Value(collectionKey{}) != nil }
