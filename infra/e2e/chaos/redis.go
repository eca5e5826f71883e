package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-redis/redis/v8"
)

// ail has Redis itself behave as it does when it is ill: everything is asked of the server, by commands.
func (w *world) ail(ctx context.Context, f Fault) (heal func(context.Context) error, err error) {
	// A connection of its own, from before the fault: there may be no new ones.
	doctor := redis.NewClient(&redis.Options{Addr: w.ports["redis"], PoolSize: 1, MaxRetries: -1, IdleTimeout: -1, ReadTimeout: 10 * time.Second})
	tell := func(ctx context.Context, command string) error {
		var args []any
		for word := range strings.FieldsSeq(command) {
			args = append(args, strings.NewReplacer("''", "", "_", " ").Replace(word))
		}
		if err := doctor.Do(ctx, args...).Err(); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		return nil
	}
	over, end := context.WithCancel(ctx)
	again := func(every time.Duration, commands ...string) { // until it heals
		go func() {
			for ok := true; ok; ok = rested(over, every) {
				for _, c := range commands {
					_ = tell(over, c) // what it is refused for is another fault
				}
			}
		}()
	}
	var cure []string
	switch f.Kind {
	case "redis is full":
		err = tell(ctx, "CONFIG SET maxmemory 1 maxmemory-policy noeviction")
		cure = []string{"CONFIG SET maxmemory 0"}
	case "redis can't save":
		err = w.failToSave(ctx, tell)
		cure = []string{"CONFIG SET save ''"}
	case "redis is a replica":
		err = tell(ctx, "REPLICAOF 127.0.0.1 1") // nobody is there
		cure = []string{"REPLICAOF NO ONE"}
	case "redis forgets scripts":
		again(20*time.Millisecond, "SCRIPT FLUSH SYNC")
	case "redis hangs up":
		again(time.Duration(f.Amount)*time.Millisecond, "CLIENT KILL TYPE normal", "CLIENT KILL TYPE pubsub")
	case "redis holds writes":
		err = tell(ctx, fmt.Sprintf("CLIENT PAUSE %d WRITE", time.Minute.Milliseconds()))
		cure = []string{"CLIENT UNPAUSE"}
	case "redis is busy":
		err = tell(ctx, "CONFIG SET busy-reply-threshold 20")
		go func() { // until it is killed
			somebody := redis.NewClient(&redis.Options{Addr: w.ports["redis"], MaxRetries: -1, ReadTimeout: -1})
			somebody.Eval(context.WithoutCancel(ctx), "while true do end", nil)
			_ = somebody.Close() // nothing is under way
		}()
		cure = []string{"SCRIPT KILL", "CONFIG SET busy-reply-threshold 5000"}
	case "redis turns clients away":
		err = errors.Join(tell(ctx, "CONFIG SET maxclients 1"), tell(ctx, "CLIENT KILL TYPE normal"))
		cure = []string{"CONFIG SET maxclients 10000"}
	default:
		err = fmt.Errorf("nobody knows how %s", f.Kind)
	}
	return func(ctx context.Context) error {
		end()
		var failed []error
		for _, c := range cure {
			failed = append(failed, tell(ctx, c))
		}
		if err := os.Remove(w.snapshot()); !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
		}
		return errors.Join(append(failed, doctor.Close())...)
	}, err
}

// snapshot is where Redis would save.
func (w *world) snapshot() string { return filepath.Join(w.dir, "redis", "dump.rdb") }

// failToSave has Redis save to where it can't, as on a disk that is full: it takes no writes any more (MISCONF).
func (w *world) failToSave(ctx context.Context, tell func(context.Context, string) error) error {
	err := errors.Join(os.Mkdir(w.snapshot(), 0o700), tell(ctx, "CONFIG SET save 3600_1"), tell(ctx, "BGSAVE"))
	for err == nil {
		var about string
		if about, err = w.redis.Info(ctx, "persistence").Result(); strings.Contains(about, "rdb_last_bgsave_status:err") {
			return nil
		}
		if !rested(ctx, 20*time.Millisecond) {
			return ctx.Err()
		}
	}
	return err
}
