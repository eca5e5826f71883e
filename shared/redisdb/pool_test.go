package redisdb_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
)

// A Redis that hung up on everybody, as one does that is started anew, costs nobody an error.
func TestAPoolOfDeadConnectionsHarmsNoCommand(t *testing.T) {
	server := redistest.Start(t)
	opened, err := redisdb.Open(redisdb.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	rdb := opened.(*redis.Client)
	defer func() { _ = rdb.Close() }() // nothing is under way
	other := server.Client()
	defer func() { _ = other.Close() }() // likewise

	for what, ask := range map[string]func() error{
		"a command": func() error { return rdb.Ping(t.Context()).Err() },
		"a pipeline": func() error {
			_, err := rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error { return p.Ping(t.Context()).Err() })
			return err
		},
	} {
		size := rdb.Options().PoolSize
		var waiting sync.WaitGroup
		for range size {
			waiting.Go(func() {
				if err := rdb.BLPop(t.Context(), time.Minute, "door").Err(); err != nil {
					t.Error(err)
				}
			})
		}
		for blocked := 0; blocked < size; time.Sleep(time.Millisecond) {
			clients, err := other.ClientList(t.Context()).Result()
			if err != nil {
				t.Fatal(err)
			}
			blocked = strings.Count(clients, "cmd=blpop")
		}
		for range size {
			if err := other.RPush(t.Context(), "door", "open").Err(); err != nil {
				t.Fatal(err)
			}
		}
		waiting.Wait()
		if n := other.Do(t.Context(), "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Val(); n != int64(size) {
			t.Fatalf("%v of %d connections were cut", n, size)
		}
		if err := ask(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A Redis that can't be dialled is dialled once a command: the client stops dialling after as many failures as its pool is large, and would
// say no for a second to who comes when it is back.
func TestARedisThatIsBackIsFoundAtOnce(t *testing.T) {
	server := redistest.Start(t)
	opened, err := redisdb.Open(redisdb.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	rdb := opened.(*redis.Client)
	defer func() { _ = rdb.Close() }() // nothing is under way
	server.Kill()
	for range rdb.Options().PoolSize - 1 {
		if err := redisdb.Away(rdb.Ping(t.Context()).Err()); !fault.Is(err, fault.Unavailable) {
			t.Fatalf("of a Redis that is gone: %v", err)
		}
	}
	server.Run()
	if err := rdb.Ping(t.Context()).Err(); err != nil {
		t.Errorf("of a Redis that is back: %v", err)
	}
}
