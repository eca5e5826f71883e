package cosstore

import (
	"testing"

	"github.com/recon3d/recon3d/shared/telemetry"
)

func TestRequestsAreCountedForTheirRequest(t *testing.T) {
	e := local(t)
	ctx, record := telemetry.Begin(t.Context())
	if err := e.Put(ctx, "a", []byte("a"), PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Head(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.PresignGet(ctx, "a", GetOptions{}); err != nil { // asks nobody
		t.Fatal(err)
	}
	got := map[string]any{}
	for _, a := range record.Attrs() {
		got[a.Key] = a.Value.Any()
	}
	if ms, ok := got["cosMs"].(float64); got["cos"] != int64(2) || !ok || ms <= 0 || got["redis"] != int64(0) {
		t.Errorf("%v", got)
	}
}
