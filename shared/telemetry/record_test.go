package telemetry_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/shared/telemetry"
)

func TestARecordHasAllItsFigures(t *testing.T) {
	ctx, record := telemetry.Begin(t.Context())
	telemetry.Recorded(ctx).AskedRedis(1500 * time.Microsecond)
	telemetry.Recorded(ctx).AskedRedis(2 * time.Millisecond)
	telemetry.Note(ctx, slog.String("taskId", "1"))
	want := map[string]any{"redis": int64(2), "redisMs": 3.5, "cos": int64(0), "cosMs": 0.0, "taskId": "1"}
	got := map[string]any{}
	for _, a := range record.Attrs() {
		got[a.Key] = a.Value.Any()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutARecordNothingIsKept(t *testing.T) {
	telemetry.Note(t.Context(), slog.String("taskId", "1"))
	telemetry.Recorded(t.Context()).AskedRedis(time.Second)
	telemetry.Recorded(t.Context()).AskedCOS(time.Second)
}
