package redistest

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

const (
	masters = 3
	slots   = 16384 // of every Redis Cluster
)

// StartCluster starts a cluster of three masters, and tells its REDIS_URL. It needs Redis 7.
func StartCluster(tb testing.TB) string {
	tb.Helper()
	ctx := context.Background()
	var addrs, buses []string
	for i := range masters {
		bus := reservePort(tb)
		s := Start(tb, "--cluster-enabled", "yes", "--cluster-port", bus)
		addrs, buses = append(addrs, s.addr), append(buses, bus)
		c := s.Client()
		tb.Cleanup(func() { _ = c.Close() })
		if err := c.ClusterAddSlotsRange(ctx, i*slots/masters, (i+1)*slots/masters-1).Err(); err != nil {
			tb.Fatal(err)
		}
		host, port, _ := net.SplitHostPort(addrs[0])
		if err := c.Do(ctx, "CLUSTER", "MEET", host, port, buses[0]).Err(); err != nil && i > 0 {
			tb.Fatal(err)
		}
		tb.Cleanup(func() {
			if tb.Failed() {
				tb.Log(c.ClusterInfo(ctx).Val())
			}
		})
		if i < masters-1 {
			continue
		}
		for deadline := time.Now().Add(30 * time.Second); !strings.Contains(c.ClusterInfo(ctx).Val(), "cluster_state:ok"); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				tb.Fatal("the cluster does not come up")
			}
		}
	}
	return "redis+cluster://" + strings.Join(addrs, ",")
}
