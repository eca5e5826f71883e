package e2e

import (
	"net/http"
	"testing"

	"github.com/recon3d/recon3d/shared/redisdb/redistest"
)

// The master dies in the middle of a task. Until its replica has taken over, callers are told to come back; then all goes on by
// itself, and the browser has each event once. The replica has what was written: replication is asynchronous, and what it
// had not would be lost (operations.md says what that means).
func TestAFailover(t *testing.T) {
	t.Parallel()
	set := redistest.StartSet(t)
	s := start(t, 2, "REDIS_URL", set.URL)
	o := s.orderUnheard(t, takenWithHeartbeats)
	events := make(chan []event, 1)
	go func() { events <- s.follow(t, o.SseURL, false) }()
	o.job.next(t)
	o.file(1, "pixel_images.png", []byte("before")).want(t, http.StatusOK)
	waiting := s.orderUnheard(t, inTurn(always(busy), taken)) // for a sweep
	picture := s.upload(t, drawing())
	set.Synced()
	set.Master.Kill()

	away := func(a answer) {
		t.Helper()
		if a.problem(t, http.StatusServiceUnavailable, "unavailable"); a.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", a.request)
		}
	}
	away(s.get(t, o.StatusURL))
	away(s.get(t, "/picture/"+picture.ID))
	away(s.post(t, "/api/reconstruction/create-from-image", map[string]any{"imageId": picture.ID}))
	away(o.file(1, "xyz_images.png", []byte("xyz")))
	away(o.status(1, "processing"))

	set.Wake()
	heard(t, o.TaskID, set.Replica)
	for _, m := range []hook{
		fileHook(o.TaskID, 1, "pixel_images.png", []byte("before")), // again, as a worker does whose answer was lost
		fileHook(o.TaskID, 1, "xyz_images.png", []byte("after")),
		fileHook(o.TaskID, 1, "output3d.zip", []byte("after")),
		statusHook(o.TaskID, 1, "completed"),
	} {
		persist(t, func() (answer, error) { return s.outbox.do(t, m) }).want(t, http.StatusOK)
	}
	if all := <-events; len(all) != 6 || all[5].read(t).Status != "COMPLETED" {
		t.Errorf("events: %+v", all)
	}
	if doc := o.document(); doc.Attempt != 1 || len(doc.Results) != 3 {
		t.Errorf("%+v", doc)
	}
	for range 2 {
		waiting.job.next(t)
	}
	waiting.finish(1)

	// The old master comes back, and believes that it still is. Nobody else does.
	set.Master.Run()
	s.journey(t)
	if doc := o.document(); doc.Status != "COMPLETED" {
		t.Errorf("%+v", doc)
	}
}
