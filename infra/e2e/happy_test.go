package e2e

import (
	"bytes"
	"image"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// One picture's whole way, each message field by field.
func TestTheWayOfAPicture(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	data := drawing()
	job := s.fleet.expect(data, takenWithHeartbeats)

	body, mime := form(part{"file", "Füchse am Abend.png", data})
	uploaded := s.call(t, http.MethodPost, "/picture/upload", body, "Content-Type", mime).want(t, http.StatusCreated)
	var p picture
	uploaded.into(t, &p)
	hasKeys(t, uploaded.object(t), "id", "name", "contentType", "size", "width", "height", "sha256", "url", "thumbnailUrl", "createdAt")
	if !uuid7.MatchString(p.ID) || p.Name != "Füchse am Abend.png" || p.ContentType != "image/png" || p.Size != int64(len(data)) ||
		p.Width != 24 || p.Height != 16 || p.Sha256 != sha(data) || uploaded.header.Get("Location") != "/picture/"+p.ID {
		t.Errorf("upload: %s, Location %s", uploaded.body, uploaded.header.Get("Location"))
	}
	checkTime(t, "createdAt", p.CreatedAt)
	if got := fetch(t, p.URL).want(t, http.StatusOK); !bytes.Equal(got.body, data) {
		t.Error("the picture's URL leads to other bytes")
	}
	if bare, _, _ := strings.Cut(p.URL, "?"); fetch(t, bare).status != http.StatusForbidden {
		t.Error("the picture can be had without a signature")
	}
	thumb, _, err := image.DecodeConfig(bytes.NewReader(fetch(t, p.ThumbnailURL).want(t, http.StatusOK).body))
	if err != nil || thumb.Width != 24 || thumb.Height != 16 {
		t.Errorf("thumbnail: %+v, %v", thumb, err)
	}

	made := s.post(t, "/api/reconstruction/create-from-image", map[string]any{"imageId": p.ID}).want(t, http.StatusAccepted)
	var c created
	made.into(t, &c)
	hasKeys(t, made.object(t), "taskId", "status", "sseUrl", "statusUrl")
	if !uuid7.MatchString(c.TaskID) || made.header.Get("Location") != "/api/reconstruction/status/"+c.TaskID ||
		!slices.Contains([]string{"PENDING", "PROCESSING"}, c.Status) || p.ID[34:] != c.TaskID[34:] {
		t.Errorf("create: %s, Location %s", made.body, made.header.Get("Location"))
	}

	d := job.next(t)
	want := map[string]string{"task_id": c.TaskID, "callback_url": d.fields["callback_url"], "attempt": "1"}
	if !maps.Equal(d.fields, want) || !bytes.Equal(d.image, data) {
		t.Errorf("dispatch: %v and %d bytes", d.fields, len(d.image))
	}
	if back, err := url.Parse(d.fields["callback_url"]); err != nil || back.Port() != s.base.Port() || back.Path != "/api/reconstruction/callback" {
		t.Errorf("callback_url: %s", d.fields["callback_url"])
	}
	s.outbox.base = d.fields["callback_url"]

	events := s.listen(t, c.SseURL, "")
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
	} {
		if got := events.header.Get(name); got != want {
			t.Errorf("stream: %s %q", name, got)
		}
	}
	status := func(e event, id int, status string, attempt int) {
		t.Helper()
		v := e.read(t)
		if e.id != strconv.Itoa(id) || e.name != "status" || v.TaskID != c.TaskID || v.Status != status || v.Attempt == nil || *v.Attempt != attempt || v.Error != nil {
			t.Errorf("want event %d, %s: got %+v", id, status, e)
		}
		checkTime(t, "at", v.At)
	}
	status(events.next(t), 1, "PENDING", 0)
	status(events.next(t), 2, "PROCESSING", 1)
	if got := <-events.retry; got != "2000" {
		t.Errorf("retry: %s", got)
	}

	hook := statusHook(c.TaskID, 1, "processing", "progress", 42, "stage", "mesh", "queuePosition", 0, "etaSeconds", 3)
	told := s.outbox.send(t, hook).want(t, http.StatusOK)
	if got := told.object(t); !maps.Equal(got, map[string]any{"taskId": c.TaskID, "status": "PROCESSING", "duplicate": false}) {
		t.Errorf("processing: %s", told.body)
	}
	e := events.next(t)
	v := e.read(t)
	if e.name != "progress" || e.carriesID || v.Progress == nil || *v.Progress != 42 || v.Stage != "mesh" || v.QueuePosition == nil || v.EtaSeconds == nil {
		t.Errorf("progress: %+v", e)
	}
	checkTime(t, "at of progress", v.At)
	doc := s.task(t, c.TaskID)
	if doc.Status != "PROCESSING" || doc.Progress != 42 || doc.Stage != "mesh" || doc.Attempt != 1 || doc.QueuePosition == nil || doc.EtaSeconds == nil ||
		*doc.EtaSeconds != 3 || doc.PixelImagesURL != nil || doc.OutputZipURL != nil || len(doc.Results) != 0 || doc.FinishedAt != "" {
		t.Errorf("the task in work: %+v", doc)
	}

	files := map[string][]byte{"pixel_images.png": noise(64, 12), "xyz_images.png": noise(64, 13), "output3d.zip": random(50_000), "model.glb": random(7 << 20)}
	types := map[string]string{"pixel_images.png": "image/png", "xyz_images.png": "image/png", "output3d.zip": "application/zip", "model.glb": "model/gltf-binary"}
	names := []string{"pixel_images.png", "xyz_images.png", "output3d.zip", "model.glb"}
	for i, name := range names {
		var kept answer
		if name == "model.glb" { // the direct route
			kept = s.direct(t, c.TaskID, 1, name, files[name])
		} else {
			kept = s.outbox.send(t, fileHook(c.TaskID, 1, name, files[name], part{name: "sha256", data: []byte(sha(files[name]))}))
		}
		want := map[string]any{"taskId": c.TaskID, "name": name, "size": float64(len(files[name])), "sha256": sha(files[name]), "duplicate": false}
		if got := kept.want(t, http.StatusOK).object(t); !maps.Equal(got, want) {
			t.Errorf("result %s: %s", name, kept.body)
		}
		e := events.durable(t)
		v := e.read(t)
		if e.name != "result" || e.id != strconv.Itoa(3+i) || v.TaskID != c.TaskID || v.Attempt == nil || *v.Attempt != 1 || v.Name != name ||
			v.Size != int64(len(files[name])) || v.Sha256 != sha(files[name]) || v.ContentType != types[name] || v.URL == nil {
			t.Fatalf("event of %s: %+v", name, e)
		}
		checkTime(t, "at of result", v.At)
		if !bytes.Equal(fetch(t, *v.URL).want(t, http.StatusOK).body, files[name]) {
			t.Errorf("the URL of %s leads to other bytes", name)
		}
	}

	told = s.outbox.send(t, statusHook(c.TaskID, 1, "completed")).want(t, http.StatusOK)
	if got := told.object(t); !maps.Equal(got, map[string]any{"taskId": c.TaskID, "status": "COMPLETED", "duplicate": false}) {
		t.Errorf("completed: %s", told.body)
	}
	status(events.durable(t), 7, "COMPLETED", 1)
	events.ended(t)
	s.get(t, c.SseURL, "Last-Event-ID", "7").want(t, http.StatusNoContent)

	answered := s.get(t, c.StatusURL).want(t, http.StatusOK)
	hasKeys(t, answered.object(t), "taskId", "imageId?", "status", "progress", "stage", "attempt", "queuePosition?", "etaSeconds?", "originalImageUrl", "pixelImagesUrl",
		"xyzImagesUrl", "outputZipUrl", "results", "error", "errorMessage", "createdAt", "updatedAt", "startedAt", "finishedAt", "sseUrl")
	answered.into(t, &doc)
	if doc.TaskID != c.TaskID || doc.Status != "COMPLETED" || doc.Progress != 100 || doc.Attempt != 1 || doc.Error != nil || doc.ErrorMessage != nil {
		t.Errorf("the finished task: %s", answered.body)
	}
	for what, at := range map[string]string{"createdAt": doc.CreatedAt, "updatedAt": doc.UpdatedAt, "startedAt": doc.StartedAt, "finishedAt": doc.FinishedAt} {
		checkTime(t, what, at)
	}
	for name, u := range map[string]*string{"": doc.OriginalImageURL, "pixel_images.png": doc.PixelImagesURL, "xyz_images.png": doc.XyzImagesURL, "output3d.zip": doc.OutputZipURL} {
		want, known := files[name]
		if !known {
			want = data
		}
		if u == nil || !bytes.Equal(fetch(t, *u).want(t, http.StatusOK).body, want) {
			t.Errorf("the named URL of %q leads to other bytes", name)
		}
	}
	var got []string
	for _, r := range doc.Results {
		got = append(got, r.Name)
		checkTime(t, "createdAt of a result", r.CreatedAt)
		if r.Size != int64(len(files[r.Name])) || r.Sha256 != sha(files[r.Name]) || r.ContentType != types[r.Name] ||
			!bytes.Equal(fetch(t, r.URL).want(t, http.StatusOK).body, files[r.Name]) {
			t.Errorf("result %+v", r)
		}
	}
	if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(names))) {
		t.Errorf("results %v", got)
	}

	// A late visitor sees the same events, by way of the document's own ticket.
	if again := s.listen(t, doc.SseURL, "").until(t, "COMPLETED"); len(again) != 7 {
		t.Errorf("a late visitor got %d events", len(again))
	}
	var list struct {
		Items      []document
		NextCursor *string
	}
	s.get(t, "/api/reconstruction/list").want(t, http.StatusOK).into(t, &list)
	if len(list.Items) != 1 || list.Items[0].TaskID != c.TaskID || list.Items[0].Status != "COMPLETED" || list.NextCursor != nil {
		t.Errorf("list: %+v", list)
	}
	s.post(t, "/api/reconstruction/cancel/"+c.TaskID, struct{}{}).problem(t, http.StatusConflict, "task_finished")

	bucket := s.bucket(t)
	if got := objects(t, bucket, "reconstruction/"+c.TaskID+"/"); len(got) != 5 {
		t.Errorf("stored: %v", got)
	}
	s.call(t, http.MethodDelete, "/api/reconstruction/status/"+c.TaskID, nil).want(t, http.StatusNoContent)
	s.get(t, c.StatusURL).problem(t, http.StatusNotFound, "task_not_found")
	s.call(t, http.MethodDelete, "/api/reconstruction/status/"+c.TaskID, nil).problem(t, http.StatusNotFound, "task_not_found")
	s.get(t, c.SseURL).problem(t, http.StatusNotFound, "task_not_found")
	s.outbox.send(t, statusHook(c.TaskID, 1, "completed")).problem(t, http.StatusNotFound, "task_not_found")
	s.outbox.send(t, fileHook(c.TaskID, 1, "x.png", []byte("x"))).problem(t, http.StatusNotFound, "task_not_found")
	eventually(t, "the deleted task's objects are gone", func() bool {
		return len(objects(t, bucket, "reconstruction/"+c.TaskID+"/")) == 0
	})
	// What a URL that is still alive might put there again is deleted a second time, later. That the first is over is written after it.
	eventually(t, "the second round is left", func() bool {
		left := 0
		for key, rounds := range s.trash(t) {
			if strings.HasPrefix(key, "reconstruction/"+c.TaskID) {
				if !slices.Equal(rounds, []string{"2"}) {
					return false
				}
				left++
			}
		}
		return left == 5
	})
	s.get(t, "/picture/"+p.ID).want(t, http.StatusOK) // it is the user's own and stays
}

// direct hands a result in by the direct route.
func (s *system) direct(t *testing.T, taskID string, attempt int, name string, data []byte) answer {
	t.Helper()
	m := manifest(name, data, attempt)
	asked := s.outbox.send(t, directHook("upload", taskID, attempt, m)).want(t, http.StatusOK)
	hasKeys(t, asked.object(t), "url", "method", "headers", "expiresAt")
	var g grant
	asked.into(t, &g)
	if g.Method != http.MethodPut {
		t.Errorf("upload-url: %s", asked.body)
	}
	checkTime(t, "expiresAt", g.ExpiresAt)
	g.put(t, data).want(t, http.StatusOK)
	return s.outbox.send(t, directHook("result", taskID, attempt, m))
}

// A cancelled task is cancelled everywhere: at the worker, in the stream, and for good.
func TestCancel(t *testing.T) {
	t.Parallel()
	s := start(t, 2)
	cancel := func(o *order) answer {
		return s.call(o.t, http.MethodPost, "/api/reconstruction/cancel/"+o.TaskID, nil)
	}
	stopID := func(o *order, attempt int) *regexp.Regexp {
		return regexp.MustCompile(`^cancel:` + o.TaskID + `:` + strconv.Itoa(attempt) + `:[A-Za-z0-9_-]{1,64}$`)
	}
	t.Run("in work", func(t *testing.T) {
		t.Parallel()
		o := s.order(t, taken)
		d := o.job.next(t)
		o.file(1, "pixel_images.png", []byte("early")).want(t, http.StatusOK)
		first := cancel(o).want(t, http.StatusOK)
		var doc document
		if first.into(t, &doc); doc.Status != "CANCELLED" || doc.TaskID != o.TaskID || doc.FinishedAt == "" {
			t.Errorf("cancel: %s", first.body)
		}
		got := <-o.job.stops
		if got.worker != d.worker || got.taskID != o.TaskID || !stopID(o, 1).MatchString(got.hookID) {
			t.Errorf("stop: %+v", got)
		}
		var again document
		cancel(o).want(t, http.StatusOK).into(t, &again)
		if again.Status != "CANCELLED" || again.UpdatedAt != doc.UpdatedAt || again.FinishedAt != doc.FinishedAt {
			t.Errorf("cancel again: %+v", again)
		}
		o.events.until(t, "CANCELLED")
		o.events.ended(t)
		o.status(1, "processing", "progress", 50).problem(t, http.StatusConflict, "task_finished")
		o.status(1, "completed").problem(t, http.StatusConflict, "task_finished")
		o.status(1, "released").problem(t, http.StatusConflict, "task_finished")
		o.file(1, "xyz_images.png", []byte("late")).problem(t, http.StatusConflict, "task_finished")
		// What it stored before is a duplicate still.
		if got := o.file(1, "pixel_images.png", []byte("early")).want(t, http.StatusOK).object(t); got["duplicate"] != true {
			t.Errorf("the stored result again: %v", got)
		}
		if len(o.job.stops) != 0 {
			t.Error("the worker was told twice")
		}
	})
	t.Run("delete in work", func(t *testing.T) {
		t.Parallel()
		o := s.order(t, taken)
		o.job.next(t)
		o.events.until(t, "PROCESSING")
		s.call(t, http.MethodDelete, o.StatusURL, nil).want(t, http.StatusNoContent)
		o.events.until(t, "CANCELLED")
		o.events.ended(t)
		if got := <-o.job.stops; !stopID(o, 1).MatchString(got.hookID) {
			t.Errorf("stop: %+v", got)
		}
		o.status(1, "completed").problem(t, http.StatusNotFound, "task_not_found")
	})
	t.Run("the worker does not answer", func(t *testing.T) {
		t.Parallel()
		data := drawing()
		job := s.fleet.expect(data, taken)
		never := make(chan struct{})
		t.Cleanup(func() { close(never) })
		job.stopHold = never
		c := s.create(t, s.upload(t, data).ID)
		job.next(t)
		s.post(t, "/api/reconstruction/cancel/"+c.TaskID, nil).want(t, http.StatusOK)
		if stop := <-job.stops; stop.taskID != c.TaskID {
			t.Errorf("%+v", stop)
		}
	})
	t.Run("while it waits", func(t *testing.T) {
		t.Parallel()
		hold := make(chan struct{})
		o := s.order(t, func(d dispatch) reply {
			if d.n == 1 {
				return says(http.StatusInternalServerError, "{}")
			}
			<-hold
			return taken(d)
		})
		cancel(o).want(t, http.StatusOK)
		close(hold)
		o.events.until(t, "CANCELLED")
		o.events.ended(t)
		o.status(1, "processing").problem(t, http.StatusConflict, "task_finished")
	})
}

// hasKeys fails the test unless the object has these names; a `?` at the end marks one that may be missing.
func hasKeys(t *testing.T, object map[string]any, names ...string) {
	t.Helper()
	known := map[string]bool{}
	for _, name := range names {
		plain, optional := strings.CutSuffix(name, "?")
		known[plain] = true
		if _, there := object[plain]; !there && !optional {
			t.Errorf("%s is missing in %v", plain, object)
		}
	}
	for name := range object {
		if !known[name] {
			t.Errorf("unknown field %s in %v", name, object)
		}
	}
}
