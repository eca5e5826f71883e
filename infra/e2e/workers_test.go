package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// rank adds a worker to the fleet that says by GET /health what health does.
func (f *fleet) rank(health http.HandlerFunc) {
	f.t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/", f.handler(len(f.workers)))
	mux.HandleFunc("GET /health", health)
	s := httptest.NewServer(mux)
	f.t.Cleanup(s.Close)
	f.workers = append(f.workers, s)
}

// loaded is the health of a worker with that many tasks, of which it computes one.
func loaded(tasks int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"status":"healthy","models_loaded":true,"queue":{"running":1,"queued":%d,"limit":8}}`, tasks-1) // the backend may hang up
	}
}

// Of many workers the least loaded is given the task, by what they say of themselves; those that say nothing hold nobody up.
func TestTheLeastLoadedWorkerIsGivenTheTask(t *testing.T) {
	t.Parallel()
	ranked := newFleet(t, 0, "")
	ranked.rank(loaded(7))
	ranked.rank(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }) // hangs
	ranked.rank(func(w http.ResponseWriter, _ *http.Request) {                         // has room, and says that it has none
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"status":"unhealthy"}`)
	})
	ranked.rank(loaded(1)) // boasts
	ranked.rank(loaded(3))
	s := start(t, 0, "WORKER_URLS", ranked.urls())
	ranked.secret = s.fleet.secret
	s.fleet = ranked

	// given orders a task and tells which workers were asked, and in which attempt it was taken.
	given := func(t *testing.T, reply func(dispatch) reply) (asked []int, attempt int) {
		t.Helper()
		o := s.order(t, reply)
		all := o.events.until(t, "PROCESSING")
		for len(o.job.dispatches) > 0 {
			asked = append(asked, o.job.next(t).worker)
		}
		attempt = *all[len(all)-1].read(t).Attempt
		o.finish(attempt)
		o.events.until(t, "COMPLETED")
		return asked, attempt
	}
	t.Run("by load, but who refuses is passed over", func(t *testing.T) {
		// On a machine that is busy a worker may answer late, and is then last for a while: that is right, too.
		eventually(t, "the least loaded is asked first, and then the next", func() bool {
			asked, _ := given(t, func(d dispatch) reply {
				if d.worker == 3 {
					return busy
				}
				return taken(d)
			})
			return slices.Equal(asked, []int{3, 4})
		})
	})
	t.Run("no clear answer", func(t *testing.T) {
		asked, attempt := given(t, inTurn(always(says(http.StatusInternalServerError, "{}")), taken))
		if len(asked) != 2 || asked[0] == asked[1] || attempt != 2 {
			t.Errorf("asked %v, taken in attempt %d", asked, attempt)
		}
	})
	t.Run("only the one that says nothing has room", func(t *testing.T) {
		asked, attempt := given(t, func(d dispatch) reply {
			if d.worker != 1 {
				return busy
			}
			return taken(d)
		})
		if asked[len(asked)-1] != 1 || attempt != 1 {
			t.Errorf("asked %v, taken in attempt %d", asked, attempt)
		}
	})
}
