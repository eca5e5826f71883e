package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/recon3d/recon3d/infra/local/supervise"
)

// nchanModule is where Debian has it.
const nchanModule = "/usr/lib/nginx/modules/ngx_nchan_module.so"

// nchanConfig has one worker in the master's place, so that one process has all that nginx takes.
const nchanConfig = `
load_module MODULE;
user USER;
daemon off;
master_process off;
worker_processes 1;
pid DIR/pid;
error_log stderr warn;
events { worker_connections 32768; }
http {
	access_log off;
	client_body_temp_path DIR/body;
	proxy_temp_path DIR/proxy;
	fastcgi_temp_path DIR/fastcgi;
	uwsgi_temp_path DIR/uwsgi;
	scgi_temp_path DIR/scgi;
	keepalive_requests 1000000;
	nchan_shared_memory_size 1G;
	upstream redis { nchan_redis_server redis://REDIS; }
	server {
		listen 127.0.0.1:PORT backlog=4096;
		location ~ ^/publish/(.+)$ {
			nchan_publisher;
			nchan_channel_id $1;
			nchan_redis_pass redis;
			nchan_message_buffer_length 64;
			nchan_message_timeout 1h;
		}
		location ~ ^/events/(.+)$ {
			nchan_subscriber eventsource;
			nchan_channel_id $1;
			nchan_redis_pass redis;
			nchan_subscriber_first_message oldest;
			nchan_eventsource_ping_interval 15;
		}
	}
}
`

// openNchan is Debian's nginx with nchan, over a Redis of its own.
func openNchan(ctx context.Context, _ *bench, dir string) (_ venue, err error) {
	path, err := exec.LookPath("nginx")
	if err == nil {
		_, err = os.Stat(nchanModule)
	}
	if err != nil {
		return nil, skip("there is no nginx with nchan (infra/bench/peers/setup-nchan installs Debian's)")
	}
	p := &peer{subscribe: "/events/", publishTo: func(topic string, _ int64) string { return "/publish/" + topic }}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.redis, err = startRedis(ctx, filepath.Join(dir, "redis")); err != nil {
		return nil, err
	}
	port, release, err := supervise.ReservePort()
	if err != nil {
		return nil, err
	}
	defer release()
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	config := strings.NewReplacer("MODULE", nchanModule, "USER", me.Username, "DIR", dir, "REDIS", p.redis.address,
		"PORT", strconv.Itoa(port)).Replace(nchanConfig)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	if p.server, err = spawn("nginx", path, []string{"-p", dir, "-c", file}, nil); err != nil {
		return nil, err
	}
	p.server.address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p.known = traits{address: p.server.address, numberInData: true, lanes: peerLanes}
	return p, p.accepting(ctx)
}

// accepting waits until it takes events, for it does not say when it listens, and when its Redis is there.
func (p *peer) accepting(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		first := poster{}
		err := first.post(ctx, p.known.address, p.publishTo("first", 1), []byte("1"))
		if err := errors.Join(err, first.close()); err == nil {
			return p.known.hasAnswered(p.server)
		}
		select {
		case <-p.server.ended:
			return p.server.trouble("ended before it took an event")
		case <-ctx.Done():
			return fmt.Errorf("%s takes no event: %w", p.server.name, err)
		default:
			pause()
		}
	}
}
