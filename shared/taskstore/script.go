package taskstore

import (
	"context"
	"crypto/sha1" //nolint:gosec // how Redis names scripts
	"embed"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/task"
)

//go:embed lua/*.lua
var lua embed.FS

// script is a change: what all have in common, the parts that it is built on, and its own rules. It is put together when it is
// first run. A server may be asked by functions of several policies: each policy has scripts of its own.
type script struct {
	name   string
	parts  string // that it is built on, separated by spaces
	fields string // of the task, that it reads in any case, separated by spaces; "" where it reads none
	keys   string // their names in the script, separated by spaces: first those of keyOf, then its own
	// next is the script that usually follows. A server that does not know this one has lost that, too: told along with it, it costs
	// no round trip of its own.
	next *script
}

// Each change has a script of its own.
var (
	reserveScript   = &script{"reserve", "base", "", "TASK TRASH PICTURE ACTIVE RATE IDEMPOTENCY", createScript}
	unreserveScript = &script{"unreserve", "base trash", "", "TASK TRASH ACTIVE RATE IDEMPOTENCY", nil}
	createScript    = &script{"create", "base task save event trash result results handover", "op status", "TASK EVENTS DUE RESULTS TRASH TASKS ACTIVE IDEMPOTENCY", outcomeScript}
	claimScript     = &script{
		"claim", "base task save trash result results handover",
		"op status claimUntil nextTry attempt fate tries silentSince nextWorker user key inputType inputSize inputSHA256 inputName formats trace",
		"TASK DUE RESULTS TRASH", outcomeScript,
	}
	outcomeScript = &script{"outcome", "base task save event finish", "op status claim attempt startedAt reachedAttempt reached stage events ran", "TASK EVENTS DUE KEPT", nil}
	reportScript  = &script{"report", "base task save event judge accept", "op status attempt runSince ran", "TASK EVENTS DUE", nil}
	verdictScript = &script{"verdict", "base task save event finish judge result", "op status attempt runSince ran events userKey", "TASK EVENTS DUE KEPT RESULTS", nil}
	releaseScript = &script{"release", "base task save event finish judge lose", "op status attempt runSince ran events reached claimUntil", "TASK EVENTS DUE KEPT", nil}
	holdScript    = &script{"hold", "base task judge result offer", "op status attempt", "TASK RESULTS", recordScript}
	stageScript   = &script{"stage", "base task save event judge accept result offer", "op status attempt runSince ran beats events reachedAttempt stage", "TASK EVENTS DUE RESULTS TRASH", nil}
	recordScript  = &script{"record", "base task save event judge accept result offer trash", "op status attempt runSince ran beats events", "TASK EVENTS DUE RESULTS TRASH", nil}
	cancelScript  = &script{"cancel", "base task save event finish final", "op status user attempt worker userKey events", "TASK EVENTS DUE KEPT", nil}
	deleteScript  = &script{"delete", "base task save event finish final trash result results erase", "op status user attempt worker userKey events key", "TASK EVENTS DUE KEPT RESULTS TRASH DELETED", nil}
	sweepScript   = &script{"sweep", "base task save event finish final lose trash result results erase", "op status attempt beats lease runSince ran finishedAt reached events userKey key", "TASK EVENTS DUE KEPT RESULTS TRASH", nil}
)

// constants writes the policy as the scripts name it.
func (p Policy) constants() string {
	return fmt.Sprintf("local HEARTBEAT_TIMEOUT, TASK_TIMEOUT, RETENTION = %s, %s, %s\n"+
		"local MAX_ATTEMPTS, QUEUE_DEADLINE, DISPATCH_DEADLINE, URL_LIFE = %d, %s, %s, %s\n",
		ms(p.HeartbeatTimeout), ms(p.TaskTimeout), ms(p.Retention), p.MaxAttempts, ms(p.QueueDeadline), ms(p.DispatchDeadline), ms(urlLife))
}

// source puts a script together.
func (s *script) source(p Policy) string {
	var text strings.Builder
	text.WriteString(p.constants())
	for i, name := range strings.Fields(s.keys) {
		fmt.Fprintf(&text, "local %s = KEYS[%d]\n", name, i+1)
	}
	for part := range strings.FieldsSeq(s.parts + " " + s.name) {
		if part == "task" {
			text.WriteString(read(strings.Fields(s.fields)))
		}
		b, err := lua.ReadFile("lua/" + part + ".lua")
		if err != nil {
			panic(err) // embedded at build time: can't be
		}
		text.Write(b)
	}
	return text.String()
}

// read writes the beginning of task.lua: what is read of the task at once.
func read(fields []string) string {
	table := make([]string, len(fields))
	for i, f := range fields {
		table[i] = fmt.Sprintf("%s = fields[%d]", f, i+1)
	}
	return fmt.Sprintf("local fields = call('HMGET', TASK, '%s')\nlocal task = { %s }\n", strings.Join(fields, "', '"), strings.Join(table, ", "))
}

// compiled is a script as a server is told it.
type compiled struct {
	source, hash string
	keys         []func(id, task string) string // those of keyOf
}

// keyOf makes the keys that several scripts name. They are given the task's id and its own key.
var keyOf = map[string]func(id, task string) string{
	"TASK":    func(_, task string) string { return task },
	"EVENTS":  func(_, task string) string { return task + eventsSuffix },
	"RESULTS": func(_, task string) string { return task + resultsSuffix },
	"DUE":     func(id, _ string) string { return dueKey(task.PartitionOfID(id)) },
	"KEPT":    func(id, _ string) string { return keptKey(task.PartitionOfID(id)) },
	"TRASH":   func(id, _ string) string { return TrashKey(task.PartitionOfID(id)) },
}

// compile makes the scripts of a policy, each when it is first run.
func compile(p Policy) map[*script]func() compiled {
	all := map[*script]func() compiled{}
	for _, s := range []*script{
		reserveScript, unreserveScript, createScript, claimScript, outcomeScript, reportScript, verdictScript, releaseScript,
		holdScript, stageScript, recordScript, cancelScript, deleteScript, sweepScript,
	} {
		all[s] = sync.OnceValue(func() compiled {
			source := s.source(p)
			hash := sha1.Sum([]byte(source)) //nolint:gosec // no secret
			made := compiled{source: source, hash: hex.EncodeToString(hash[:])}
			for name := range strings.FieldsSeq(s.keys) {
				if key := keyOf[name]; key != nil {
					made.keys = append(made.keys, key)
				}
			}
			return made
		})
	}
	return all
}

// call is one run of a script on a task.
type call struct {
	script *script
	id     string
	keys   []string // the script's own
	args   []any    // likewise, after op
}

// newOp makes a nonce that tells a call from any other of the same task. All are of one length, so that none begins another: 13 digits are what 36 takes for
// numbers from 2⁶³ on.
func newOp() string { return strconv.FormatUint(rand.Uint64()|1<<63, 36) }

// command lays a call out as base.lua reads it.
func (s *Store) command(ctx context.Context, c call) *redis.Cmd {
	script := s.scripts[c.script]()
	args := make([]any, 0, 4+len(script.keys)+len(c.keys)+len(c.args))
	args = append(args, "evalsha", script.hash, 0)
	key := TaskKey(c.id)
	for _, k := range script.keys {
		args = append(args, k(c.id, key))
	}
	for _, k := range c.keys {
		args = append(args, k)
	}
	args[2] = len(args) - 3
	args = append(args, newOp())
	return redis.NewCmd(ctx, append(args, c.args...)...)
}

// run runs a call and tells its reply, which begins with a word. A refusal is a *fault.Error.
func (s *Store) run(ctx context.Context, c call) ([]string, error) {
	cmd := s.command(ctx, c)
	if err := s.rdb.Process(ctx, cmd); isNoScript(err) {
		cmd, _ = s.teach(ctx, cmd, c.script, nil) // cmd has the error
	}
	return replyOf(cmd)
}

// teach sends a call whose script the server does not know once more, with the script's source, in a pipeline with what else is to
// be asked.
func (s *Store) teach(ctx context.Context, unknown *redis.Cmd, script *script, more func(redis.Pipeliner)) (*redis.Cmd, error) {
	args := unknown.Args()
	args[0], args[1] = "eval", s.scripts[script]().source
	cmd := redis.NewCmd(ctx, args...)
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for next := script.next; next != nil; next = next.next {
			p.ScriptLoad(ctx, s.scripts[next]().source)
		}
		if more != nil {
			more(p)
		}
		return p.Process(ctx, cmd)
	})
	return cmd, err
}

// separator is between the words of a list. No UTF-8 has it.
const separator = "\xff"

// replyOf reads a script's words. Those of a refusal are told beside its error.
func replyOf(cmd *redis.Cmd) ([]string, error) {
	text, err := cmd.Text()
	if err != nil {
		return nil, redisdb.Away(err)
	}
	if !strings.Contains(text, separator) {
		return []string{text}, nil
	}
	reply := strings.Split(text, separator)
	if reply[0] == "fault" {
		return reply, refusal(fault.Code(reply[1]), reply[2:])
	}
	return reply, nil
}

func isNoScript(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "NOSCRIPT") }

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
	case fault.IdempotencyInProgress:
		// Most are answered within a second: only where the process died or its worker hangs does it take as long as it may.
		f.RetryAfter = min(time.Duration(atoi64(with[0]))*time.Millisecond, 2*time.Second)
	case fault.RateLimited:
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
