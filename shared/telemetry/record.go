package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Record is what becomes known of a request or run while it is worked on, for the one line that is logged at its end and for its span.
type Record struct {
	redis, cos meter

	mu    sync.Mutex
	notes []slog.Attr
}

// meter counts calls, and how long they were waited for. Calls beside each other count each in full.
type meter struct{ calls, nanos atomic.Int64 }

func (m *meter) add(d time.Duration) {
	m.calls.Add(1)
	m.nanos.Add(int64(d))
}

type recordKey struct{}

// Begin begins a record in the context that it makes.
func Begin(ctx context.Context) (context.Context, *Record) {
	r := &Record{}
	return context.WithValue(ctx, recordKey{}, r), r
}

// Recorded tells the record that ctx is in, nil if none. It can be asked before what is measured begins.
func Recorded(ctx context.Context) *Record {
	r, _ := ctx.Value(recordKey{}).(*Record)
	return r
}

// Note adds to the line of the request that ctx is in. Names are camelCase, as in JSON.
func Note(ctx context.Context, attrs ...slog.Attr) {
	if r := Recorded(ctx); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.notes = append(r.notes, attrs...)
	}
}

// AskedRedis counts a round trip to Redis: a command, or a pipeline.
func (r *Record) AskedRedis(took time.Duration) {
	if r != nil {
		r.redis.add(took)
	}
}

// AskedCOS counts a request to COS, up to the head of its answer.
func (r *Record) AskedCOS(took time.Duration) {
	if r != nil {
		r.cos.add(took)
	}
}

// Attrs are the figures, always all of them so that they can be charted, and then the notes. Times are in ms.
func (r *Record) Attrs() []slog.Attr {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]slog.Attr{
		slog.Int64("redis", r.redis.calls.Load()), slog.Float64("redisMs", Millis(time.Duration(r.redis.nanos.Load()))),
		slog.Int64("cos", r.cos.calls.Load()), slog.Float64("cosMs", Millis(time.Duration(r.cos.nanos.Load()))),
	}, r.notes...)
}

// Millis is a duration as log lines have it: in ms, to the µs.
func Millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
