package taskstore

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/task"
)

// Run is one run of the sweeper.
type Run struct {
	Now     time.Time // Redis' clock
	Resumed time.Time // when the last gap in the runs ended, zero if there was none
}

// runsScript notes a run and stands alone: there is one key, of no task.
var runsScript = redis.NewScript(runs)

//go:embed lua/runs.lua
var runs string

// BeginRun notes that the sweeper runs, and tells whether it comes back after a gap. Call it again when a run ends.
func (s *Store) BeginRun(ctx context.Context, gap time.Duration) (Run, error) {
	reply, err := runsScript.Run(ctx, s.rdb, []string{sweepKey}, "", ms(gap)).StringSlice()
	if err != nil {
		return Run{}, redisdb.Away(err)
	}
	return Run{Now: millis(reply[0]), Resumed: millis(reply[1])}, nil
}

// Due lists at most limit living and as many ended tasks of each partition whose time has come, oldest task first. It asks all
// partitions in one pipeline.
func (s *Store) Due(ctx context.Context, now time.Time, limit int64) ([]string, error) {
	ids, err := s.ripe(ctx, now, limit, dueKey, keptKey)
	if err != nil {
		return nil, err
	}
	var due []string
	for _, part := range ids {
		due = append(due, part...)
	}
	slices.Sort(due) // ids begin with the time of their making
	return due, nil
}

// Backlog is how much there is to do.
type Backlog struct {
	Living int           // tasks that have not ended
	Late   time.Duration // how long the task that waits longest for the sweeper has been due, 0 if none is
}

// Backlog tells it as of now. It asks all partitions in one pipeline.
func (s *Store) Backlog(ctx context.Context, now time.Time) (Backlog, error) {
	var living [task.Partitions]*redis.IntCmd
	var first [task.Partitions]*redis.ZSliceCmd
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range living {
			key := dueKey(task.PartitionAt(i))
			living[i], first[i] = p.ZCard(ctx, key), p.ZRangeWithScores(ctx, key, 0, 0)
		}
		return nil
	})
	if err != nil {
		return Backlog{}, redisdb.Away(err)
	}
	var b Backlog
	for i := range living {
		b.Living += int(living[i].Val())
		for _, z := range first[i].Val() {
			b.Late = max(b.Late, now.Sub(time.UnixMilli(int64(z.Score))))
		}
	}
	return b, nil
}

// ripe reads the members of each partition's sorted sets whose score is not over now, at most limit of each.
func (s *Store) ripe(ctx context.Context, now time.Time, limit int64, keys ...func(task.Partition) string) ([task.Partitions][]string, error) {
	var members [task.Partitions][]string
	var cmds [task.Partitions][]*redis.StringSliceCmd
	by := &redis.ZRangeBy{Min: "-inf", Max: fmt.Sprint(now.UnixMilli()), Count: limit}
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range cmds {
			for _, key := range keys {
				cmds[i] = append(cmds[i], p.ZRangeByScore(ctx, key(task.PartitionAt(i)), by))
			}
		}
		return nil
	})
	if err != nil {
		return members, redisdb.Away(err)
	}
	for i, part := range cmds {
		for _, c := range part {
			members[i] = append(members[i], c.Val()...)
		}
	}
	return members, nil
}

// Finding is what the sweeper found of a due task.
type Finding struct {
	What   string      // pending (to be dispatched) | lost | timeout | unavailable | expired | later | gone
	Status task.Status // of lost: what became of the task
	Holder Holder      // of timeout: the worker to be told
}

// Look has one due task judged: a lease that ran out, a time-out, a retention that is over.
func (s *Store) Look(ctx context.Context, id string, run Run) (Finding, error) {
	reply, err := s.run(ctx, lookAt(id, run))
	return findingOf(id, reply, err)
}

// LookAll is Look at many tasks, in one pipeline. Findings and errors are in the order of the ids.
func (s *Store) LookAll(ctx context.Context, ids []string, run Run) ([]Finding, []error) {
	cmds := make([]*redis.Cmd, len(ids))
	_, _ = s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error { // each command has its own error
		for i, id := range ids {
			cmds[i] = s.command(ctx, lookAt(id, run))
			if err := p.Process(ctx, cmds[i]); err != nil {
				return err
			}
		}
		return nil
	})
	found, errs := make([]Finding, len(ids)), make([]error, len(ids))
	for i, id := range ids {
		if isNoScript(cmds[i].Err()) {
			found[i], errs[i] = s.Look(ctx, id, run)
			continue
		}
		reply, err := replyOf(cmds[i])
		found[i], errs[i] = findingOf(id, reply, err)
	}
	return found, errs
}

func lookAt(id string, run Run) call {
	resumed := int64(0)
	if !run.Resumed.IsZero() {
		resumed = run.Resumed.UnixMilli()
	}
	return call{sweepScript, id, nil, []any{resumed}}
}

// findingOf reads a reply about that task.
func findingOf(id string, reply []string, err error) (Finding, error) {
	if err != nil {
		return Finding{}, err
	}
	f := Finding{What: reply[0]}
	switch f.What {
	case "lost":
		f.Status = task.Status(reply[1])
	case "timeout":
		f.Holder = Holder{TaskID: id, URL: reply[1], Attempt: atoi(reply[2])}
	}
	return f, nil
}

// Trash is objects of one partition that are to be deleted now.
type Trash struct {
	Keys    []string // of the objects
	members []string
	index   string
}

// RipeTrash lists at most limit objects of each partition that are to be deleted by now.
func (s *Store) RipeTrash(ctx context.Context, now time.Time, limit int64) ([]Trash, error) {
	members, err := s.ripe(ctx, now, limit, TrashKey)
	if err != nil {
		return nil, err
	}
	var all []Trash
	for i, part := range members {
		if len(part) == 0 {
			continue
		}
		t := Trash{members: part, index: TrashKey(task.PartitionAt(i))}
		for _, m := range part {
			_, key, _ := strings.Cut(m, " ")
			t.Keys = append(t.Keys, key)
		}
		all = append(all, t)
	}
	return all, nil
}

// Emptied forgets trash that is deleted. What was put in again meanwhile, for later, stays.
func (s *Store) Emptied(ctx context.Context, all []Trash, now time.Time) error {
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, t := range all {
			emptiedScript.Eval(ctx, p, []string{t.index}, append([]any{now.UnixMilli()}, anys(t.members)...)...)
		}
		return nil
	})
	return redisdb.Away(err)
}

// emptiedScript removes members from a sorted set whose score is not over the first argument.
var emptiedScript = redis.NewScript(`
for i = 2, #ARGV do
	local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
	if score and tonumber(score) <= tonumber(ARGV[1]) then
		redis.call('ZREM', KEYS[1], ARGV[i])
	end
end
return {'ok'}`)

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}
