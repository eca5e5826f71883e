package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// brisk lets a lost connection be noticed within a test's time.
func brisk(p *pace) {
	p.heartbeat, p.ping, p.dead, p.read = 100*time.Millisecond, 50*time.Millisecond, 200*time.Millisecond, 300*time.Millisecond
}

// deaf leaves only the bell: no heartbeat reads the streams within a test's time.
func deaf(p *pace) { p.heartbeat = time.Hour }

func TestEachEventOnceWhileTheSubscriptionIsCut(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, deaf)
		j := w.newJob().accept()
		var clients []*client
		for range 3 {
			c := watch(t, w.sseURL(j.id))
			expectNumbers(t, c.events(2), 1, 2)
			clients = append(clients, c)
		}
		ctx, stop := context.WithCancel(t.Context())
		var cutting sync.WaitGroup
		cuts := int64(0)
		cutting.Go(func() {
			for ctx.Err() == nil {
				n, err := w.client.Do(context.Background(), "CLIENT", "KILL", "TYPE", "pubsub").Int64()
				if err != nil {
					t.Error(err)
				}
				cuts += n
			}
		})
		const results = 300
		for range results {
			j.result()
		}
		j.complete()
		for _, c := range clients {
			expectNumbers(t, c.rest(), 3, 3+results)
		}
		stop()
		cutting.Wait()
		if cuts == 0 {
			t.Error("nothing was cut")
		}
		t.Logf("%d cuts", cuts)
	})
}

func TestRedisHangs(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, brisk)
		j := w.newJob().accept()
		c := watch(t, w.sseURL(j.id))
		expectNumbers(t, c.events(2), 1, 2)
		must(t, w.redis.Process().Signal(syscall.SIGSTOP))
		c.comments(10) // the hearts beat on, for longer than a silent connection is trusted
		must(t, w.redis.Process().Signal(syscall.SIGCONT))
		j.result().complete()
		expectNumbers(t, c.rest(), 3, 4)
	})
}

func TestRedisCrashes(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, brisk)
		j := w.newJob().accept()
		c := watch(t, w.sseURL(j.id))
		expectNumbers(t, c.events(2), 1, 2)
		for n := 3; n < 6; n++ {
			w.redis.Kill()
			c.comments(3)
			w.redis.Run()
			j.result()
			expectNumbers(t, c.events(1), n, n)
		}
		j.complete()
		expectNumbers(t, c.rest(), 6, 6)
	})
}

func TestADumbBellDelaysAndLosesNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, func(p *pace) { p.heartbeat = 200 * time.Millisecond })
		j := w.newJob().accept()
		c := watch(t, w.sseURL(j.id))
		expectNumbers(t, c.events(2), 1, 2)
		c.comments(1)
		j.whisper(task.Pending)
		expectNumbers(t, c.events(1), 3, 3)
		must(t, w.client.HSet(t.Context(), taskstore.TaskKey(j.id), "status", "PROCESSING", "progress", 55, "stage", "mesh", "progressAt", time.Now().UnixMilli()).Err())
		j.whisper(task.Processing)
		got := c.events(2)
		expectNumbers(t, got, 4, 4)
		if got[1].fields(t)["progress"] != 55.0 {
			t.Errorf("progress: %+v", got[1])
		}
		must(t, w.client.Del(t.Context(), taskstore.TaskKey(j.id), taskstore.EventsKey(j.id)).Err())
		if rest := c.rest(); len(rest) > 0 {
			t.Errorf("of a task that is gone: %+v", rest)
		}
	})
}

func TestAMissingNumberIsRead(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, deaf)
		j := w.newJob().accept()
		c := watch(t, w.sseURL(j.id))
		expectNumbers(t, c.events(2), 1, 2)
		j.whisper(task.Processing)
		j.whisper(task.Processing)
		j.result()
		expectNumbers(t, c.events(3), 3, 5)
	})
}

// What this version can't read is no reason to stop for the others.
func TestALogThatIsNotUnderstood(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, func(p *pace) { p.heartbeat = 100 * time.Millisecond })
		bad := w.newJob()
		var others []*job
		var clients []*client
		for range 4 {
			j := w.newJob()
			c := watch(t, w.sseURL(j.id))
			c.events(1)
			others, clients = append(others, j), append(clients, c)
		}
		c := watch(t, w.sseURL(bad.id))
		c.events(1)
		must(t, w.client.XAdd(t.Context(), &redis.XAddArgs{Stream: taskstore.EventsKey(bad.id), ID: "0-2", Values: []string{"kind", "gossip"}}).Err())
		if rest := c.rest(); len(rest) > 0 {
			t.Errorf("told %+v", rest)
		}
		if resp := get(t, w.sseURL(bad.id)); resp.StatusCode != http.StatusInternalServerError {
			t.Errorf("asked again: %d", resp.StatusCode)
		}
		for i, c := range clients {
			others[i].whisper(task.Failed) // only a reading finds it
			expectNumbers(t, c.rest(), 2, 2)
		}
	})
}

// After a failover that lost events, their numbers are given anew: who has seen the lost ones is told everything again.
func TestRedisForgets(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, func(p *pace) { p.heartbeat = 100 * time.Millisecond })
		j := w.newJob().accept()
		ctx := t.Context()
		stream, err := w.client.XRange(ctx, taskstore.EventsKey(j.id), "-", "+").Result()
		must(t, err)
		hash, err := w.client.Dump(ctx, taskstore.TaskKey(j.id)).Result()
		must(t, err)
		j.result()
		c := watch(t, w.sseURL(j.id))
		expectNumbers(t, c.events(3), 1, 3)

		_, err = w.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.RestoreReplace(ctx, taskstore.TaskKey(j.id), 0, hash)
			p.Del(ctx, taskstore.EventsKey(j.id))
			for _, m := range stream {
				p.XAdd(ctx, &redis.XAddArgs{Stream: taskstore.EventsKey(j.id), ID: m.ID, Values: m.Values})
			}
			return nil
		})
		must(t, err)
		j.result() // another one, with the number of the first
		got := c.events(3)
		expectNumbers(t, got, 1, 3)
		if name := got[2].fields(t)["name"]; name != "result-2.png" {
			t.Errorf("event 3 tells of %v", name)
		}
	})
}

func TestRedisIsAway(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, func(p *pace) { brisk(p); p.patience = 500 * time.Millisecond })
		j := w.newJob().accept()
		w.redis.Kill()

		resp := get(t, w.url(j.id), "Authorization", "Bearer "+token(t, owner))
		if code := problemCode(t, resp); resp.StatusCode != http.StatusServiceUnavailable || code != "unavailable" || resp.Header.Get("Retry-After") == "" {
			t.Errorf("with a token: %d %s", resp.StatusCode, code)
		}
		if rest := watch(t, w.sseURL(j.id)).rest(); len(rest) > 0 {
			t.Errorf("told %+v", rest)
		}
		if resp := get(t, w.url(j.id)+"?ticket=x"); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("with a wrong ticket: %d", resp.StatusCode)
		}
	})
}

func TestRedisComesBack(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, func(p *pace) { brisk(p); p.patience = time.Minute })
		j := w.newJob().accept()
		w.redis.Kill()
		c, resumed := watch(t, w.sseURL(j.id)), watch(t, w.sseURL(j.id)+"&lastEventId=1")
		c.comments(1)
		w.redis.Run()
		expectNumbers(t, c.events(2), 1, 2)
		expectNumbers(t, resumed.events(1), 2, 2)
		j.complete()
		expectNumbers(t, c.rest(), 3, 3)
	})
}

func TestPatienceIsForTheBeginning(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, func(p *pace) { p.heartbeat, p.patience = 50*time.Millisecond, 150*time.Millisecond })
		j := w.newJob()
		c := watch(t, w.sseURL(j.id))
		expectNumbers(t, c.events(1), 1, 1)
		c.comments(10)
		j.accept().complete()
		expectNumbers(t, c.rest(), 2, 3)
	})
}

func TestASlowClientIsCutAndHoldsUpNobody(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, func(p *pace) { p.write = 500 * time.Millisecond })
		w.server.Close()
		w.server = slowServer(w)
		j := w.newJob().accept()

		conn, err := (&net.Dialer{Control: smallReceiveBuffer}).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.server.URL, "http://"))
		must(t, err)
		defer conn.Close()
		_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", strings.TrimPrefix(w.sseURL(j.id), w.server.URL))
		must(t, err)
		quick := watch(t, w.sseURL(j.id))
		quick.events(2)
		waitUntil(t, func() bool { return watching(w.relay) == 2 })

		long := strings.Repeat("x", 4000)
		const results = 300
		for range results { // far more than the buffers between the relay and a client that reads nothing hold
			j.results++
			_, err := w.store.RecordResult(t.Context(), taskstore.Offer{
				TaskID: j.id, Attempt: &j.claim.Attempt, Name: fmt.Sprint(j.results), SHA256: strings.Repeat("00", 32), ContentType: long,
			}, "k")
			must(t, err)
			expectNumbers(t, quick.events(1), 2+j.results, 2+j.results)
		}
		waitUntil(t, func() bool { return watching(w.relay) == 1 })
		j.complete()
		expectNumbers(t, quick.rest(), 3+results, 3+results)
	})
}

func TestNothingRunsAfterTheLastClient(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, func(p *pace) { p.heartbeat, p.linger = 100*time.Millisecond, 50*time.Millisecond })
		var jobs []*job
		var clients []*client
		for range 5 {
			j := w.newJob().accept()
			c := watch(t, w.sseURL(j.id))
			c.events(2)
			jobs, clients = append(jobs, j), append(clients, c)
		}
		for i, c := range clients {
			if i%2 == 0 {
				c.close() // leaves
			} else {
				jobs[i].complete() // is left
				c.rest()
			}
		}
		if by == leanly { // which is no function: the hub stays, and forgets
			hub, _ := w.relay.hubs.present()
			waitUntil(t, func() bool { return hub.size() == 0 && watching(w.relay) == 0 })
			return
		}
		waitUntil(t, func() bool {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			return !strings.Contains(string(stacks), "main.(*hub)") && !strings.Contains(string(stacks), "main.(*bell)") && w.subscribers() == 0
		})
		j := w.newJob().accept() // and it begins again
		c := watch(t, w.sseURL(j.id))
		c.events(2)
		j.complete()
		expectNumbers(t, c.rest(), 3, 3)
	})
}

func TestClientsComeAndGo(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, deaf)
		j := w.newJob().accept()
		steady := watch(t, w.sseURL(j.id))
		steady.events(2)
		var coming sync.WaitGroup
		for range 4 {
			coming.Go(func() {
				after := 2
				for after < 52 { // takes one event and comes back for the next
					c := watch(t, w.sseURL(j.id), "Last-Event-ID", fmt.Sprint(after))
					after++
					expectNumbers(t, c.events(1), after, after)
					c.close()
				}
			})
		}
		for range 50 {
			j.result()
		}
		coming.Wait()
		j.complete()
		expectNumbers(t, steady.rest(), 3, 53)
	})
}

// watching counts the clients of a relay.
func watching(r *relay) int {
	r.hubs.mu.Lock()
	defer r.hubs.mu.Unlock()
	return r.hubs.clients
}

// waitUntil waits for what comes without telling.
func waitUntil(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal("it never came")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
