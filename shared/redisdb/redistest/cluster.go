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

// Cluster is a Redis Cluster of one test. It has no replicas: what a dead master has is away until it runs again.
type Cluster struct {
	URL     string // as REDIS_URL
	Masters []*Server
}

// StartCluster starts a cluster of three masters, which ends with the test. args are more of each redis-server's own. It needs
// Redis 7.
func StartCluster(tb testing.TB, args ...string) *Cluster {
	tb.Helper()
	ctx := context.Background()
	cluster := &Cluster{}
	var addrs, firstBus []string
	var nodes []*redis.Client
	for i := range masters {
		bus := reservePort(tb)
		s := Start(tb, append([]string{"--cluster-enabled", "yes", "--cluster-port", bus}, args...)...)
		c := s.Client()
		tb.Cleanup(func() { _ = c.Close() })
		addrs, firstBus, nodes = append(addrs, s.addr), append(firstBus, bus)[:1], append(nodes, c)
		cluster.Masters = append(cluster.Masters, s)

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
	for _, c := range nodes {
		within(tb, "the cluster does not come up", func() bool { return ready(ctx, c) })
	}
	cluster.URL = "redis+cluster://" + strings.Join(addrs, ",")
	return cluster
}

// ready tells whether a node takes commands and knows all others.
func ready(ctx context.Context, c *redis.Client) bool {
	info := c.ClusterInfo(ctx).Val()
	return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprint("cluster_known_nodes:", masters))
}

// within waits until something is so, for which servers on one machine take a second or two.
func within(tb testing.TB, trouble string, so func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatal(trouble)
		}
	}
}
