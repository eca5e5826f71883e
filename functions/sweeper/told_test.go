package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/taskstore/tasktest"
	"github.com/recon3d/recon3d/shared/telemetry"
	"github.com/recon3d/recon3d/shared/telemetry/telemetrytest"
)

// logged runs f and tells the log's lines with that message, without their times.
func logged(t *testing.T, msg string, f func()) (found []map[string]any) {
	t.Helper()
	var log bytes.Buffer
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	f()
	for dec := json.NewDecoder(&log); ; {
		var l map[string]any
		if err := dec.Decode(&l); err == io.EOF {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		if l["msg"] == msg {
			delete(l, "time")
			found = append(found, l)
		}
	}
}

func TestARunIsTold(t *testing.T) {
	f := setUp(t, func(n int) int {
		if n == 2 {
			return http.StatusServiceUnavailable
		}
		return http.StatusAccepted
	})
	for i := range 3 {
		f.pending(i)
	}
	lines := logged(t, "swept", func() { f.must(f.run(f.ctx)) })
	if len(lines) != 1 {
		t.Fatalf("logged %v", lines)
	}
	l := lines[0]
	for _, name := range []string{"ms", "redis", "redisMs", "cosMs", "lateMs", "oldestMs"} {
		if n, ok := l[name].(float64); !ok || n < 0 {
			t.Errorf("%s: %v", name, l[name])
		}
		delete(l, name)
	}
	want := map[string]any{"level": "INFO", "msg": "swept", "living": 3.0, "due": 3.0, "pending": 3.0, "accepted": 1.0, "cos": 2.0}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Error(diff)
	}
}

// A sweeper that has nothing to do is heard all the same, so that silence means that none runs.
func TestRunsThatFoundNothingAreToldOnceAMinute(t *testing.T) {
	f := setUp(t, nil)
	runs := func() int { return len(logged(t, "swept", func() { f.must(f.run(f.ctx)) })) }
	first, second := runs(), runs()
	f.told.Add(-int64(silence.Seconds()))
	if later := runs(); first != 1 || second != 0 || later != 1 {
		t.Errorf("told %d, %d, after a minute %d times", first, second, later)
	}
}

func TestALaterHandOverGoesOnInTheTraceOfItsTask(t *testing.T) {
	const trace, create = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	to := telemetrytest.Start(t)
	tracer := telemetry.New(telemetry.Config{Endpoint: to.URL, Timeout: 60_000, Ratio: 1})
	defer tracer.Close()
	f := setUp(t, func(int) int { return http.StatusAccepted })
	reserved, err := f.store.Reserve(f.ctx, taskstore.Order{
		User: "ann", ImageID: tasktest.Picture(t, f.rdb, "ann", "pictures/a.png"), Trace: "00-" + trace + "-" + create + "-01",
	})
	f.must(err)
	_, _, err = f.store.Create(f.ctx, reserved, 0, 0)
	f.must(err)
	f.must(f.objects.Put(f.ctx, reserved.Input.Key, []byte("picture"), cosstore.PutOptions{ContentType: "image/png"}))

	ctx, export := tracer.Collect(f.ctx)
	f.must(f.run(ctx))
	export()
	spans := map[string]telemetrytest.Span{}
	for _, s := range to.Spans() {
		spans[s.Name] = s
	}
	sweep, handOver := spans["sweep"], spans["POST /generate3d"]
	if sweep.Parent != "" || sweep.Trace == trace || sweep.Attributes["accepted"] != "1" || sweep.End.Sub(sweep.Start) > time.Hour {
		t.Errorf("sweep: %+v", sweep)
	}
	if handOver.Trace != trace || handOver.Parent != create || !slices.Equal(handOver.LinkedTo, []string{sweep.ID}) || handOver.Attributes["taskId"] != reserved.ID {
		t.Errorf("hand-over: %+v", handOver)
	}
	if want := "00-" + trace + "-" + handOver.ID + "-01"; !slices.Equal(f.worker.traces, []string{want}) {
		t.Errorf("the worker was told %q, want %s", f.worker.traces, want)
	}
}
