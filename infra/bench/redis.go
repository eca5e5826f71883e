package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/infra/local/supervise"
)

// redisFsync is when Redis writes through to the disk: as on the local host, and as the vendor sets it.
const redisFsync = "everysec"

// startRedis starts a server of its own over that folder, settings being more of its arguments. It has no password, for
// setting up a connection would count among the round trips.
func startRedis(ctx context.Context, dir string, settings ...string) (*process, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, skip("there is no redis-server on the PATH (Debian's package redis-server has it)")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	port, release, err := supervise.ReservePort()
	if err != nil {
		return nil, err
	}
	defer release()
	p, err := spawn("redis-server", path, append([]string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", dir,
		"--appendonly", "yes", "--appendfsync", redisFsync, "--save", "",
	}, settings...), os.Environ())
	if err != nil {
		return nil, err
	}
	p.address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := redis.NewClient(&redis.Options{Addr: p.address, MaxRetries: -1})
	defer func() { _ = client.Close() }() // nothing is under way
	for {
		err := client.Ping(ctx).Err()
		if err == nil {
			return p, nil
		}
		select {
		case <-p.ended:
			return nil, p.trouble("ended before it answered")
		case <-ctx.Done():
			p.kill()
			return nil, fmt.Errorf("redis-server does not answer: %w", err)
		default:
			pause()
		}
	}
}
