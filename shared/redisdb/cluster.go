package redisdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/go-redis/redis/v8"
)

// slots makes the function by which the client learns a cluster's layout. The client's own reads what Redis before 7 says of
// a node (address, port, id) and refuses the list that Redis 7 adds to it.
func slots(o *redis.UniversalOptions) func(context.Context) ([]redis.ClusterSlot, error) {
	return func(ctx context.Context) ([]redis.ClusterSlot, error) {
		var failed []error
		for _, addr := range o.Addrs {
			found, err := slotsAt(ctx, o, addr)
			if err == nil {
				return found, nil
			}
			failed = append(failed, fmt.Errorf("ask %s for the cluster's slots: %w", addr, err))
		}
		return nil, errors.Join(failed...)
	}
}

func slotsAt(ctx context.Context, o *redis.UniversalOptions, addr string) (_ []redis.ClusterSlot, err error) {
	simple := o.Simple()
	simple.Addr, simple.PoolSize, simple.MaxRetries = addr, 1, -1
	node := redis.NewClient(simple)
	defer func() { err = errors.Join(err, node.Close()) }()
	reply, err := node.Do(ctx, "CLUSTER", "SLOTS").Slice()
	if err != nil {
		return nil, err
	}
	return parseSlots(reply, addr)
}

var errSlots = errors.New("the answer to CLUSTER SLOTS is of an unknown form")

// parseSlots reads the answer to CLUSTER SLOTS: ranges of slots, each with its nodes, the master first. A node that does not
// know its own address is at the one that was asked.
func parseSlots(reply []any, asked string) ([]redis.ClusterSlot, error) {
	var all []redis.ClusterSlot
	for _, r := range reply {
		parts, ok := r.([]any)
		if !ok || len(parts) < 3 {
			return nil, errSlots
		}
		first, ok1 := parts[0].(int64)
		last, ok2 := parts[1].(int64)
		if !ok1 || !ok2 {
			return nil, errSlots
		}
		slot := redis.ClusterSlot{Start: int(first), End: int(last)}
		for _, n := range parts[2:] {
			node, ok := n.([]any)
			if !ok || len(node) < 2 {
				return nil, errSlots
			}
			host, _ := node[0].(string) // nil: unknown to the node itself
			port, ok := node[1].(int64)
			if !ok {
				return nil, errSlots
			}
			if host == "" {
				var err error
				if host, _, err = net.SplitHostPort(asked); err != nil {
					return nil, err
				}
			}
			slot.Nodes = append(slot.Nodes, redis.ClusterNode{Addr: net.JoinHostPort(host, strconv.FormatInt(port, 10))})
		}
		all = append(all, slot)
	}
	return all, nil
}
