package redistest

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"
)

// Set is a master and its replica, watched by three sentinels, of which two have to agree that the master is down. Replication is
// asynchronous, as Redis' is.
type Set struct {
	URL       string // as REDIS_URL
	Master    *Server
	Replica   *Server
	sentinels []*redis.SentinelClient
	tb        testing.TB
}

const (
	masterName = "main"
	sentinels  = 3
	// blind is for how long (ms) sentinels overlook a dead master until Wake: longer than any test.
	blind = "3600000"
	awake = "500"
)

// StartSet starts a set, which ends with the test. Its sentinels let a dead master be until Wake, so that a test can look at the
// time between.
func StartSet(tb testing.TB) *Set {
	tb.Helper()
	s := &Set{Master: Start(tb, "--repl-diskless-sync-delay", "0"), tb: tb}
	host, port, _ := net.SplitHostPort(s.Master.addr)
	s.Replica = Start(tb, "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0")
	var addrs []string
	for range sentinels {
		addr := net.JoinHostPort("127.0.0.1", reservePort(tb))
		_, own, _ := net.SplitHostPort(addr)
		dir := tb.TempDir()
		file := filepath.Join(dir, "sentinel.conf") // a sentinel keeps there what it learns
		conf := strings.Join([]string{
			"bind 127.0.0.1", "port " + own, "dir " + dir,
			"sentinel monitor " + masterName + " " + host + " " + port + " 2",
			"sentinel down-after-milliseconds " + masterName + " " + blind,
			"sentinel failover-timeout " + masterName + " 10000",
		}, "\n")
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			tb.Fatal(err)
		}
		process := &Server{URL: "redis://" + addr, addr: addr, command: []string{file, "--sentinel"}, tb: tb}
		process.Run()
		tb.Cleanup(process.Kill)
		c := redis.NewSentinelClient(&redis.Options{Addr: addr, DialTimeout: time.Second})
		tb.Cleanup(func() { _ = c.Close() })
		s.sentinels, addrs = append(s.sentinels, c), append(addrs, addr)
	}
	s.URL = "redis+sentinel://" + strings.Join(addrs, ",") + "/" + masterName
	ctx := context.Background()
	for _, c := range s.sentinels {
		within(tb, "the sentinels do not find each other and the replica", func() bool {
			replicas, err := c.Slaves(ctx, masterName).Result()
			others, err2 := c.Sentinels(ctx, masterName).Result()
			return err == nil && err2 == nil && len(replicas) == 1 && len(others) == sentinels-1
		})
	}
	s.Synced()
	return s
}

// Synced waits until the replica has all that was written by now.
func (s *Set) Synced() {
	s.tb.Helper()
	written := s.offset(s.Master, "master_repl_offset")
	within(s.tb, "the replica does not follow", func() bool { return s.offset(s.Replica, "slave_repl_offset") >= written })
}

// offset is how many bytes of the master's changes a server has, as it says under that name; -1 where it follows none.
func (s *Set) offset(server *Server, name string) int64 {
	n, err := strconv.ParseInt(s.replication(server)[name], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// replication is what a server's INFO says of it.
func (s *Set) replication(server *Server) map[string]string {
	c := server.Client()
	defer func() { _ = c.Close() }()
	said := map[string]string{}
	for line := range strings.Lines(c.Info(context.Background(), "replication").Val()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		said[name] = value
	}
	return said
}

// Wake has the sentinels notice a dead master from now on, and waits until they have made the replica the master.
func (s *Set) Wake() {
	s.tb.Helper()
	for _, c := range s.sentinels {
		if err := c.Set(context.Background(), masterName, "down-after-milliseconds", awake).Err(); err != nil {
			s.tb.Fatal(err)
		}
	}
	within(s.tb, "the replica does not become the master", func() bool { return s.replication(s.Replica)["role"] == "master" })
}
