// Package redisserver is the Redis of this machine: a redis-server process that keeps its data in a folder, or, where there
// is none, an embedded one that keeps it in memory.
package redisserver

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/infra/local/supervise"
)

// Program is the server's name on the PATH.
const Program = "redis-server"

// Find tells where redis-server is, and whether it is on this machine at all.
func Find() (path string, ok bool) {
	path, err := exec.LookPath(Program)
	return path, err == nil
}

// Server is a redis-server on a loopback port.
type Server struct {
	Path     string // of the program
	Dir      string // where its append-only file is
	Port     int
	Password string // of letters and digits
}

// URL is its REDIS_URL.
func (s Server) URL() string {
	u := url.URL{Scheme: "redis", User: url.UserPassword("", s.Password), Host: s.address(), Path: "/0"}
	return u.String()
}

// Spec says how to run it; it makes the folder. It answers only after it has loaded its data.
func (s Server) Spec() (supervise.Spec, error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return supervise.Spec{}, fmt.Errorf("make the folder of Redis: %w", err)
	}
	client := redis.NewClient(&redis.Options{Addr: s.address(), Password: s.Password, MaxRetries: -1})
	return supervise.Spec{
		Name: "redis", Path: s.Path, Args: []string{"-"}, Stdin: s.config(), Dir: s.Dir, Env: os.Environ(),
		Probe: func(ctx context.Context) error { return client.Ping(ctx).Err() },
	}, nil
}

func (s Server) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// config is read from standard input, so that no list of processes shows the password. What was answered survives the end
// of the process; the last second may be lost with the machine (appendfsync everysec).
func (s Server) config() string {
	return strings.Join([]string{
		"bind 127.0.0.1",
		"port " + strconv.Itoa(s.Port),
		"requirepass " + s.Password,
		"appendonly yes",
		"appendfsync everysec",
		`save ""`,
		"daemonize no",
		"loglevel warning",
		"",
	}, "\n")
}
