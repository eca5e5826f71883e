package redisdb

import (
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
)

// Between a master's death and its replica's taking over the database is away; then the same client goes on.
func TestAClientFollowsTheMaster(t *testing.T) {
	set := redistest.StartSet(t)
	rdb, err := Open(Config{URL: set.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	ctx := t.Context()
	bell := rdb.Subscribe(ctx, "bell")
	t.Cleanup(func() { _ = bell.Close() })
	heard := bell.Channel()
	if err := rdb.Set(ctx, "key", "before", 0).Err(); err != nil {
		t.Fatal(err)
	}
	set.Synced()
	set.Master.Kill()
	if err := Away(rdb.Get(ctx, "key").Err()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("with its master dead: %v", err)
	}

	set.Wake()
	deadline := time.Now().Add(30 * time.Second)
	for rdb.Get(ctx, "key").Val() != "before" { // until the sentinels have told each other
		if time.Now().After(deadline) {
			t.Fatal(rdb.Get(ctx, "key").Err())
		}
		time.Sleep(20 * time.Millisecond)
	}
	for {
		if err := rdb.Publish(ctx, "bell", "again").Err(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-heard:
			return
		case <-time.After(50 * time.Millisecond): // the subscription is mended by itself
			if time.Now().After(deadline) {
				t.Fatal("the subscription does not follow")
			}
		}
	}
}
