package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/redisdb/redistest"
)

// The whole product on a cluster: users lie on all of its masters. Tasks run to their end, by way of the sweeper; one master is away
// for a while, and whose tasks it has wait for it, while the others' go on; then all is deleted.
func TestACluster(t *testing.T) {
	t.Parallel()
	// The others go on without the slots of a dead one, and say so of those at once.
	cluster := redistest.StartCluster(t, "--cluster-require-full-coverage", "no")
	secret := token() + token()
	s := start(t, 2, "REDIS_URL", cluster.URL, "AUTH_MODE", "jwt", "JWT_SECRET", secret)

	var orders []*order
	var follows []chan []event
	for i := range 12 { // these names are on each of the masters
		b := s.browser
		b.token = userToken(secret, map[string]any{"sub": fmt.Sprint("user", i), "exp": time.Now().Add(time.Hour).Unix()})
		of := *s
		of.browser = b
		// The first answer is none, so that it is the sweeper that brings the task to a worker.
		o := of.orderUnheard(t, inTurn(always(says(http.StatusInternalServerError, "{}")), takenWithHeartbeats))
		events := make(chan []event, 1)
		go func() { events <- of.follow(t, o.SseURL, i%2 == 0) }()
		orders, follows = append(orders, o), append(follows, events)
	}
	for _, o := range orders {
		for range 2 {
			o.job.next(t)
		}
		o.file(2, "pixel_images.png", []byte("before")).want(t, http.StatusOK)
	}

	for _, o := range orders {
		heard(t, o.TaskID, cluster.Masters...)
	}

	cluster.Masters[1].Kill()
	count := map[int]int{}
	for _, o := range orders {
		count[o.get(t, o.StatusURL).status]++
	}
	if count[http.StatusOK] == 0 || count[http.StatusServiceUnavailable] == 0 || len(count) != 2 {
		t.Errorf("with a master dead, tasks are answered %v", count)
	}
	cluster.Masters[1].Run()

	for i, o := range orders {
		for _, m := range []hook{
			fileHook(o.TaskID, 2, "xyz_images.png", []byte("after")), fileHook(o.TaskID, 2, "output3d.zip", []byte("after")),
			statusHook(o.TaskID, 2, "completed"),
		} {
			persist(t, func() (answer, error) { return s.outbox.do(t, m) }).want(t, http.StatusOK)
		}
		if all := <-follows[i]; len(all) != 6 || all[5].read(t).Status != "COMPLETED" {
			t.Errorf("events of user %d: %+v", i, all)
		}
	}
	bucket := orders[0].bucket(t)
	for _, o := range orders {
		o.everythingDeleted(t, func() {})
	}
	eventually(t, "no object is left", func() bool { return len(objects(t, bucket, "")) == 0 })
}

// heard waits until a relay has subscribed to the task's events at one of the servers. Streams alone do not tell: a relay whose bell is
// dumb passes all on, too, only later.
func heard(t *testing.T, taskID string, servers ...*redistest.Server) {
	t.Helper()
	eventually(t, "a relay listens", func() bool {
		for _, s := range servers {
			c := s.Client()
			channels := c.PubSubChannels(t.Context(), "recon:events:"+taskID).Val()
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if len(channels) == 1 {
				return true
			}
		}
		return false
	})
}
