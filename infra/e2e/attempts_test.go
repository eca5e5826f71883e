package e2e

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// A worker that falls silent loses its task to the next attempt, and what it says later is refused.
func TestLostLease(t *testing.T) {
	t.Parallel()
	s := start(t, 2, "HEARTBEAT_TIMEOUT", "3s")
	bucket := s.bucket(t)
	o := s.order(t, inTurn(takenWithHeartbeats, taken))
	o.job.next(t)
	o.file(1, "pixel_images.png", []byte("of the first")).want(t, http.StatusOK)
	o.file(1, "model.glb", []byte("of the first")).want(t, http.StatusOK)
	// Then it is silent. PENDING tells of the attempt that was lost.
	seen := o.events.until(t, "PENDING")
	seen = append(seen, o.events.until(t, "PENDING")...)
	if v := seen[len(seen)-1].read(t); *v.Attempt != 1 {
		t.Errorf("lost: %+v", v)
	}
	d := o.job.next(t)
	if d.fields["attempt"] != "2" || !bytes.Equal(d.image, o.data) {
		t.Errorf("second hand-over: attempt %s", d.fields["attempt"])
	}
	all := o.events.until(t, "PROCESSING")
	if v := all[len(all)-1].read(t); *v.Attempt != 2 {
		t.Errorf("taken again: %+v", v)
	}
	if doc := o.document(); len(doc.Results) != 0 || doc.PixelImagesURL != nil || doc.Attempt != 2 || doc.Progress != 0 {
		t.Errorf("the first attempt's results are still there: %+v", doc)
	}
	for _, a := range []answer{
		o.status(1, "processing"), o.status(1, "completed"), o.status(1, "failed", "error", "x"), o.status(1, "released"),
		o.file(1, "xyz_images.png", []byte("late")), o.file(1, "pixel_images.png", []byte("of the first")), o.file(0, "pixel_images.png", []byte("late")),
		o.status(0, "processing"), s.outbox.send(t, directHook("upload", o.TaskID, 1, manifest("xyz_images.png", []byte("late"), 1))),
	} {
		a.problem(t, http.StatusConflict, "attempt_superseded")
	}
	o.file(2, "pixel_images.png", []byte("of the second")).want(t, http.StatusOK)
	o.finishRest(2, "pixel_images.png")
	o.events.until(t, "COMPLETED")
	doc := o.document()
	if doc.Status != "COMPLETED" || len(doc.Results) != 3 || string(fetch(t, *doc.PixelImagesURL).want(t, http.StatusOK).body) != "of the second" {
		t.Errorf("%+v", doc)
	}

	// Who comes later is told all of it: the replaced results have no URL.
	replayed := s.listen(t, doc.SseURL, "").until(t, "COMPLETED")
	for i, e := range replayed {
		v := e.read(t)
		if e.id != strconv.Itoa(i+1) {
			t.Errorf("event %d has id %s", i+1, e.id)
		}
		if e.name != "result" {
			continue
		}
		if gone := *v.Attempt == 1; gone != (v.URL == nil) || gone != strings.Contains(e.data, `"url":null`) {
			t.Errorf("replayed: %s", e.data)
		}
	}
	var said []string
	for _, e := range replayed {
		v := e.read(t)
		said = append(said, strings.TrimSpace(v.Status+v.Name+" "+strconv.Itoa(*v.Attempt)))
	}
	want := "PENDING 0, PROCESSING 1, pixel_images.png 1, model.glb 1, PENDING 1, PROCESSING 2, pixel_images.png 2, xyz_images.png 2, output3d.zip 2, COMPLETED 2"
	if got := strings.Join(said, ", "); got != want {
		t.Errorf("events\n%s, want\n%s", got, want)
	}
	eventually(t, "the replaced results' objects are gone", func() bool {
		return len(objects(t, bucket, "reconstruction/"+o.TaskID+"/")) == 4
	})
	for _, key := range objects(t, bucket, "reconstruction/"+o.TaskID+"/") {
		if !strings.Contains(key, "/original.") && !strings.Contains(key, "/attempt-2/") {
			t.Errorf("kept: %s", key)
		}
	}
}

// Only a worker that promised heartbeats, or has sent one, can be missed; and its voice renews the lease.
func TestLeases(t *testing.T) {
	t.Parallel()
	s := start(t, 1, "HEARTBEAT_TIMEOUT", "1s", "MAX_ATTEMPTS", "2")
	silent := s.order(t, taken) // promises nothing
	spoke := s.order(t, taken)  // promises nothing, and speaks once
	spoke.job.next(t)
	spoke.status(1, "processing").want(t, http.StatusOK)
	lost := s.order(t, takenWithHeartbeats)

	for range 2 { // the first PENDING is that of the beginning
		spoke.events.until(t, "PENDING")
	}
	if d := spoke.job.next(t); d.fields["attempt"] != "2" {
		t.Errorf("attempt %s", d.fields["attempt"])
	}
	all := lost.events.until(t, "FAILED")
	if v := all[len(all)-1].read(t); v.Error.Code != "worker_lost" || *v.Attempt != 2 || len(all) != 5 {
		t.Errorf("lost twice: %+v", all)
	}
	lost.events.ended(t)
	if len(lost.job.dispatches) != 2 {
		t.Errorf("handed over %d times", len(lost.job.dispatches))
	}
	// By now several leases of that length have run out.
	if doc := silent.document(); doc.Status != "PROCESSING" || doc.Attempt != 1 {
		t.Errorf("a worker that promised nothing lost its task: %+v", doc)
	}
	silent.finish(1)
	silent.events.until(t, "COMPLETED")
}

// A worker may give a task back without a verdict.
func TestReleased(t *testing.T) {
	t.Parallel()
	s := start(t, 2, "MAX_ATTEMPTS", "2")
	o := s.order(t, taken)
	o.job.next(t)
	o.events.until(t, "PROCESSING")
	if got := o.status(1, "released").want(t, http.StatusOK).object(t); got["status"] != "PENDING" || got["duplicate"] != false {
		t.Errorf("released: %v", got)
	}
	// The worker's message may be sent again at any time.
	if again := o.status(1, "released"); again.status == http.StatusOK {
		if again.object(t)["duplicate"] != true {
			t.Errorf("released again: %s", again.body)
		}
	} else {
		again.problem(t, http.StatusConflict, "attempt_superseded") // the next hand-over was faster
	}
	if v := o.events.durable(t).read(t); v.Status != "PENDING" || *v.Attempt != 1 {
		t.Errorf("%+v", v)
	}
	if d := o.job.next(t); d.fields["attempt"] != "2" {
		t.Errorf("attempt %s", d.fields["attempt"])
	}
	o.events.until(t, "PROCESSING")
	if got := o.status(2, "released").want(t, http.StatusOK).object(t); got["status"] != "FAILED" {
		t.Errorf("released with none left: %v", got)
	}
	all := o.events.until(t, "FAILED")
	if v := all[len(all)-1].read(t); v.Error.Code != "worker_lost" {
		t.Errorf("%+v", v)
	}

	waiting := s.order(t, always(says(500, "{}"))) // its 202 may have been lost: it may speak
	waiting.job.next(t)
	if a := waiting.status(1, "released"); a.status != http.StatusOK || a.object(t)["duplicate"] != true || a.object(t)["status"] != "PENDING" {
		if a.status != http.StatusConflict { // unless the next attempt has begun
			t.Errorf("released while PENDING: %d %s", a.status, a.body)
		}
	}
}

// The time of an attempt is bounded, but for what it spends in the worker's queue.
func TestTaskTimeout(t *testing.T) {
	t.Parallel()
	s := start(t, 1, "TASK_TIMEOUT", "4s")
	queued := s.order(t, taken)
	queued.job.next(t)
	queued.status(1, "processing", "stage", "queued", "queuePosition", 3).want(t, http.StatusOK)
	o := s.order(t, taken)
	o.job.next(t)
	all := o.events.until(t, "FAILED")
	if v := all[len(all)-1].read(t); v.Error.Code != "timeout" || v.Error.Message == "" {
		t.Errorf("%+v", v)
	}
	if stop := <-o.job.stops; stop.taskID != o.TaskID {
		t.Errorf("stop: %+v", stop)
	}
	o.status(1, "completed").problem(t, http.StatusConflict, "task_finished")
	second := s.order(t, taken) // a whole time-out more
	second.job.next(t)
	second.events.until(t, "FAILED")
	if doc := queued.document(); doc.Status != "PROCESSING" || doc.Stage != "queued" || doc.QueuePosition == nil || *doc.QueuePosition != 3 {
		t.Errorf("the queued one: %+v", doc)
	}
	queued.status(1, "processing", "stage", "mesh").want(t, http.StatusOK)
	queued.events.until(t, "FAILED") // now it counts
}

// What counts against MAX_ATTEMPTS is that a worker had the task, not that one was asked.
func TestTriesAreNoAttempts(t *testing.T) {
	t.Parallel()
	s := start(t, 2, "MAX_ATTEMPTS", "1")
	no := always(says(500, "{}"))
	o := s.order(t, inTurn(no, no, no, taken))
	o.events.until(t, "PROCESSING")
	o.finish(4)
	o.events.until(t, "COMPLETED")
}

// A dispatcher that dies with its hand-over under way leaves an unknown fate: the next attempt follows when its claim has run out.
func TestADispatcherDies(t *testing.T) {
	t.Parallel()
	s := start(t, 2)
	data := drawing()
	began := make(chan dispatch, 1)
	hold := make(chan struct{})
	job := s.fleet.expect(data, func(d dispatch) reply {
		if d.n > 1 {
			return taken(d)
		}
		began <- d
		return reply{hold: hold}
	})
	p := s.upload(t, data)
	answered := make(chan answer, 1)
	go func() {
		a, err := s.do(t.Context(), http.MethodPost, "/api/reconstruction/create-from-image", mustJSON(map[string]any{"imageId": p.ID}), "Content-Type", "application/json")
		if err != nil {
			t.Error(err)
		}
		answered <- a
	}()
	first := <-began
	s.kill(t, "create-task")
	(<-answered).problem(t, http.StatusServiceUnavailable, "unavailable")
	close(hold)
	job.next(t)
	if d := job.next(t); d.fields["attempt"] != "2" || d.fields["task_id"] != first.fields["task_id"] || d.worker == first.worker {
		t.Errorf("after it: attempt %s of %s at worker %d", d.fields["attempt"], d.fields["task_id"], d.worker)
	}
	s.outbox.send(t, statusHook(first.fields["task_id"], 1, "processing")).problem(t, http.StatusConflict, "attempt_superseded")
}

// Finished tasks go by themselves, with all that belongs to them.
func TestRetention(t *testing.T) {
	t.Parallel()
	s := start(t, 1, "RETENTION", "1s")
	bucket := s.bucket(t)
	o := s.order(t, taken)
	running := s.order(t, taken)
	o.job.next(t)
	o.finish(1)
	eventually(t, "the finished task is gone", func() bool { return s.get(t, o.StatusURL).status == http.StatusNotFound })
	eventually(t, "its objects are gone", func() bool { return len(objects(t, bucket, "reconstruction/"+o.TaskID+"/")) == 0 })
	if doc := running.document(); doc.Status != "PROCESSING" {
		t.Errorf("%+v", doc)
	}
	s.get(t, "/picture/"+o.picture.ID).want(t, http.StatusOK)
}
