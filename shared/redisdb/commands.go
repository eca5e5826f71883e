package redisdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-redis/redis/v8"
)

// commands has a cluster's client learn which argument of a command is its key, and so which node to ask. The client's own
// reading of COMMAND refuses what Redis 7 adds to each entry; it would then ask anew before each command, and any node.
type commands struct{ node *redis.Client }

// newNode makes the client of one node of a cluster.
func newNode(o *redis.Options) *redis.Client {
	c := redis.NewClient(o)
	c.AddHook(commands{c})
	return c
}

// errAnsweredHere keeps a command from being sent: AfterProcess answers it.
var errAnsweredHere = errors.New("answered by a hook")

// BeforeProcess implements redis.Hook.
func (commands) BeforeProcess(ctx context.Context, cmd redis.Cmder) (context.Context, error) {
	if _, ok := cmd.(*redis.CommandsInfoCmd); ok {
		return ctx, errAnsweredHere
	}
	return ctx, nil
}

// AfterProcess implements redis.Hook.
func (c commands) AfterProcess(ctx context.Context, cmd redis.Cmder) error {
	asked, ok := cmd.(*redis.CommandsInfoCmd)
	if !ok {
		return nil
	}
	reply, err := c.node.Do(ctx, "COMMAND").Slice()
	if err == nil {
		var table map[string]*redis.CommandInfo
		table, err = parseCommands(reply)
		asked.SetVal(table)
	}
	asked.SetErr(err)
	return err
}

// BeforeProcessPipeline implements redis.Hook.
func (commands) BeforeProcessPipeline(ctx context.Context, _ []redis.Cmder) (context.Context, error) {
	return ctx, nil
}

// AfterProcessPipeline implements redis.Hook.
func (commands) AfterProcessPipeline(context.Context, []redis.Cmder) error { return nil }

// parseCommands reads of the answer to COMMAND what the client uses: the place of the first key. Replicas are
// not read from, so that no flag matters.
func parseCommands(reply []any) (map[string]*redis.CommandInfo, error) {
	table := make(map[string]*redis.CommandInfo, len(reply))
	for _, entry := range reply {
		parts, ok := entry.([]any)
		if !ok || len(parts) < 6 {
			return nil, fmt.Errorf("the answer to COMMAND is of an unknown form: %v", entry)
		}
		name, ok1 := parts[0].(string)
		first, ok2 := parts[3].(int64)
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("the answer to COMMAND is of an unknown form: %v", entry)
		}
		table[name] = &redis.CommandInfo{Name: name, FirstKeyPos: int8(first)}
	}
	return table, nil
}
