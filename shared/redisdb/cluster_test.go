package redisdb

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/redisdb/redistest"
)

var (
	asked = regexp.MustCompile(`cmdstat_command:calls=(\d+)`)
	moved = regexp.MustCompile(`errorstat_MOVED:count=(\d+)`)
)

// Each command goes to the node that has its key, and what the client has to know for that it asks for once.
func TestACommandGoesToTheNodeThatHasItsKey(t *testing.T) {
	cluster := redistest.StartCluster(t)
	rdb, err := Open(Config{URL: cluster.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	for i := range 50 {
		if err := rdb.HSet(t.Context(), fmt.Sprint("key", i), "a", i).Err(); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]*redis.StringCmd, 50)
	if _, err := rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i := range got {
			got[i] = p.HGet(t.Context(), fmt.Sprint("key", i), "a")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i, c := range got {
		if c.Val() != fmt.Sprint(i) {
			t.Errorf("key %d holds %q", i, c.Val())
		}
	}
	questions := 0
	for _, m := range cluster.Masters {
		node := m.Client()
		t.Cleanup(func() { _ = node.Close() })
		info := node.Info(t.Context(), "everything").Val()
		if n := moved.FindStringSubmatch(info); n != nil {
			t.Errorf("%s sent us elsewhere %s times", m.URL, n[1])
		}
		if n := asked.FindStringSubmatch(info); n != nil && n[1] != "1" {
			t.Errorf("%s was asked for its commands %s times", m.URL, n[1])
		} else if n != nil {
			questions++
		}
	}
	if questions != 1 {
		t.Errorf("%d nodes were asked for their commands", questions)
	}
}

func TestAnAnswerOfAnotherFormIsAnError(t *testing.T) {
	for _, entry := range []any{"get", []any{"get", int64(2)}, []any{int64(1), int64(2), nil, int64(1), int64(1), int64(1)}, []any{"get", int64(2), nil, "1", int64(1), int64(1)}} {
		if table, err := parseCommands([]any{entry}); err == nil {
			t.Errorf("%v was read as %v", entry, table)
		}
	}
}
