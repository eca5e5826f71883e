package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/redisdb"
)

// swallower is a proxy before Redis that answers everything but, while it is told to, passes on no message of a subscription.
type swallower struct {
	address  string
	swallows atomic.Bool
	eaten    atomic.Int64
}

func newSwallower(t *testing.T, redisURL string) *swallower {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &swallower{address: l.Addr().String()}
	var running sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	running.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", strings.TrimPrefix(redisURL, "redis://"))
			if err != nil {
				near.Close()
				continue
			}
			mu.Lock()
			conns = append(conns, near, far)
			mu.Unlock()
			running.Go(func() { io.Copy(far, near); far.Close() }) //nolint:errcheck // either side may close
			running.Go(func() { s.copy(near, far); near.Close() })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return s
}

// copy passes on what Redis says, reply by reply.
func (s *swallower) copy(to io.Writer, from io.Reader) {
	in := bufio.NewReader(from)
	for {
		reply, err := readReply(in)
		if err != nil {
			return
		}
		if s.swallows.Load() && bytes.HasPrefix(reply, []byte("*3\r\n$7\r\nmessage\r\n")) {
			s.eaten.Add(1)
			continue
		}
		if _, err := to.Write(reply); err != nil {
			return
		}
	}
}

// readReply reads a reply of RESP 2.
func readReply(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(line[1:])))
	switch line[0] {
	case '$':
		if n < 0 {
			return line, nil
		}
		body := make([]byte, n+2)
		_, err := io.ReadFull(in, body)
		return append(line, body...), err
	case '*':
		for range n {
			part, err := readReply(in)
			if err != nil {
				return nil, err
			}
			line = append(line, part...)
		}
	}
	return line, nil
}

// status asks whether the relay is ready.
func (w *world) status() int {
	w.t.Helper()
	return get(w.t, w.server.URL+"/ready").StatusCode
}

func TestASubscriptionThatLivesAndTellsNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		s := newSwallower(t, w.redis.URL)
		rdb, err := redisdb.Open(redisdb.Config{URL: "redis://" + s.address})
		must(t, err)
		defer rdb.Close()
		w.through(rdb, by, func(p *pace) {
			brisk(p)
			p.heartbeat = 300 * time.Millisecond
		})
		j := w.newJob().accept()
		c := watch(t, w.sseURL(j.id))
		expectNumbers(t, c.events(2), 1, 2)
		before := w.relay.count.probeFailures.Load() // a slow machine may have had some
		s.swallows.Store(true)
		j.result()
		expectNumbers(t, c.events(1), 3, 3)                                                                     // by the heartbeat
		waitUntil(t, func() bool { return w.relay.count.probeFailures.Load() > before && s.eaten.Load() >= 2 }) // the bell, and a probe
		s.swallows.Store(false)
		j.result().complete()
		expectNumbers(t, c.rest(), 4, 5)
	})
}

func TestReadiness(t *testing.T) {
	w := newWorld(t, leanly, brisk)
	ready := func(status int) func() bool { return func() bool { return w.status() == status } }
	waitUntil(t, ready(http.StatusNoContent))
	for name, outage := range map[string]struct{ begin, end func() }{
		"hangs": {
			func() { must(t, w.redis.Process().Signal(syscall.SIGSTOP)) },
			func() { must(t, w.redis.Process().Signal(syscall.SIGCONT)) },
		},
		"is killed": {w.redis.Kill, w.redis.Run},
	} {
		outage.begin()
		waitUntil(t, ready(http.StatusServiceUnavailable))
		resp := get(t, w.server.URL+"/ready")
		if code := problemCode(t, resp); code != "unavailable" {
			t.Errorf("Redis %s: problem %q", name, code)
		}
		outage.end()
		waitUntil(t, ready(http.StatusNoContent))
	}
	w.stop()
	waitUntil(t, ready(http.StatusServiceUnavailable))
}

// A function without clients has no subscription that could be lost.
func TestAFunctionIsReadyBeforeItsFirstClient(t *testing.T) {
	w := newWorld(t, byHTTP, nil)
	w.redis.Kill()
	if status := w.status(); status != http.StatusNoContent {
		t.Errorf("status %d", status)
	}
}

func TestRedisPauses(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, brisk)
		j := w.newJob().accept()
		c := watch(t, w.sseURL(j.id))
		expectNumbers(t, c.events(2), 1, 2)
		must(t, w.client.Do(t.Context(), "CLIENT", "PAUSE", "800", "ALL").Err())
		c.comments(3)
		waitUntil(t, func() bool { return w.relay.count.reconnects.Load() > 0 })
		j.result().complete() // waits for the end of the pause
		expectNumbers(t, c.rest(), 3, 4)
	})
}

func TestRedisIsRestartedUnderManyClients(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, brisk)
		var jobs []*job
		var clients []*client
		for i := range 200 {
			if i%10 == 0 {
				jobs = append(jobs, w.newJob().accept())
			}
			clients = append(clients, watch(t, w.sseURL(jobs[len(jobs)-1].id)))
		}
		const rounds, each = 3, 3
		for range rounds {
			for range each {
				for _, j := range jobs {
					j.result()
				}
			}
			w.redis.Kill()
			w.redis.Run()
		}
		for _, j := range jobs {
			j.result().complete()
		}
		for _, c := range clients {
			expectNumbers(t, c.rest(), 1, 2+rounds*each+2)
		}
	})
}
