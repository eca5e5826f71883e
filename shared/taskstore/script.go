package taskstore

import (
	"context"
	"embed"
	"fmt"
	"strconv"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/google/uuid"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/task"
)

//go:embed lua/*.lua
var lua embed.FS

// Each change has a script of its own, behind what all have in common.
var (
	reserveScript   = script("reserve")
	unreserveScript = script("unreserve")
	createScript    = script("create")
	claimScript     = script("claim")
	outcomeScript   = script("outcome")
	reportScript    = script("report")
	resultScript    = script("result")
	cancelScript    = script("cancel")
	deleteScript    = script("delete")
	sweepScript     = script("sweep")
	runsScript      = redis.NewScript(source("runs"))
)

func script(name string) *redis.Script { return redis.NewScript(source("lib") + source(name)) }

func source(name string) string {
	b, err := lua.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // embedded at build time: can't be
	}
	return string(b)
}

// call is one run of a script on a task.
type call struct {
	script *redis.Script
	id     string
	keys   []string // the script's own, after those that all have
	args   []any    // likewise
}

// keysAndArgs lays the call out as lib.lua reads it.
func (s *Store) keysAndArgs(c call) ([]string, []any) {
	p := task.PartitionOfID(c.id)
	keys := append([]string{TaskKey(c.id), EventsKey(c.id), resultsKey(c.id), dueKey(p), TrashKey(p)}, c.keys...)
	args := append([]any{
		uuid.NewString(), ms(s.policy.HeartbeatTimeout), ms(s.policy.TaskTimeout), ms(s.policy.Retention), s.policy.MaxAttempts,
		ms(s.policy.QueueDeadline), ms(s.policy.DispatchDeadline), ms(urlLife), Channel(c.id),
	}, c.args...)
	return keys, args
}

// run runs a call and tells its reply, which begins with a word. A refusal is a *fault.Error.
func (s *Store) run(ctx context.Context, c call) ([]string, error) {
	keys, args := s.keysAndArgs(c)
	return replyOf(c.script.Run(ctx, s.rdb, keys, args...))
}

func replyOf(cmd *redis.Cmd) ([]string, error) {
	reply, err := cmd.StringSlice()
	if err != nil {
		return nil, redisdb.Away(err)
	}
	if len(reply) == 0 {
		return nil, fmt.Errorf("script %v answered nothing", cmd.Args()[1])
	}
	if reply[0] == "fault" {
		return nil, refusal(fault.Code(reply[1]), reply[2:])
	}
	return reply, nil
}

// refusal makes the fault that a script answered, with what it said beside the code.
func refusal(code fault.Code, with []string) error {
	f := fault.New(code, "")
	switch code {
	case fault.ResultsMissing:
		f.Missing = with
	case fault.ValidationFailed:
		return fault.Invalid(with[0], with[1])
	case fault.TaskFinished:
		f.Detail = "The task is " + with[0] + " and changes no more."
	case fault.IdempotencyInProgress, fault.RateLimited:
		f.RetryAfter = time.Duration(atoi64(with[0])) * time.Millisecond
	case fault.TooManyActiveTasks:
		f.RetryAfter = 30 * time.Second
	}
	return f
}

func ms(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
