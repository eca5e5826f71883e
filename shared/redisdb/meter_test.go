package redisdb_test

import (
	"testing"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
	"github.com/recon3d/recon3d/shared/telemetry"
)

func TestRoundTripsAreCountedForTheirRequest(t *testing.T) {
	rdb, err := redisdb.Open(redisdb.Config{URL: redistest.Start(t).URL})
	if err != nil {
		t.Fatal(err)
	}
	defer rdb.Close()
	ctx, record := telemetry.Begin(t.Context())
	rdb.Get(ctx, "nothing")
	rdb.Set(t.Context(), "nobody's", 1, 0)
	if _, err := rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "a", 1, 0)
		return p.Get(ctx, "a").Err()
	}); err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for _, a := range record.Attrs() {
		got[a.Key] = a.Value.Any()
	}
	if ms, ok := got["redisMs"].(float64); got["redis"] != int64(2) || !ok || ms <= 0 || got["cos"] != int64(0) {
		t.Errorf("%v", got)
	}
}
