package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/recon3d/recon3d/infra/local/gateway"
	"github.com/recon3d/recon3d/infra/local/manifest"
)

// functionPort is where each web function's container listens; its name in the network is the function's.
const functionPort = "9000"

// again is the pause between two questions whether a container that is being started listens.
const again = 50 * time.Millisecond

func runGateway(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("host gateway", flag.ContinueOnError)
	listen := flags.String("listen", ":8080", "the `ADDRESS` to listen on")
	published := flags.String("published", "127.0.0.1", "the host's `ADDRESS` at which the container is published")
	auth := flags.String("auth-mode", "", "the functions' AUTH_MODE")
	if err := parse(flags, args); err != nil {
		return err
	}
	if ip := net.ParseIP(*published); *auth == "none" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s would open the system to the network while AUTH_MODE=none lets everybody in: publish it at 127.0.0.1 (BIND), or set AUTH_MODE=jwt", *published)
	}
	d, routes, err := readDeployment()
	if err != nil {
		return err
	}
	g, err := gateway.New(routes, upstreams(d), slog.Default())
	if err != nil {
		return err
	}
	return serve(ctx, *listen, g)
}

// upstreams are the containers of the web functions.
func upstreams(d manifest.Deployment) map[string]gateway.Upstream {
	all := map[string]gateway.Upstream{}
	for _, f := range d.Functions {
		if f.Kind == manifest.Web {
			address := net.JoinHostPort(f.Name, functionPort)
			all[f.Name] = gateway.Upstream{Address: address, Timeout: f.Timeout, Wait: func(ctx context.Context) error { return accepts(ctx, address) }}
		}
	}
	return all
}

// accepts returns when somebody listens at address, or why not once ctx is done.
func accepts(ctx context.Context, address string) error {
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(again):
		}
	}
}
