package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/recon3d/recon3d/infra/local/console"
	"github.com/recon3d/recon3d/infra/local/supervise"
)

// network is every connection between two processes: each pair speaks over a link of its own, which a toxiproxy (a process, unmodified)
// can cut or harm.
type network struct {
	proxy *unit
	api   string
	http  *http.Client
	links map[string]string // addresses to dial, host:port, by the link's name
	names map[string]string // the other way
	free  []func()
}

func startNetwork(ctx context.Context, program string, c *console.Console) (*network, error) {
	n := &network{links: map[string]string{}, names: map[string]string{}, http: &http.Client{Timeout: 10 * time.Second}}
	address, err := n.reserve()
	if err != nil {
		return nil, err
	}
	n.api = "http://" + address
	_, port, _ := net.SplitHostPort(address) // it was joined
	n.proxy = launch(supervise.Spec{
		Name: "toxiproxy", Path: program, Args: []string{"-host", "127.0.0.1", "-port", port},
		Env:   []string{"LOG_LEVEL=error"},
		Probe: func(ctx context.Context) error { return dial(ctx, address) },
	}, c)
	return n, n.proxy.wait(ctx)
}

// reserve takes a loopback port that nobody else is given.
func (n *network) reserve() (address string, err error) {
	port, release, err := supervise.ReservePort()
	if err != nil {
		return "", err
	}
	n.free = append(n.free, release)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), nil
}

func dial(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// link makes a link to an address. Nobody need listen there yet.
func (n *network) link(ctx context.Context, name, to string) error {
	address, err := n.reserve()
	if err != nil {
		return err
	}
	n.links[name], n.names[address] = address, name
	return n.call(ctx, http.MethodPost, "/proxies", map[string]any{"name": name, "listen": address, "upstream": to, "enabled": true})
}

// url is where a link begins.
func (n *network) url(link string) string {
	address, known := n.links[link]
	if !known {
		panic("there is no link " + link) // see links
	}
	return "http://" + address
}

// enable lets a link carry anything, or closes its connections and refuses new ones.
func (n *network) enable(ctx context.Context, link string, enabled bool) error {
	return n.call(ctx, http.MethodPost, "/proxies/"+url.PathEscape(link), map[string]any{"enabled": enabled})
}

// harm adds a toxic of that type, by toxiproxy's names, to what flows back ("downstream") or forth ("upstream").
func (n *network) harm(ctx context.Context, link, toxic, stream string, attributes map[string]int) error {
	return n.call(ctx, http.MethodPost, "/proxies/"+url.PathEscape(link)+"/toxics", map[string]any{
		"name": toxic + stream, "type": toxic, "stream": stream, "toxicity": 1.0, "attributes": attributes,
	})
}

// heal takes the toxics off. Connections that one of them has broken are closed with the link's own closing.
func (n *network) heal(ctx context.Context, link string, toxics ...string) error {
	for _, t := range toxics {
		if err := n.call(ctx, http.MethodDelete, "/proxies/"+link+"/toxics/"+t, nil); err != nil {
			return err
		}
	}
	return nil
}

func (n *network) call(ctx context.Context, method, path string, body any) error {
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, n.api+path, &content)
	if err != nil {
		return err
	}
	res, err := n.http.Do(r)
	if err != nil {
		return fmt.Errorf("toxiproxy: %w", err)
	}
	said, err := io.ReadAll(res.Body)
	_ = res.Body.Close() // it was read
	if err != nil || res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("toxiproxy: %s %s: %s %s", method, path, res.Status, said)
	}
	return nil
}

func (n *network) close(ctx context.Context) {
	if n.proxy != nil {
		n.proxy.stop(ctx)
	}
	for _, release := range n.free {
		release()
	}
}
