package e2e

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
)

func next(status string) []string {
	return map[string][]string{
		"":           {"PENDING"},
		"PENDING":    {"PROCESSING", "FAILED", "CANCELLED"},
		"PROCESSING": {"COMPLETED", "FAILED", "CANCELLED", "PENDING"},
	}[status]
}

// Workers that say anything at any time, in any order, of any attempt, can't make a task do what its lifecycle has not.
func TestStorm(t *testing.T) {
	t.Parallel()
	s := start(t, 2, "HEARTBEAT_TIMEOUT", "1s", "TASK_TIMEOUT", "8s", "MAX_ATTEMPTS", "4", "DISPATCH_TIMEOUT", "2s")
	replies := []reply{says(500, "{}"), {}, busy, says(202, `{"status":"accepted","heartbeat_seconds":1}`), says(202, `{}`), says(202, `no JSON`)}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { s.storm(t, replies) })
	}
	all.Wait()
}

func (s *system) storm(t *testing.T, replies []reply) {
	data := drawing()
	s.fleet.expect(data, func(dispatch) reply { return replies[rand.IntN(len(replies))] })
	body, mime := form(part{"file", "a.png", data})
	up, err := s.do(t.Context(), http.MethodPost, "/picture/upload", body, "Content-Type", mime)
	if err != nil || up.status != http.StatusCreated {
		t.Error(up.status, err)
		return
	}
	var p picture
	up.into(t, &p)
	made, err := s.do(t.Context(), http.MethodPost, "/api/reconstruction/create-from-image", mustJSON(map[string]any{"imageId": p.ID}), "Content-Type", "application/json")
	if err != nil || made.status != http.StatusAccepted {
		t.Error(made.status, err)
		return
	}
	var c created
	made.into(t, &c)

	calm, stop := context.WithCancel(t.Context())
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			for calm.Err() == nil {
				a, err := s.outbox.do(t, anything(c.TaskID))
				if err != nil || !slices.Contains([]int{200, 409, 422}, a.status) {
					t.Errorf("%v: %d %s", err, a.status, a.body)
				}
			}
		})
	}
	events := s.follow(t, c.SseURL, rand.IntN(2) == 0) // to the end, which some deadline brings if nothing else does
	stop()
	workers.Wait()

	status, attempt := "", 0
	for _, e := range events {
		v := e.read(t)
		if *v.Attempt < attempt {
			t.Errorf("an event of attempt %d after one of %d", *v.Attempt, attempt)
		}
		attempt = *v.Attempt
		if e.name != "status" {
			if status != "PROCESSING" {
				t.Errorf("a result while %s", status)
			}
			continue
		}
		if !slices.Contains(next(status), v.Status) {
			t.Errorf("from %s to %s", status, v.Status)
		}
		status = v.Status
	}
	a, err := s.do(t.Context(), http.MethodGet, c.StatusURL, nil)
	if err != nil {
		t.Error(err)
		return
	}
	var doc document
	if a.into(t, &doc); doc.Status != status || doc.Attempt != attempt {
		t.Errorf("the events end with %s of %d, the document says %s of %d", status, attempt, doc.Status, doc.Attempt)
	}
	if status == "COMPLETED" && len(doc.Results) < len(required()) {
		t.Errorf("completed with %d results", len(doc.Results))
	}
	for _, r := range doc.Results {
		if got := fetch(t, r.URL); got.status != http.StatusOK || sha(got.body) != r.Sha256 {
			t.Errorf("%s is not what it says: %d", r.Name, got.status)
		}
	}
}

// anything is a message of some attempt about anything.
func anything(taskID string) hook {
	attempt := rand.IntN(5)
	switch n := rand.IntN(10); {
	case n < 5:
		name := append(required(), "extra.bin")[rand.IntN(4)]
		return fileHook(taskID, attempt, name, []byte(name+strconv.Itoa(rand.IntN(2))))
	case n < 8:
		return statusHook(taskID, attempt, "processing", "progress", rand.IntN(101), "stage", []string{"queued", "mesh", ""}[rand.IntN(3)])
	case n < 9:
		return statusHook(taskID, attempt, "released")
	default:
		return statusHook(taskID, attempt, "completed")
	}
}
