package main

import (
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"
)

// newEarOn is an ear, and the other end of its connection.
func newEarOn(t *testing.T) (e, far net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	rdb := redis.NewClient(&redis.Options{Addr: listener.Addr().String()})
	defer rdb.Close()
	e, err = listening(rdb).(*redis.Client).Options().Dialer(t.Context(), "tcp", listener.Addr().String())
	must(t, err)
	t.Cleanup(func() { _ = e.Close() })
	far, err = listener.Accept()
	must(t, err)
	t.Cleanup(func() { _ = far.Close() })
	if _, ok := e.(*ear); !ok {
		t.Fatalf("a subscription is read by a %T", e)
	}
	return e, far
}

func TestAnEarHearsAllInOrder(t *testing.T) {
	e, far := newEarOn(t)
	said := make([]byte, 1<<20)
	for i := range said {
		said[i] = byte(i * i >> 8)
	}
	go func() {
		for rest := said; len(rest) > 0; {
			n := min(len(rest), 1+len(rest)%5000)
			if _, err := far.Write(rest[:n]); err != nil {
				return // the reader says so
			}
			rest = rest[n:]
		}
	}()
	heard := make([]byte, len(said))
	_, err := io.ReadFull(e, heard)
	must(t, err)
	if string(heard) != string(said) {
		t.Error("heard something else than what was said")
	}
	_, err = e.Write([]byte("thanks"))
	must(t, err)
	_, err = io.ReadFull(far, heard[:6])
	must(t, err)
	if string(heard[:6]) != "thanks" {
		t.Errorf("the other end heard %q", heard[:6])
	}
	must(t, far.Close())
	if _, err := e.Read(heard); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

func TestAnEarsDeadlines(t *testing.T) {
	e, far := newEarOn(t)
	b := make([]byte, 1<<20)
	for _, d := range []time.Duration{-time.Second, 20 * time.Millisecond} {
		must(t, e.SetDeadline(time.Now().Add(d)))
		_, err := e.Read(b)
		var trouble net.Error
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &trouble) || !trouble.Timeout() {
			t.Errorf("nothing came within %s: %v", d, err)
		}
	}
	var err error
	for err == nil {
		_, err = e.Write(b) // which nobody reads
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nothing was taken in time: %v", err)
	}
	must(t, e.SetDeadline(time.Time{}))
	_, err = far.Write([]byte("late"))
	must(t, err)
	n, err := e.Read(b)
	must(t, err)
	if string(b[:n]) != "late" {
		t.Errorf("heard %q", b[:n])
	}
}

func TestAnEarThatIsClosedHearsNothing(t *testing.T) {
	e, _ := newEarOn(t)
	heard := make(chan error)
	go func() {
		_, err := e.Read(make([]byte, 1))
		heard <- err
	}()
	reading := regexp.MustCompile(`\[syscall[^\n]*\n(?:[^\n]+\n)*[^\n]*\(\*ear\)\.Read`)
	stacks := make([]byte, 1<<20)
	waitUntil(t, func() bool { return reading.Match(stacks[:runtime.Stack(stacks, true)]) })
	must(t, e.Close())
	if err := <-heard; err == nil {
		t.Error("a closed connection was read from")
	}
}
