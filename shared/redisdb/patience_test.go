package redisdb

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"
)

// A server that takes connections and never answers is given up after a time, not after so many tries.
func TestPatienceIsForAllTriesTogether(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes the connections
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	rdb := redis.NewClient(&redis.Options{Addr: l.Addr().String(), MaxRetries: 1_000_000, ReadTimeout: time.Millisecond, MinRetryBackoff: -1, MaxRetryBackoff: -1})
	defer func() { _ = rdb.Close() }()
	rdb.AddHook(patience(100 * time.Millisecond))
	if err := rdb.Ping(t.Context()).Err(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a command: %v", err)
	}
	_, err = rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error { return p.Ping(t.Context()).Err() })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a pipeline: %v", err)
	}
}
