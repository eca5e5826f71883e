package redisserver

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/infra/local/console"
	"github.com/recon3d/recon3d/infra/local/supervise"
)

func start(t *testing.T, dir string) (*supervise.Process, *redis.Client, Server) {
	t.Helper()
	path, ok := Find()
	if !ok {
		t.Fatal("redis-server is not installed: make test installs it, or: apt-get install redis-server")
	}
	port, release, err := supervise.ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	s := Server{Path: path, Dir: dir, Port: port, Password: "s3cret"}
	spec, err := s.Spec()
	if err != nil {
		t.Fatal(err)
	}
	p := supervise.Start(spec, console.New(io.Discard, false, slog.LevelInfo))
	t.Cleanup(func() { p.Stop(context.Background()) })
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p, client(t, s.URL()), s
}

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestDataOutlivesTheServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "redis")
	p, c, _ := start(t, dir)
	if err := c.Set(t.Context(), "a", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	pid := p.Pid()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for p.Pid() == pid { // until the supervisor knows
		_ = c.Ping(t.Context()) // takes its time, and may fail
	}
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Get(t.Context(), "a").Result(); got != "1" || err != nil {
		t.Errorf("after a kill: got %q, %v", got, err)
	}
	if err := c.Set(t.Context(), "b", "2", 0).Err(); err != nil {
		t.Fatal(err)
	}
	p.Stop(t.Context())

	_, c, _ = start(t, dir)
	if got, err := c.MGet(t.Context(), "a", "b").Result(); err != nil || len(got) != 2 || got[0] != "1" || got[1] != "2" {
		t.Errorf("after a stop: got %v, %v", got, err)
	}
}

func TestIsProtected(t *testing.T) {
	p, _, s := start(t, t.TempDir())
	if err := client(t, strings.Replace(s.URL(), ":s3cret@", "", 1)).Ping(t.Context()).Err(); err == nil || !strings.HasPrefix(err.Error(), "NOAUTH") {
		t.Errorf("without a password: %v", err)
	}
	args, err := os.ReadFile("/proc/" + strconv.Itoa(p.Pid()) + "/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(args), s.Password) {
		t.Errorf("the list of processes shows the password: %q", args)
	}
}

func TestEmbedded(t *testing.T) {
	e, err := StartEmbedded("s3cret")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	c := client(t, e.URL("s3cret"))
	if err := c.Set(t.Context(), "a", "1", time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	for { // keys end by themselves
		if err := c.Get(t.Context(), "a").Err(); errors.Is(err, redis.Nil) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
