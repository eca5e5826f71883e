package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/recon3d/recon3d/shared/httpjson"
)

// lean sends to many clients without a goroutine, a buffer or a timer for each. It takes their connections from net/http, once
// the request is read, and keeps of each a descriptor in an epoll instance. Whoever has an event (the bell, a reading, the
// wheel) marks the clients that it is for and then writes to their sockets itself, without blocking; where they are many,
// the senders do. A client whose socket is full waits in the topic's log, at its cursor, until epoll tells of room.
type lean struct {
	file  *os.File // the epoll instance, which the runtime's own waits for
	epoll int
	ended chan struct{}

	mu    sync.Mutex
	conns []*conn // by descriptor
	taken int32   // so many so far; tells a connection from an earlier one with its descriptor
	woken []*conn // to be served

	senders chan []*conn
	buffers sync.Pool // of *[]byte
}

const (
	// alone is up to how many clients are served by whoever woke them.
	alone = 16
	// share is how many a sender takes at once.
	share = 128
)

// newLean makes the lean way. It runs until it is closed.
func newLean() (*lean, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(fmt.Errorf("epoll: %w", err), unix.Close(fd))
	}
	l := &lean{
		epoll: fd, file: os.NewFile(uintptr(fd), "epoll"), ended: make(chan struct{}), senders: make(chan []*conn, 1024),
		buffers: sync.Pool{New: func() any { return new([]byte) }},
	}
	ready, err := l.file.SyscallConn()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("epoll: %w", err), l.file.Close())
	}
	go l.listen(ready)
	for range runtime.GOMAXPROCS(0) {
		go l.send()
	}
	return l, nil
}

// close ends what newLean began. No client may be left.
func (l *lean) close() error {
	close(l.ended)
	return l.file.Close()
}

// take makes the answer to r, whose headers are set in w, a lean one: from then on it has the connection for itself, and calls left
// at the client's end. It is false, and nothing is done, where the connection can't be had: under TLS and HTTP/2, and where
// no server of net/http is.
func (l *lean) take(w http.ResponseWriter, r *http.Request, from *follower, left func()) bool {
	_, served := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !served || r.TLS != nil || r.ProtoMajor != 1 {
		return false
	}
	stolen, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	c := &conn{lean: l, left: left, framed: framing(r.ProtoAtLeast(1, 1))}
	c.hand(c, from.hub, from.topic, from.at, from.waits)
	c.requestID = string([]byte(httpjson.RequestID(r.Context()))) // a part of the headers would keep them all
	c.head = head(w.Header(), c.framed)
	if err := l.begin(c, stolen); err != nil {
		c.ended(c.requestID, endLeft, fmt.Errorf("take connection: %w", err))
		c.hub.leave(c.topic)
		left()
		return true
	}
	c.wake()
	l.flush()
	return true
}

// head is what net/http writes before a body whose length it does not know, so that it leaves together with the first events.
func head(h http.Header, f framing) []byte {
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	b := bytes.NewBufferString("HTTP/1.0 200 OK\r\n")
	if f == chunked {
		b.Reset()
		b.WriteString("HTTP/1.1 200 OK\r\n")
		h.Set("Transfer-Encoding", "chunked")
	}
	h.Write(b) //nolint:errcheck // a buffer takes all
	b.WriteString("\r\n")
	return b.Bytes()
}

// begin has c followed and its socket watched. The lock keeps whoever notices that the client has left from ending what has not
// yet begun.
func (l *lean) begin(c *conn, stolen net.Conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := errors.Join(l.add(c, stolen), stolen.Close()); err != nil { // the socket lives on by our descriptor
		return err
	}
	c.hub.follow(c, &c.follower)
	return nil
}

// add registers a connection's socket, by a descriptor of our own.
func (l *lean) add(c *conn, stolen net.Conn) error {
	socket, ok := stolen.(syscall.Conn)
	if !ok {
		return fmt.Errorf("a %T is no socket", stolen)
	}
	fd, err := duplicate(socket)
	if err != nil {
		return err
	}
	c.fd = int32(fd)
	l.mu.Lock()
	l.taken++
	c.serial = l.taken
	for len(l.conns) <= fd {
		l.conns = append(l.conns, nil)
	}
	l.conns[fd] = c
	l.mu.Unlock()
	if err := c.register(unix.EPOLL_CTL_ADD, unix.EPOLLIN|unix.EPOLLRDHUP); err != nil {
		l.forget(c)
		return errors.Join(err, unix.Close(fd))
	}
	return nil
}

func (l *lean) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c.fd] = nil
}

// find tells the connection that an event is about, nil if it is not there any more.
func (l *lean) find(e unix.EpollEvent) *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.conns[e.Fd]; c != nil && c.serial == e.Pad {
		return c
	}
	return nil
}

// listen takes what epoll tells, until l is closed. An epoll instance can be waited for like a socket: no thread blocks.
func (l *lean) listen(ready syscall.RawConn) {
	events := make([]unix.EpollEvent, 256)
	scratch := make([]byte, 4<<10)
	for {
		var n int
		var failed error
		err := ready.Read(func(fd uintptr) bool {
			n, failed = unix.EpollWait(int(fd), events, 0)
			return n > 0 || failed != nil && !errors.Is(failed, unix.EINTR)
		})
		switch {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil || failed != nil:
			slog.Error("epoll failed; clients that leave are noticed by writing", "error", errors.Join(err, failed))
			return
		}
		for _, e := range events[:n] {
			c := l.find(e)
			switch {
			case c == nil:
			case e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0:
				c.signal(sigLeft) // an EventSource never closes one side only
			default:
				if e.Events&unix.EPOLLIN != 0 {
					c.hear(scratch)
				}
				if e.Events&unix.EPOLLOUT != 0 {
					c.room()
				}
			}
		}
		l.flush()
	}
}

// flush serves the clients that were woken.
func (l *lean) flush() {
	var few [alone]*conn
	var many []*conn
	l.mu.Lock()
	n := len(l.woken)
	if n <= alone {
		copy(few[:], l.woken)
		clear(l.woken)
		l.woken = l.woken[:0]
	} else {
		many, l.woken = l.woken, nil
	}
	l.mu.Unlock()
	if n <= alone {
		l.serve(few[:n])
		return
	}
	for part := range slices.Chunk(many, share) {
		select {
		case l.senders <- part:
		default: // they are behind: whoever comes helps, and so comes more slowly
			l.serve(part)
		}
	}
}

func (l *lean) send() {
	for {
		select {
		case part := <-l.senders:
			l.serve(part)
		case <-l.ended:
			return
		}
	}
}

func (l *lean) serve(conns []*conn) {
	if len(conns) == 0 {
		return
	}
	buf := l.buffers.Get().(*[]byte)
	for _, c := range conns {
		*buf = c.serve(*buf)
	}
	l.buffers.Put(buf)
}
