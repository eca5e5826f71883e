package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// at sends requests at the same time, and tells their answers in order.
func at[T any](n int, send func(i int) T) []T {
	answers := make([]T, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { answers[i] = send(i) })
	}
	all.Wait()
	return answers
}

// Who deletes while others make must not leave anything behind, however the two meet.
func TestRaces(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	bucket := s.bucket(t)
	try := func(method, path string, body any, headers ...string) answer {
		var b []byte
		if body != nil {
			b, headers = mustJSON(body), append(headers, "Content-Type", "application/json")
		}
		a, err := s.do(t.Context(), method, path, b, headers...)
		if err != nil {
			t.Error(err)
		}
		return a
	}
	oneOf := func(t *testing.T, a answer, statuses ...int) {
		t.Helper()
		if !slices.Contains(statuses, a.status) {
			t.Errorf("%s: %d %s", a.request, a.status, a.body)
		}
	}
	t.Run("group", func(t *testing.T) {
		t.Run("a create and the picture's deletion", func(t *testing.T) {
			t.Parallel()
			for range 10 {
				data := drawing()
				s.fleet.expect(data, taken)
				p := s.upload(t, data)
				got := at(4, func(i int) answer {
					if i == 1 {
						return try(http.MethodDelete, "/picture/"+p.ID, nil)
					}
					return try(http.MethodPost, "/api/reconstruction/create-from-image", map[string]any{"imageId": p.ID})
				})
				oneOf(t, got[1], http.StatusNoContent)
				for _, a := range []answer{got[0], got[2], got[3]} {
					oneOf(t, a, http.StatusAccepted, http.StatusNotFound)
				}
			}
		})
		t.Run("completions and a deletion", func(t *testing.T) {
			t.Parallel()
			for i := range 6 {
				data := drawing()
				var g grant
				s.post(t, "/picture/upload-url", map[string]any{"name": "a.png", "contentType": "image/png", "size": len(data)}).want(t, http.StatusCreated).into(t, &g)
				g.put(t, data).want(t, http.StatusOK)
				got := at(6, func(n int) answer {
					if i%2 == 1 && n == 3 {
						return try(http.MethodDelete, "/picture/"+g.ID, nil)
					}
					return try(http.MethodPost, "/picture/"+g.ID+"/complete", nil)
				})
				for n, a := range got {
					switch {
					case i%2 == 0:
						oneOf(t, a, http.StatusCreated)
						if a.object(t)["createdAt"] != got[0].object(t)["createdAt"] {
							t.Errorf("two completions differ: %s, %s", a.body, got[0].body)
						}
					case n == 3:
						oneOf(t, a, http.StatusNoContent, http.StatusNotFound)
					default:
						oneOf(t, a, http.StatusCreated, http.StatusNotFound)
					}
				}
			}
		})
		t.Run("results and the task's deletion", func(t *testing.T) {
			t.Parallel()
			for range 8 {
				o := s.orderUnheard(t, taken)
				o.job.next(t)
				data := random(200_000)
				m := manifest("model.glb", data, 1)
				var g grant
				s.outbox.send(t, directHook("upload", o.TaskID, 1, m)).want(t, http.StatusOK).into(t, &g)
				g.put(t, data).want(t, http.StatusOK)
				got := at(6, func(i int) answer {
					var a answer
					var err error
					switch i {
					case 2:
						a, err = s.do(t.Context(), http.MethodDelete, o.StatusURL, nil)
					case 4:
						a, err = s.outbox.do(t, directHook("result", o.TaskID, 1, m))
					default:
						a, err = s.outbox.do(t, fileHook(o.TaskID, 1, fmt.Sprintf("part-%d.png", i), random(50_000)))
					}
					if err != nil {
						t.Error(err)
					}
					return a
				})
				for i, a := range got {
					if i == 2 {
						oneOf(t, a, http.StatusNoContent)
					} else {
						oneOf(t, a, http.StatusOK, http.StatusNotFound)
					}
				}
			}
		})
		t.Run("cancel and complete", func(t *testing.T) {
			t.Parallel()
			for range 8 {
				o := s.order(t, taken)
				o.job.next(t)
				for _, name := range required() {
					o.file(1, name, []byte(name)).want(t, http.StatusOK)
				}
				got := at(2, func(i int) answer {
					if i == 0 {
						return try(http.MethodPost, "/api/reconstruction/cancel/"+o.TaskID, nil)
					}
					a, err := s.outbox.do(t, statusHook(o.TaskID, 1, "completed"))
					if err != nil {
						t.Error(err)
					}
					return a
				})
				final, lost := "CANCELLED", got[1]
				if got[0].status != http.StatusOK {
					final, lost = "COMPLETED", got[0]
				}
				lost.problem(t, http.StatusConflict, "task_finished")
				o.events.until(t, final)
				o.events.ended(t)
				if doc := o.document(); doc.Status != final {
					t.Errorf("the events say %s, the document %s", final, doc.Status)
				}
			}
		})
	})
	s.everythingDeleted(t, func() {
		eventually(t, "no object is left", func() bool {
			return len(objects(t, bucket, "reconstruction/"))+len(objects(t, bucket, "pictures/")) == 0
		})
		if left := s.orphans(t, bucket); len(left) > 0 {
			t.Errorf("orphaned objects: %v", left)
		}
	})
}
