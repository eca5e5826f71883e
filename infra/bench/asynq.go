package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// measureAsynq takes tasks from being wanted to being completed: through the store, with nobody between its changes, and through
// hibiken/asynq. Each has a Redis of its own, and they take turns.
func measureAsynq(ctx context.Context, b *bench) error {
	const tasks, rounds = 10_000, 3
	binary := filepath.Join(b.dir, "bin", "peer-asynq")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./asynq")
	build.Dir, build.Env = filepath.Join(b.root, "infra", "bench", "peers"), append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		b.table.note(fmt.Sprintf("store: hibiken/asynq is not beside it, for it does not build: %s.", bytes.TrimSpace(said)))
		return nil
	}
	var servers [2]*process
	for i, name := range []string{"ours", "asynq"} {
		var err error
		if servers[i], err = startRedis(ctx, filepath.Join(b.dir, "redis-"+name), "--auto-aof-rewrite-percentage", "0"); err != nil {
			return err
		}
		defer servers[i].kill()
	}
	var ours, theirs spentEach
	for range rounds {
		s, err := throughStore(ctx, servers[0], tasks)
		if err != nil {
			return err
		}
		ours.add(s, tasks)
		if s, err = throughAsynq(ctx, binary, servers[1], tasks); err != nil {
			return fmt.Errorf("asynq: %w", err)
		}
		theirs.add(s, tasks)
	}
	b.table.add(figure{
		what: "CPU of a task, wanted to completed, ÷ that of hibiken/asynq", value: ours.cpu.median() / theirs.cpu.median(), unit: "×",
		beside: fmt.Sprintf("medians of %d × %d, %d callers; store %s; asynq %s", rounds, tasks, callers, ours, theirs),
	})
	return nil
}

// spentEach is what one task took, round by round: CPU in µs, of Redis and its client and of Redis alone, and tasks a second.
type spentEach struct {
	costs
	rate sample
}

func (e *spentEach) add(s spent, tasks int) {
	e.costs.add(true, s, tasks)
	e.rate.add(float64(tasks) / s.took.Seconds())
}

func (e spentEach) String() string {
	return fmt.Sprintf("%s, %s", e.costs, amount(e.rate.median(), "tasks/s"))
}

// throughStore reserves and creates tasks, records that a worker has them, and that they are completed.
func throughStore(ctx context.Context, server *process, tasks int) (spent, error) {
	rdb, err := redisdb.Open(redisdb.Config{URL: "redis://" + server.address})
	if err != nil {
		return spent{}, err
	}
	defer func() { _ = rdb.Close() }() // nothing is under way
	lives, err := emptied(ctx, rdb, tasks)
	if err != nil {
		return spent{}, err
	}
	store, begin := taskstore.New(rdb, storePolicy), changes()[:3]
	return meter(server.pid(), func() error {
		return each(ctx, tasks, func(ctx context.Context, i int) error {
			for _, c := range begin {
				if err := c.do(ctx, store, lives[i], 0); err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
			}
			_, _, err := store.Report(ctx, taskstore.Report{TaskID: lives[i].reserved.ID, Attempt: new(1), Said: "completed"})
			return err
		})
	})
}

// throughAsynq runs the peer's program, which is its Redis' client.
func throughAsynq(ctx context.Context, binary string, server *process, tasks int) (spent, error) {
	rdb := redis.NewClient(&redis.Options{Addr: server.address})
	defer func() { _ = rdb.Close() }() // nothing is under way
	if err := rdb.FlushAll(ctx).Err(); err != nil {
		return spent{}, err
	}
	cmd := exec.CommandContext(ctx, binary, "-redis", server.address, "-tasks", strconv.Itoa(tasks), "-callers", strconv.Itoa(callers))
	cmd.SysProcAttr, cmd.Stderr = ownGroup(), os.Stderr
	var said []byte
	s, err := meter(server.pid(), func() (err error) {
		said, err = cmd.Output()
		return err
	})
	if err != nil {
		return s, err
	}
	seconds, err := strconv.ParseFloat(string(bytes.TrimSpace(said)), 64)
	s.client, s.took = cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), time.Duration(seconds*float64(time.Second))
	return s, err
}
