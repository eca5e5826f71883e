package main

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/redisdb/redistest"
)

func TestARoundTripIsCountedAtEachTurn(t *testing.T) {
	p, err := startProxy(t.Context(), strings.TrimPrefix(redistest.Start(t).URL, "redis://"))
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{Addr: p.address})
	defer func() { _ = rdb.Close() }() // nothing is under way
	big := strings.Repeat("x", 1<<20)
	for what, ask := range map[string]func(c redis.Cmdable, ctx context.Context) error{
		"a command": func(c redis.Cmdable, ctx context.Context) error { return c.Set(ctx, "a", "b", 0).Err() },
		"a big one": func(c redis.Cmdable, ctx context.Context) error { return c.Set(ctx, "a", big, 0).Err() },
		"a big answer": func(c redis.Cmdable, ctx context.Context) error {
			return c.Eval(ctx, "return {'"+big+"', {1, false}}", nil).Err()
		},
		"null":          func(c redis.Cmdable, ctx context.Context) error { return c.Eval(ctx, "return false", nil).Err() },
		"empty answers": func(c redis.Cmdable, ctx context.Context) error { return c.Eval(ctx, "return {'', {}}", nil).Err() },
		"a pipeline": func(c redis.Cmdable, ctx context.Context) error {
			_, err := c.Pipelined(ctx, func(q redis.Pipeliner) error {
				q.Set(ctx, "a", big, 0)
				for range 100 {
					q.Get(ctx, "b")
				}
				q.Set(ctx, "a", big, 0)
				return nil
			})
			return err
		},
	} {
		for range 10 {
			if err := ask(rdb, t.Context()); err != nil && err != redis.Nil { //nolint:errorlint // go-redis does not wrap it
				t.Fatalf("%s: %v", what, err)
			}
			if n := p.take(); n != 1 {
				t.Errorf("%s: %d round trips", what, n)
			}
		}
	}
}

func TestAPipelineInPiecesIsOneRoundTrip(t *testing.T) {
	p, err := startProxy(t.Context(), strings.TrimPrefix(redistest.Start(t).URL, "redis://"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // nothing to lose
	for _, round := range []struct {
		sent  []string // each but the first when the answer to what was whole before it has come
		trips int64
	}{
		{[]string{"*1\r\n$4\r\nPING\r\n"}, 1},
		{[]string{"*1\r\n$4\r\nPING\r\n*", "1\r\n$4\r\nPING\r\n"}, 1},
		{[]string{"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI", "NG\r\n*1\r\n", "$4\r\nPING\r\n"}, 1},
		{[]string{"*1\r\n$4\r\nPING\r\n", "*1\r\n$4\r\nPING\r\n"}, 2},
	} {
		for _, piece := range round.sent {
			if _, err := io.WriteString(c, piece); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(c, make([]byte, len("+PONG\r\n"))); err != nil {
				t.Fatal(err)
			}
		}
		if n := p.take(); n != round.trips {
			t.Errorf("%q: %d round trips, want %d", round.sent, n, round.trips)
		}
	}
}
