package main

import (
	"context"
	"fmt"
	"log"
	"path/filepath"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/infra/bench/bare"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// storePolicy lets no time run out meanwhile.
var storePolicy = taskstore.Policy{
	HeartbeatTimeout: time.Hour, TaskTimeout: time.Hour, Retention: 720 * time.Hour, MaxAttempts: 3, QueueDeadline: time.Hour, DispatchDeadline: time.Hour,
}

// measureStore measures what the store costs on a Redis of its own.
func measureStore(ctx context.Context, b *bench) error {
	if err := measureChanges(ctx, b); err != nil {
		return fmt.Errorf("changes of a task: %w", err)
	}
	if err := measureAsynq(ctx, b); err != nil {
		return fmt.Errorf("beside asynq: %w", err)
	}
	if err := measureStored(ctx, b); err != nil {
		return fmt.Errorf("many stored tasks: %w", err)
	}
	return nil
}

// measureChanges takes many tasks through their lives by the store, and has the very same writes done by scripts that ask
// nothing: in turn, with as many callers, through the same client.
func measureChanges(ctx context.Context, b *bench) error {
	server, err := startRedis(ctx, filepath.Join(b.dir, "redis-changes"), "--auto-aof-rewrite-percentage", "0")
	if err != nil {
		return err
	}
	defer server.kill()
	rdb, err := redisdb.Open(redisdb.Config{URL: "redis://" + server.address})
	if err != nil {
		return err
	}
	defer func() { _ = rdb.Close() }() // nothing is under way

	const tasks = 1000
	rounds := max(3, b.n/5)
	store := taskstore.New(rdb, storePolicy)
	all := changes()
	plain, err := recordBare(ctx, server, rdb, store, all, tasks)
	if err != nil {
		return fmt.Errorf("record what scripts write: %w", err)
	}
	ours, bares := make([]costs, len(all)), make([]costs, len(all))
	var rate sample
	for round := range rounds + 1 { // in turn; the first warms up
		lives, err := emptied(ctx, rdb, tasks)
		if err != nil {
			return err
		}
		var whole spent
		done := 0
		for i, c := range all {
			s, err := meter(server.pid(), func() error {
				return each(ctx, tasks, func(ctx context.Context, l int) error {
					for time := range c.times {
						if err := c.do(ctx, store, lives[l], time); err != nil {
							return fmt.Errorf("%s: %w", c.name, err)
						}
					}
					return nil
				})
			})
			if err != nil {
				return err
			}
			whole.add(s)
			done += tasks * c.times
			ours[i].add(round > 0, s, tasks*c.times)
		}
		if _, err := emptied(ctx, rdb, tasks); err != nil {
			return err
		}
		for i, calls := range plain {
			s, err := meter(server.pid(), func() error {
				return each(ctx, len(calls), func(ctx context.Context, n int) error { return calls[n].Run(ctx, rdb) })
			})
			if err != nil {
				return fmt.Errorf("%s, bare: %w", all[i].name, err)
			}
			bares[i].add(round > 0, s, len(calls))
		}
		if round > 0 {
			rate.add(float64(done) / whole.took.Seconds())
		}
	}
	var life, bareLife float64
	for i, c := range all {
		f := figure{
			what: "CPU of a change ÷ that of a bare EVALSHA of its writes: " + c.name, value: ours[i].cpu.median() / bares[i].cpu.median(), unit: "×", atMost: new(1.3),
			beside: fmt.Sprintf("median of %d × %d; %s, bare %s", rounds, tasks*c.times, ours[i], bares[i]),
		}
		if c.holds {
			f.atMost = nil // it does not change the task
		}
		b.table.add(f)
		life += ours[i].cpu.median() * float64(c.times)
		bareLife += bares[i].cpu.median() * float64(c.times)
	}
	b.table.add(figure{
		what: "CPU of a life, wanted to completed, ÷ that of bare EVALSHAs of its writes", value: life / bareLife, unit: "×", atMost: new(1.3),
		beside: fmt.Sprintf("%s, bare %s", amount(life, "µs"), amount(bareLife, "µs")),
	})
	b.table.add(figure{
		what: fmt.Sprintf("changes a second on one Redis, %d callers", callers), value: rate.median(), unit: "/s", atLeast: new(15000.0),
		beside: fmt.Sprintf("median of %d lives of %d tasks; slowest %s", rounds, tasks, amount(rate.percentile(0), "/s")),
	})
	return nil
}

// costs are what one change took of CPU, in µs, round by round: of Redis and its client, and of Redis alone.
type costs struct{ cpu, server sample }

func (c *costs) add(counts bool, s spent, times int) {
	if counts {
		c.cpu.add(microseconds(s.cpu()) / float64(times))
		c.server.add(microseconds(s.server) / float64(times))
	}
}

func (c costs) String() string {
	return fmt.Sprintf("%s (Redis %s)", amount(c.cpu.median(), "µs"), amount(c.server.median(), "µs"))
}

// recordBare takes tasks through their lives and tells the bare scripts of each of the changes.
func recordBare(ctx context.Context, server *process, rdb redis.UniversalClient, store *taskstore.Store, all []change, tasks int) ([][]bare.Call, error) {
	lives, err := emptied(ctx, rdb, tasks)
	if err != nil {
		return nil, err
	}
	log.Printf("  recording what scripts write")
	watched := redis.NewClient(&redis.Options{Addr: server.address})
	defer func() { _ = watched.Close() }() // nothing is under way
	maker := bare.NewMaker()
	calls := make([][]bare.Call, len(all))
	for i, c := range all {
		written, err := bare.Record(ctx, watched, func() error {
			for time := range c.times {
				for _, l := range lives {
					if err := c.do(ctx, store, l, time); err != nil {
						return fmt.Errorf("%s: %w", c.name, err)
					}
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(written) != tasks*c.times {
			return nil, fmt.Errorf("%s: %d scripts wrote, not %d", c.name, len(written), tasks*c.times)
		}
		for _, w := range written {
			calls[i] = append(calls[i], maker.Of(w))
		}
	}
	return calls, nil
}

// emptied makes lives on a Redis that has nothing else.
func emptied(ctx context.Context, rdb redis.UniversalClient, tasks int) ([]*life, error) {
	if err := rdb.FlushAll(ctx).Err(); err != nil {
		return nil, err
	}
	return newLives(ctx, rdb, tasks)
}
