package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/taskstore"
)

// dial opens a connection and sends text on it.
func dial(t *testing.T, w *world, text string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.server.URL, "http://"))
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(conn, text)
	must(t, err)
	return conn.(*net.TCPConn)
}

// ask is a request for a task's stream, but for its last line end.
func (w *world) ask(taskID, version string) string {
	return "GET " + strings.TrimPrefix(w.sseURL(taskID), w.server.URL) + " " + version + "\r\nHost: x\r\n"
}

// answerOf reads the answer on a connection as a client.
func answerOf(t *testing.T, conn net.Conn) *client {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d", resp.StatusCode)
	}
	return &client{t: t, response: resp, lines: bufio.NewReader(resp.Body)}
}

func TestHeadersAreTheSame(t *testing.T) {
	var seen []http.Header
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		j := w.newJob()
		c := answerOf(t, dial(t, w, w.ask(j.id, "HTTP/1.1")+"X-Request-Id: r-1\r\n\r\n"))
		if !slices.Equal(c.response.TransferEncoding, []string{"chunked"}) {
			t.Errorf("transfer encoding %v", c.response.TransferEncoding)
		}
		for _, name := range []string{"Date", "X-Request-Id", "Content-Type"} {
			if c.response.Header.Get(name) == "" {
				t.Errorf("no %s", name)
			}
		}
		c.response.Header.Del("Date")
		c.response.Header.Del("Connection")
		seen = append(seen, c.response.Header)
	})
	if len(seen) == 2 && fmt.Sprint(seen[0]) != fmt.Sprint(seen[1]) {
		t.Errorf("by net/http %v, leanly %v", seen[0], seen[1])
	}
}

// A proxy may speak HTTP/1.0, which knows no chunks: the end of the connection is the end of the stream.
func TestHTTP10(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		j := w.newJob().accept()
		c := answerOf(t, dial(t, w, w.ask(j.id, "HTTP/1.0")+"\r\n"))
		expectNumbers(t, c.events(2), 1, 2)
		j.result().complete()
		expectNumbers(t, c.rest(), 3, 4)
		if len(c.response.TransferEncoding) > 0 {
			t.Errorf("transfer encoding %v", c.response.TransferEncoding)
		}
	})
}

func TestWhatAClientSendsChangesNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		j := w.newJob().accept()
		conn := dial(t, w, w.ask(j.id, "HTTP/1.1")+"\r\nGARBAGE \x00\xff after the request\r\n\r\n")
		c := answerOf(t, conn)
		expectNumbers(t, c.events(2), 1, 2)
		_, err := io.WriteString(conn, "and more\r\n\r\n")
		must(t, err)
		j.result()
		expectNumbers(t, c.events(1), 3, 3)
		j.complete()
		expectNumbers(t, c.rest(), 4, 4)
	})
}

func TestAClientThatLeavesIsNoticedAtOnce(t *testing.T) {
	for name, leave := range map[string]func(*net.TCPConn) error{
		"closed": (*net.TCPConn).Close,
		"reset": func(c *net.TCPConn) error {
			if err := c.SetLinger(0); err != nil {
				return err
			}
			return c.Close()
		},
		"closed on its side": (*net.TCPConn).CloseWrite, // no EventSource does that and listens on
	} {
		t.Run(name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, by way) {
				w := newWorld(t, by, deaf)
				j := w.newJob().accept()
				conn := dial(t, w, w.ask(j.id, "HTTP/1.1")+"\r\n")
				answerOf(t, conn).events(2)
				must(t, leave(conn))
				waitUntil(t, func() bool { return watching(w.relay) == 0 })
			})
		})
	}
}

func TestAThousandClientsLeaveNothingBehind(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, func(p *pace) { p.linger = 0 })
		j := w.newJob().accept()
		crowd := func(size int) {
			var all sync.WaitGroup
			for range size {
				conn := dial(t, w, w.ask(j.id, "HTTP/1.1")+"\r\n")
				all.Go(func() {
					if _, err := conn.Read(make([]byte, 1)); err != nil {
						t.Error(err)
					}
				})
				t.Cleanup(func() { conn.Close() })
				defer conn.Close()
			}
			all.Wait()
			waitUntil(t, func() bool { return watching(w.relay) == size })
		}
		nobody := func() bool { return watching(w.relay) == 0 }
		crowd(1)
		waitUntil(t, nobody)
		goroutines, descriptors := runtime.NumGoroutine(), openDescriptors(t)
		crowd(1000)
		waitUntil(t, nobody)
		const pool = 20 // connections to Redis, which are kept for a while
		waitUntil(t, func() bool { return runtime.NumGoroutine() <= goroutines && openDescriptors(t) <= descriptors+pool })
	})
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(list)
}

// What a client lacks when it comes is no sign of slowness: a log that is longer than what may be lacked goes out whole.
func TestALongReplayIsNoSlowness(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		w.server.Close()
		w.server = slowServer(w)
		j := w.newJob().accept()
		long := strings.Repeat("x", 64<<10)
		const results = 20
		for n := range results {
			_, err := w.store.RecordResult(t.Context(), taskstore.Offer{
				TaskID: j.id, Attempt: &j.claim.Attempt, Name: fmt.Sprint(n), SHA256: strings.Repeat("00", 32), ContentType: long,
			}, "k")
			must(t, err)
		}
		watch(t, w.sseURL(j.id)).events(2 + results) // from now on the log's size is known
		conn := dial(t, w, w.ask(j.id, "HTTP/1.1")+"\r\n")
		waitUntil(t, func() bool { return watching(w.relay) == 2 })
		for range 5 {
			j.progress(50) // wakes a client that takes nothing yet
		}
		c := answerOf(t, conn)
		expectNumbers(t, c.events(2+results), 1, 2+results)
		j.complete()
		expectNumbers(t, c.rest(), 3+results, 3+results)
	})
}

func TestATopicLingers(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		other := watch(t, w.sseURL(w.newJob().id)) // for a function's hub ends with its last client
		other.events(1)
		j := w.newJob().accept()
		c := watch(t, w.sseURL(j.id))
		c.events(2)
		c.close()
		waitUntil(t, func() bool { return watching(w.relay) == 1 })
		hub, _ := w.relay.hubs.present()
		hub.mu.Lock()
		lingering := hub.topics[taskstore.Channel(j.id)]
		hub.mu.Unlock()
		j.report("released", nil) // rings for nobody
		waitUntil(t, func() bool { return newest(lingering) == 3 })
		w.redis.Kill()
		expectNumbers(t, watch(t, w.sseURL(j.id), "Last-Event-ID", "1").events(2), 2, 3)
		if n := w.relay.count.joinsMemory.Load(); n != 1 {
			t.Errorf("%d clients joined from memory", n)
		}
	})
}

func newest(t *topic) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last()
}
