package e2e

import (
	"bytes"
	"net/http"
	"testing"
	"time"
)

// Functions die at any moment. What was begun ends well.
func TestKilledFunctions(t *testing.T) {
	t.Parallel()
	s := start(t, 2)
	s.traffic(t, func() {
		for range 2 {
			for _, name := range []string{"picture", "create-task", "tasks", "callback-result", "callback-status", "relay", "web", "sweeper"} {
				s.pid(t, name, s.kill(t, name))
			}
		}
	})
	bucket := s.bucket(t)
	s.everythingDeleted(t, func() { eventually(t, "no object is left", func() bool { return len(s.orphans(t, bucket)) == 0 }) })
}

// Redis dies in the middle of all, and comes back with what it had written (appendfsync always).
func TestKilledRedis(t *testing.T) {
	t.Parallel()
	s := start(t, 2)
	s.traffic(t, func() {
		for range 3 {
			before := len(s.fleet.seen())
			eventually(t, "there is traffic", func() bool { return len(s.fleet.seen()) > before })
			s.redis.Kill()
			s.redis.Run()
		}
	})
}

// The host's own Redis is restarted over its data, too. Its append-only file is synced each second, which a killed process,
// unlike a killed machine, does not lose.
func TestKilledRedisOfTheHost(t *testing.T) {
	t.Parallel()
	s := start(t, 1, "REDIS_URL", "")
	o := s.order(t, taken)
	o.job.next(t)
	o.file(1, "pixel_images.png", []byte("before")).want(t, http.StatusOK)
	s.pid(t, "redis-server", s.kill(t, "redis-server"))
	for _, m := range []hook{
		fileHook(o.TaskID, 1, "pixel_images.png", []byte("before")), fileHook(o.TaskID, 1, "xyz_images.png", []byte("after")),
		fileHook(o.TaskID, 1, "output3d.zip", []byte("after")), statusHook(o.TaskID, 1, "completed"),
	} {
		a := persist(t, func() (answer, error) { return s.outbox.do(t, m) })
		a.want(t, http.StatusOK)
		if dup := bytes.Contains(m.body, []byte("before")); a.object(t)["duplicate"] != dup {
			t.Errorf("after the restart: %s", a.body)
		}
	}
	if all := o.events.until(t, "COMPLETED"); len(all) != 6 {
		t.Errorf("%d events", len(all))
	}
}

// While Redis is away nobody can send heartbeats: nobody is punished for it.
func TestAnOutageIsNotTheWorkersFault(t *testing.T) {
	t.Parallel()
	s := start(t, 1, "HEARTBEAT_TIMEOUT", "2s", "SWEEP_INTERVAL", "100ms")
	o := s.order(t, takenWithHeartbeats)
	o.job.next(t)
	o.status(1, "processing").want(t, http.StatusOK)
	s.redis.Kill()
	<-time.After(2500 * time.Millisecond) // the outage itself: longer than the lease
	s.redis.Run()
	// The worker goes on reporting as soon as it can, and still has its task.
	if a := persist(t, func() (answer, error) { return s.outbox.do(t, statusHook(o.TaskID, 1, "processing")) }); a.status != http.StatusOK {
		t.Errorf("after the outage: %d %s", a.status, a.body)
	}
	o.finish(1)
	if doc := o.document(); doc.Attempt != 1 || doc.Status != "COMPLETED" {
		t.Errorf("%+v", doc)
	}
}

// A worker that dies loses its tasks to another one.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	s := start(t, 2, "HEARTBEAT_TIMEOUT", "1s")
	o := s.order(t, inTurn(takenWithHeartbeats, taken))
	dead := o.job.next(t)
	s.fleet.workers[dead.worker].Close()
	next := o.job.next(t)
	if next.worker == dead.worker || next.fields["attempt"] != "2" {
		t.Errorf("attempt %s went to worker %d, worker %d being dead", next.fields["attempt"], next.worker, dead.worker)
	}
	o.finish(2)
	o.events.until(t, "COMPLETED")
	// A stop can't reach the dead one: the user does not notice.
	for range 4 {
		o := s.order(t, taken)
		o.job.next(t)
		s.post(t, "/api/reconstruction/cancel/"+o.TaskID, nil).want(t, http.StatusOK)
	}
}
