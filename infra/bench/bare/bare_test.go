package bare

import (
	"context"
	"errors"
	"testing"

	"github.com/go-redis/redis/v8"
	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/shared/redisdb/redistest"
)

// scripts are two changes and a question.
func scripts(ctx context.Context, rdb *redis.Client) error {
	for text, args := range map[string][]any{
		`redis.call('GET', 'a'); redis.call('HSET', KEYS[1], 'f', ARGV[1], 'g', ARGV[2]); redis.call('PUBLISH', 'c', ARGV[1]); return {'ok'}`: {"v \"1\"\n\x00ä", "2"},
		`redis.call('XADD', KEYS[1] .. ':s', '0-1', 'f', ARGV[1]); return redis.call('ZADD', KEYS[1] .. ':z', 3, ARGV[1])`:                    {"m"},
		`return redis.call('GET', KEYS[1] .. ':none')`: nil,
	} {
		if err := rdb.Eval(ctx, text, []string{"k"}, args...).Err(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	return nil
}

func dumps(t *testing.T, rdb *redis.Client) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, key := range rdb.Keys(t.Context(), "*").Val() {
		all[key] = rdb.Dump(t.Context(), key).Val()
	}
	return all
}

func TestABareScriptWritesWhatTheOriginalWrote(t *testing.T) {
	ctx := t.Context()
	rdb := redistest.Start(t).Client()
	t.Cleanup(func() { _ = rdb.Close() })
	changes, err := Record(ctx, rdb, func() error {
		if err := rdb.Set(ctx, "not of a script", 1, 0).Err(); err != nil {
			return err
		}
		defer rdb.Del(ctx, "not of a script")
		return scripts(ctx, rdb)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) != 2 {
		t.Fatalf("%d scripts wrote, not 2: %q", len(changes), changes)
	}
	want := dumps(t, rdb)
	if len(want) != 3 {
		t.Fatalf("the scripts made %d keys", len(want))
	}
	if err := rdb.FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	heard := rdb.Subscribe(ctx, "c")
	t.Cleanup(func() { _ = heard.Close() })
	if _, err := heard.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	maker := NewMaker()
	for _, c := range changes {
		if err := maker.Of(c).Run(ctx, rdb); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(want, dumps(t, rdb)); d != "" {
		t.Error(d)
	}
	if m, err := heard.ReceiveMessage(ctx); err != nil || m.Payload != "v \"1\"\n\x00ä" {
		t.Errorf("published %q, %v", m, err)
	}
}
