package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-redis/redis/v8"
	"golang.org/x/sys/unix"
)

// ear is the bell's connection as a thread of its own reads it. After each reading it naps, and takes together what has come
// meanwhile, as network cards do (interrupt coalescing): with thousands of events a second, waking for each of them costs more
// than the event does, here and in Redis, whose write is what wakes. What comes after a silence is told at once.
//
// A nap only helps where nothing is woken by the socket meanwhile, so it is none of the runtime's poller: reading blocks the
// thread, and deadlines are the socket's timeouts.
type ear struct {
	net.Conn // closed; it knows the addresses
	file     *os.File
	socket   syscall.RawConn
	tired    bool // something was read, and not all there was room for

	readLimit, writeLimit atomic.Int64 // the socket's timeouts, 0: none
}

const (
	// nap is how long an event may wait for others: a quarter of the 2 ms in which 99 of 100 are to be with their clients. Twice as
	// long would save a tenth more of the relay's CPU at 5,000 events a second.
	nap = 500 * time.Microsecond
	// limitStep is to what timeouts are rounded up, so that most need not be set anew.
	limitStep = 10 * time.Millisecond
)

// listening is a client like rdb whose subscriptions are read by ears, where they can be: not under TLS, and not of a cluster.
func listening(rdb redis.UniversalClient) redis.UniversalClient {
	c, ok := rdb.(*redis.Client)
	if !ok {
		return rdb
	}
	o := *c.Options()
	dial := o.Dialer
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
			return newEar(tcp)
		}
		return conn, err
	}
	o.MinIdleConns, o.IdleCheckFrequency = 0, -1 // it has subscriptions only, and nothing to tend
	return redis.NewClient(&o)
}

// newEar takes a connection over.
func newEar(c *net.TCPConn) (net.Conn, error) {
	fd, err := duplicate(c)
	if err = errors.Join(err, c.Close()); err != nil { // the socket lives on by our descriptor
		return nil, fmt.Errorf("take connection: %w", err)
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		return nil, errors.Join(fmt.Errorf("take connection: %w", err), unix.Close(fd))
	}
	e := &ear{Conn: c, file: os.NewFile(uintptr(fd), "redis")}
	if e.socket, err = e.file.SyscallConn(); err != nil {
		return nil, errors.Join(err, e.file.Close())
	}
	return e, nil
}

// duplicate makes another descriptor of a connection's socket.
func duplicate(c syscall.Conn) (fd int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd = -1
	e := raw.Control(func(theirs uintptr) { fd, err = unix.FcntlInt(theirs, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(e, err)
}

// Read implements net.Conn. There is one reader.
func (e *ear) Read(b []byte) (int, error) {
	if e.tired {
		t := unix.NsecToTimespec(int64(nap))
		_ = unix.Nanosleep(&t, nil) // shorter where a signal comes
	}
	n, err := e.file.Read(b)
	e.tired = 0 < n && n < len(b)
	return n, timedOut(err)
}

// Write implements net.Conn.
func (e *ear) Write(b []byte) (int, error) {
	n, err := e.file.Write(b)
	return n, timedOut(err)
}

// timedOut has an operation that took too long end as net's do.
func timedOut(err error) error {
	if errors.Is(err, unix.EAGAIN) {
		return os.ErrDeadlineExceeded
	}
	return err
}

// Close implements net.Conn. What is being read or written ends.
func (e *ear) Close() error {
	var err error
	shut := e.socket.Control(func(fd uintptr) { err = unix.Shutdown(int(fd), unix.SHUT_RDWR) })
	if errors.Is(err, unix.ENOTCONN) { // from the other side
		err = nil
	}
	return errors.Join(shut, err, e.file.Close())
}

// SetDeadline implements net.Conn. Unlike net's, a deadline is of what begins after it, and only so precise as limitStep.
func (e *ear) SetDeadline(t time.Time) error {
	return errors.Join(e.SetReadDeadline(t), e.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (e *ear) SetReadDeadline(t time.Time) error { return e.limit(unix.SO_RCVTIMEO, &e.readLimit, t) }

// SetWriteDeadline implements net.Conn.
func (e *ear) SetWriteDeadline(t time.Time) error { return e.limit(unix.SO_SNDTIMEO, &e.writeLimit, t) }

// limit sets a timeout of the socket (socket(7)), where it is another than before.
func (e *ear) limit(option int, present *atomic.Int64, until time.Time) error {
	d := time.Duration(0) // none
	if !until.IsZero() {
		d = max(time.Until(until), 0).Truncate(limitStep) + limitStep
	}
	if present.Swap(int64(d)) == int64(d) {
		return nil
	}
	timeout := unix.NsecToTimeval(int64(d))
	var err error
	failed := e.socket.Control(func(fd uintptr) { err = unix.SetsockoptTimeval(int(fd), unix.SOL_SOCKET, option, &timeout) })
	if err = errors.Join(failed, err); err != nil {
		return fmt.Errorf("set timeout: %w", err)
	}
	return nil
}
