package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// proxy passes Redis' connections on to a server and counts the round trips on them: commands that are begun when all before them have been
// answered. A pipeline, which waits for nothing, is one, however many pieces it comes in.
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
	var waiting atomic.Int64 // commands that have begun and are not answered
	p.running.Go(func() {
		defer end()
		_ = passValues(client, server, nil, func() { waiting.Add(-1) }) // ends with the connection
	})
	defer end()
	_ = passValues(server, client, func() {
		if waiting.Add(1) == 1 {
			p.trips.Add(1)
		}
	}, nil)
}

// passValues copies values of Redis' protocol (RESP2, https://redis.io/docs/latest/develop/reference/protocol-spec/), of which commands are some, and
// tells of each before its first byte and after its last one are passed on.
func passValues(to io.Writer, from io.Reader, begun, ended func()) error {
	w := bufio.NewWriter(to)
	r := bufio.NewReader(prompt{from, w})
	for {
		if _, err := r.Peek(1); err != nil {
			return err
		}
		if begun != nil {
			begun()
		}
		if err := passValue(w, r); err != nil {
			return err
		}
		if ended != nil {
			ended()
		}
	}
}

// prompt passes on what has been read before it reads on.
type prompt struct {
	io.Reader
	held *bufio.Writer
}

func (p prompt) Read(b []byte) (int, error) {
	if err := p.held.Flush(); err != nil {
		return 0, err
	}
	return p.Reader.Read(b)
}

// passValue copies one value with all that is in it.
func passValue(w *bufio.Writer, r *bufio.Reader) error {
	line, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	if _, err := w.WriteString(line); err != nil {
		return err
	}
	if line[0] != '$' && line[0] != '*' {
		return nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	if err != nil {
		return err
	}
	if line[0] == '$' && n >= 0 { // -1 is null
		_, err := io.CopyN(struct{ io.Writer }{w}, r, int64(n)+2) // not by its ReadFrom, in which prompt can't flush
		return err
	}
	if line[0] == '*' {
		for range max(0, n) {
			if err := passValue(w, r); err != nil {
				return err
			}
		}
	}
	return nil
}
