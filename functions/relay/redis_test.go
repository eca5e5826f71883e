package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"
)

// redisServer is a real Redis of one test, which the test may stop, kill and start again.
type redisServer struct {
	t       *testing.T
	addr    string
	dir     string
	process *exec.Cmd
	client  *redis.Client // the test's own
}

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("redis-server is not installed: apt-get install redis-server")
	}
	r := &redisServer{t: t, dir: t.TempDir()}
	// Redis takes no port of the system's choosing, so somebody may be faster than we.
	for range 10 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		r.addr = l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if r.start() {
			r.client = redis.NewClient(&redis.Options{Addr: r.addr})
			t.Cleanup(func() {
				r.client.Close() //nolint:errcheck // nothing to lose
				r.kill()
			})
			return r
		}
	}
	t.Fatalf("redis-server did not start:\n%s", r.log())
	return nil
}

// start runs the server on its port over its data, and tells whether it came up.
func (r *redisServer) start() bool {
	r.t.Helper()
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.process = exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", r.dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--logfile", filepath.Join(r.dir, "log"))
	if err := r.process.Start(); err != nil {
		r.t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- r.process.Wait() }()
	probe := redis.NewClient(&redis.Options{Addr: r.addr, MaxRetries: -1})
	defer probe.Close() //nolint:errcheck // nothing to lose
	for {
		if probe.Ping(context.Background()).Err() == nil {
			return true
		}
		select {
		case <-exited:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (r *redisServer) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.process.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// kill ends the server as a crash does.
func (r *redisServer) kill() {
	r.t.Helper()
	if err := r.process.Process.Kill(); err != nil && !strings.Contains(err.Error(), "finished") {
		r.t.Error(err)
	}
	for { // until nobody answers on the port
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			return
		}
		c.Close() //nolint:errcheck // nothing to lose
	}
}

func (r *redisServer) log() string {
	b, err := os.ReadFile(filepath.Join(r.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// subscribers counts the subscription connections to Redis.
func (r *redisServer) subscribers() int {
	r.t.Helper()
	list, err := r.client.Do(context.Background(), "CLIENT", "LIST", "TYPE", "pubsub").Text()
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.Count(list, "\n")
}
