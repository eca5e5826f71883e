package redistest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"
)

const (
	masters = 3
	slots   = 16384 // of every Redis Cluster
)

// StartCluster starts a cluster of three masters, and tells its REDIS_URL. It needs Redis 7.
func StartCluster(tb testing.TB) string {
	tb.Helper()
	ctx := context.Background()
	var addrs, firstBus []string
	var nodes []*redis.Client
	for i := range masters {
		bus := reservePort(tb)
		s := Start(tb, "--cluster-enabled", "yes", "--cluster-port", bus)
		c := s.Client()
		tb.Cleanup(func() { _ = c.Close() })
		addrs, firstBus, nodes = append(addrs, s.addr), append(firstBus, bus)[:1], append(nodes, c)

		commands := [][]any{
			{"CLUSTER", "ADDSLOTSRANGE", i * slots / masters, (i+1)*slots/masters - 1},
			{"CLUSTER", "SET-CONFIG-EPOCH", i + 1}, // else the nodes have to agree on different ones first
		}
		if i > 0 {
			host, port, _ := net.SplitHostPort(addrs[0])
			commands = append(commands, []any{"CLUSTER", "MEET", host, port, firstBus[0]})
		}
		for _, command := range commands {
			if err := c.Do(ctx, command...).Err(); err != nil {
				tb.Fatal(command, err)
			}
		}
	}
	deadline := time.Now().Add(30 * time.Second)
	for _, c := range nodes {
		for !ready(ctx, c) {
			if time.Now().After(deadline) {
				tb.Fatal("the cluster does not come up:", c.ClusterInfo(ctx).Val())
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return "redis+cluster://" + strings.Join(addrs, ",")
}

// ready tells whether a node takes commands and knows all others.
func ready(ctx context.Context, c *redis.Client) bool {
	info := c.ClusterInfo(ctx).Val()
	return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprint("cluster_known_nodes:", masters))
}
