package main

import (
	"context"
	"fmt"

	"github.com/go-redis/redis/v8"
	"github.com/google/uuid"

	"github.com/recon3d/recon3d/shared/callback"
)

// measureTrips counts the round trips between functions and Redis: for the first request of a fresh process, with a Redis
// that has forgotten all scripts, and for the next one.
func measureTrips(ctx context.Context, b *bench) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := b.system(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	st, err := s.stock(ctx)
	if err != nil {
		return fmt.Errorf("make what is asked for: %w", err)
	}
	counter, err := startProxy(ctx, s.redis.address)
	if err != nil {
		return err
	}
	rdb := redis.NewClient(&redis.Options{Addr: s.redis.address})
	defer func() { _ = rdb.Close() }() // nothing is under way

	for _, try := range s.counted(ctx, st) {
		p, err := s.start(ctx, try.function, "REDIS_URL=redis://"+counter.address)
		if err != nil {
			return err
		}
		client := newClient()
		var trips [2]float64
		for i := range trips {
			a, err := try.ask(i)
			if err != nil {
				return err
			}
			if i == 0 {
				if err := rdb.ScriptFlush(ctx).Err(); err != nil {
					return err
				}
			}
			counter.take()
			if _, err := a.send(ctx, client, p.url()); err != nil {
				return err
			}
			trips[i] = float64(counter.take())
		}
		if err := p.stop(); err != nil {
			return err
		}
		b.table.add(figure{what: "round trips: " + try.what, value: trips[1], atMost: new(try.atMost)})
		b.table.add(figure{what: "round trips: " + try.what + ", its scripts unknown to Redis", value: trips[0], atMost: new(try.atMost)})
	}
	return nil
}

// counted is a request whose round trips are counted. It is made anew each time, for the same message again is a duplicate.
type counted struct {
	what, function string
	atMost         float64
	ask            func(i int) (ask, error)
}

func (s *system) counted(ctx context.Context, st *stock) []counted {
	taskID := st.running[0].ID
	const perCreate, perCallback = 6, 3
	return []counted{
		{"create-from-image", "create-task", perCreate, func(int) (ask, error) { return create(st.picture, uuid.NewString(), 202), nil }},
		{"status `processing`", "callback-status", perCallback, func(i int) (ask, error) { return s.say(percent(taskID, i), 200) }},
		{"result, the file in the request", "callback-result", perCallback, func(i int) (ask, error) {
			return s.deliver(taskID, fmt.Sprintf("form-%d.png", i), st.small)
		}},
		{"upload-url", "callback-result", perCallback, func(i int) (ask, error) {
			return s.announce(callback.Upload, taskID, fmt.Sprintf("asked-%d.png", i), st.small, 200)
		}},
		{"result, the file in COS", "callback-result", perCallback, func(i int) (ask, error) {
			return s.staged(ctx, st, taskID, fmt.Sprintf("staged-%d.png", i))
		}},
		{"status `completed`", "callback-status", perCallback, func(i int) (ask, error) {
			return s.completed(ctx, st, st.running[1+i].ID)
		}},
	}
}
