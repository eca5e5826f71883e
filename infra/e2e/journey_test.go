package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// persist sends until the answer is none that says "later".
func persist(t *testing.T, send func() (answer, error)) answer {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		a, err := send()
		switch {
		case err != nil, a.status == http.StatusBadGateway, a.status == http.StatusServiceUnavailable, a.status == http.StatusGatewayTimeout:
		case a.status == http.StatusInternalServerError:
			t.Errorf("%s: %s", a.request, a.body)
		case a.status == http.StatusConflict && bytes.Contains(a.body, []byte("idempotency_in_progress")):
		default:
			return a
		}
	}
	t.Errorf("no answer in %v", patience)
	return answer{}
}

// journey takes one picture all its way as a patient browser and a patient worker do, and fails the test where anything is
// lost, comes twice or is not as it should be.
func (s *system) journey(t *testing.T) {
	data := drawing()
	job := s.fleet.expect(data, takenWithHeartbeats)
	body, mime := form(part{"file", "a.png", data})
	ctx := t.Context()
	var p picture
	up := persist(t, func() (answer, error) {
		return s.do(ctx, http.MethodPost, "/picture/upload", body, "Content-Type", mime)
	})
	if up.status != http.StatusCreated {
		t.Errorf("upload: %d %s", up.status, up.body)
		return
	}
	up.into(t, &p)
	key := token()
	var c created
	made := persist(t, func() (answer, error) {
		return s.do(ctx, http.MethodPost, "/api/reconstruction/create-from-image", mustJSON(map[string]any{"imageId": p.ID}), "Content-Type", "application/json", "Idempotency-Key", key)
	})
	if made.status != http.StatusAccepted {
		t.Errorf("create: %d %s", made.status, made.body)
		return
	}
	made.into(t, &c)

	events := make(chan []event, 1)
	go func() { events <- s.follow(t, c.SseURL, false) }()
	attempt := s.work(t, c.TaskID, job)
	all := <-events
	if attempt == 0 || len(all) == 0 {
		t.Errorf("task %s: %d events", c.TaskID, len(all))
		return
	}
	if last := all[len(all)-1].read(t); last.Status != "COMPLETED" || *last.Attempt != attempt {
		t.Errorf("the last event is %s", all[len(all)-1].data)
	}
	var doc document
	persist(t, func() (answer, error) { return s.do(ctx, http.MethodGet, c.StatusURL, nil) }).into(t, &doc)
	if doc.Status != "COMPLETED" || doc.Attempt != attempt || len(doc.Results) != 3 {
		t.Errorf("%+v", doc)
	}
	for _, r := range doc.Results {
		if got := fetch(t, r.URL); string(got.body) != fmt.Sprint(r.Name, attempt) {
			t.Errorf("%s is %q", r.Name, got.body)
		}
	}
}

// work does what a worker does with each hand-over until one is completed, and tells which.
func (s *system) work(t *testing.T, taskID string, job *job) int {
	for {
		var d dispatch
		select {
		case d = <-job.dispatches:
		case <-time.After(patience):
			t.Errorf("task %s is not handed over", taskID)
			return 0
		}
		var attempt int
		if _, err := fmt.Sscan(d.fields["attempt"], &attempt); err != nil {
			t.Error(err)
			return 0
		}
		messages := []hook{statusHook(taskID, attempt, "processing", "progress", 10)}
		for _, name := range required() {
			messages = append(messages, fileHook(taskID, attempt, name, []byte(fmt.Sprint(name, attempt))))
		}
		messages = append(messages, statusHook(taskID, attempt, "completed"))
		superseded := false
		for _, m := range messages {
			a := persist(t, func() (answer, error) { return s.outbox.do(t, m) })
			if superseded = a.status == http.StatusConflict && bytes.Contains(a.body, []byte("attempt_superseded")); superseded {
				break
			}
			if a.status != http.StatusOK {
				t.Errorf("callback of attempt %d: %d %s", attempt, a.status, a.body)
				return 0
			}
		}
		if !superseded {
			return attempt
		}
	}
}

// traffic makes journeys, a few at a time, while trouble makes trouble, and ends when both have.
func (s *system) traffic(t *testing.T, trouble func()) {
	t.Helper()
	var calm atomic.Bool
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for !calm.Load() && !t.Failed() {
				s.journey(t)
			}
			if !t.Failed() {
				s.journey(t) // one more when all is well again
			}
		})
	}
	defer func() { // also where trouble ends the test
		calm.Store(true)
		all.Wait()
	}()
	trouble()
}

// everythingDeleted deletes all tasks and pictures, and then checks.
func (s *system) everythingDeleted(t *testing.T, check func()) {
	t.Helper()
	for {
		var list struct {
			Items      []document
			NextCursor *string
		}
		if s.get(t, "/api/reconstruction/list?limit=100").want(t, http.StatusOK).into(t, &list); len(list.Items) == 0 {
			break
		}
		for _, d := range list.Items {
			s.call(t, http.MethodDelete, "/api/reconstruction/status/"+d.TaskID, nil).want(t, http.StatusNoContent)
		}
	}
	for {
		var page struct {
			Items             []picture
			Page, Size, Total int
		}
		if s.get(t, "/picture/list/page?size=100").want(t, http.StatusOK).into(t, &page); len(page.Items) == 0 {
			break
		}
		for _, p := range page.Items {
			s.call(t, http.MethodDelete, "/picture/"+p.ID, nil).want(t, http.StatusNoContent)
		}
	}
	check()
}
