package main

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// proxy passes connections on to a server and counts the round trips on them: each time a client sends after it has been
// answered, or for the first time. A pipeline, which waits for nothing, is one.
type proxy struct {
	address  string
	server   string
	listener net.Listener
	trips    atomic.Int64
	running  sync.WaitGroup
}

// startProxy ends with ctx.
func startProxy(ctx context.Context, server string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{address: l.Addr().String(), server: server, listener: l}
	context.AfterFunc(ctx, func() { _ = l.Close() }) // nothing is lost
	p.running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			p.running.Go(func() { p.pass(ctx, client) })
		}
	})
	return p, nil
}

// take tells how many round trips there were since it was asked last.
func (p *proxy) take() int64 { return p.trips.Swap(0) }

// pass passes one connection on until either side closes it.
func (p *proxy) pass(ctx context.Context, client net.Conn) {
	server, err := new(net.Dialer).DialContext(ctx, "tcp", p.server)
	if err != nil {
		_ = client.Close() // that is how the client is told
		return
	}
	end := sync.OnceFunc(func() { _ = errors.Join(client.Close(), server.Close()) })
	stop := context.AfterFunc(ctx, end)
	defer stop()
	var asking atomic.Bool // the client spoke last
	p.running.Go(func() {
		defer end()
		_, _ = io.Copy(client, tap{server, func() { asking.Store(false) }}) // ends with the connection
	})
	defer end()
	_, _ = io.Copy(server, tap{client, func() {
		if asking.CompareAndSwap(false, true) {
			p.trips.Add(1)
		}
	}})
}

// tap tells of each piece that is read, before it is passed on.
type tap struct {
	io.Reader
	heard func()
}

func (t tap) Read(b []byte) (int, error) {
	n, err := t.Reader.Read(b)
	if n > 0 {
		t.heard()
	}
	return n, err
}
