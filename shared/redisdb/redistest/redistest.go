// Package redistest starts a real redis-server for a test.
package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"
)

// Server is a redis-server of one test, with its data in a folder of the test's, written through to the disk.
type Server struct {
	URL     string
	addr    string
	command []string // redis-server's arguments
	cmd     *exec.Cmd
	tb      testing.TB
}

// Start starts a server, which ends with the test. args are more of redis-server's own.
func Start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	port := reservePort(tb)
	addr := net.JoinHostPort("127.0.0.1", port)
	own := []string{"--bind", "127.0.0.1", "--port", port, "--dir", tb.TempDir(), "--appendonly", "yes", "--appendfsync", "always", "--save", ""}
	s := &Server{URL: "redis://" + addr, addr: addr, command: append(own, args...), tb: tb}
	s.Run()
	tb.Cleanup(s.Kill)
	return s
}

// Run starts the server again after Kill, over the same data, and waits until it answers.
func (s *Server) Run() {
	s.tb.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		s.tb.Fatal("no redis-server on this machine: install Debian's package redis-server (`make test` does where it may)")
	}
	s.cmd = exec.Command(path, s.command...)
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	c := s.Client()
	defer func() { _ = c.Close() }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		if err = c.Ping(context.Background()).Err(); err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.tb.Fatal(fmt.Errorf("redis-server does not answer: %w", err))
		}
	}
}

// Client makes a client of the server.
func (s *Server) Client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.addr, DialTimeout: time.Second, MaxRetries: -1})
}

// Kill ends the server at once (SIGKILL).
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended by itself
	_ = s.cmd.Wait()         // its end by a signal is no news
	s.cmd = nil
}

// Process is the running server, to be stopped and continued.
func (s *Server) Process() *os.Process { return s.cmd.Process }
