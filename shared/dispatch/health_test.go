package dispatch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recon3d/recon3d/shared/taskstore"
)

func TestWhatAWorkersHealthMeans(t *testing.T) {
	example := func(name string) string {
		b, err := os.ReadFile(filepath.Join("..", "contract", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, c := range map[string]struct {
		status int
		body   string
		want   health
	}{
		"as the contract's example":         {200, example("worker-health.json"), health{word: roomy, tasks: 1}},
		"as its unhealthy example":          {503, example("worker-health-failed.json"), health{word: closed}},
		"computing and queueing":            {200, `{"status":"healthy","queue":{"running":1,"queued":3,"limit":8}}`, health{word: roomy, tasks: 4}},
		"full":                              {200, `{"status":"healthy","queue":{"running":1,"queued":8,"limit":8}}`, health{word: closed}},
		"a worker that queues nothing":      {200, `{"status":"healthy","queue":{"running":0,"queued":0,"limit":0}}`, health{word: roomy}},
		"no more than the contract asks":    {200, `{"status":"healthy","models_loaded":true}`, health{word: healthy}},
		"less than nothing to do":           {200, `{"status":"healthy","queue":{"running":-5,"queued":0}}`, health{word: silent}},
		"more to do than there are tasks":   {200, `{"status":"healthy","queue":{"running":1e99}}`, health{word: silent}},
		"healthy in words, not in status":   {503, `{"status":"healthy"}`, health{word: silent}},
		"unhealthy in words, not in status": {200, `{"status":"unhealthy"}`, health{word: silent}},
		"a proxy's page":                    {200, `<html>`, health{word: silent}},
		"a proxy's 503":                     {503, `no upstream`, health{word: silent}},
	} {
		got, err := judgeHealth(c.status, []byte(c.body))
		if err != nil {
			got.word = silent
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// played starts a worker for each answer to GET /health, and tells how often each was asked.
func played(t *testing.T, answers ...http.HandlerFunc) (*workers, []atomic.Int64) {
	t.Helper()
	asked := make([]atomic.Int64, len(answers))
	w := &workers{client: newClient(), heard: make([]health, len(answers))}
	for i, answer := range answers {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || r.URL.Path != "/health" {
				t.Errorf("asked %s %s", r.Method, r.URL.Path)
			}
			asked[i].Add(1)
			answer(w, r)
		}))
		t.Cleanup(s.Close)
		w.urls = append(w.urls, s.URL)
	}
	return w, asked
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the asker may have gone
	}
}

func has(tasks int) http.HandlerFunc {
	return says(200, `{"status":"healthy","queue":{"running":0,"queued":`+strconv.Itoa(tasks)+`,"limit":8}}`)
}

// hangs never answers.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestTheLeastLoadedWorkerIsFirst(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	elsewhere := httptest.NewServer(has(0))
	t.Cleanup(elsewhere.Close)
	w, asked := played(t,
		hangs,
		has(5),
		says(503, `{"status":"unhealthy"}`),
		has(2),
		says(200, `{"status":"healthy"}`),
		func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/health", http.StatusFound)
		},
		has(2),
		has(8), // full
	)
	w.urls, w.heard = append(w.urls, gone.URL), append(w.heard, health{})
	// Equal ones follow each other from the first on.
	for first, want := range map[int][]int{
		0: {3, 6, 1, 4, 2, 7, 0, 5, 8},
		5: {6, 3, 1, 4, 7, 2, 5, 8, 0},
	} {
		if got := w.order(t.Context(), first); !slices.Equal(got, want) {
			t.Errorf("from %d: %v, want %v", first, got, want)
		}
	}
	if n := asked[0].Load(); n != 1 {
		t.Errorf("the one that hangs was asked %d times", n)
	}
}

func TestASingleWorkerIsNotAsked(t *testing.T) {
	w, asked := played(t, hangs)
	if got := w.order(t.Context(), 0); !slices.Equal(got, []int{0}) || asked[0].Load() != 0 {
		t.Errorf("%v, asked %d times", got, asked[0].Load())
	}
}

// What a worker did counts more than what it said: one that boasts of having nothing to do, and refuses, is not offered the next
// task first.
func TestAWorkerThatLies(t *testing.T) {
	w, _ := played(t, has(0), has(1), has(3))
	for _, step := range []struct {
		index int
		fate  taskstore.Fate
		want  []int
	}{
		{0, taskstore.Busy, []int{1, 2, 0}},
		{1, taskstore.Accepted, []int{1, 2, 0}}, // two, with the one it said
		{1, taskstore.Accepted, []int{1, 2, 0}}, // three, as the other has
		{1, taskstore.Accepted, []int{2, 1, 0}},
		{1, taskstore.Rejected, []int{2, 1, 0}}, // the picture's fault
		{2, taskstore.Unknown, []int{1, 0, 2}},
	} {
		w.order(t.Context(), 0)
		w.met(step.index, step.fate)
		for i := range w.heard {
			w.heard[i].until = time.Now().Add(time.Hour) // however slow this machine is
		}
		if got := w.order(t.Context(), 0); !slices.Equal(got, step.want) {
			t.Errorf("after worker %d's %s: %v, want %v", step.index, step.fate, got, step.want)
		}
	}
}

// After the first attempt the worker that may have it is asked last.
func TestALaterAttemptGoesElsewhere(t *testing.T) {
	w, _ := played(t, has(0), has(1), has(2))
	d := &Dispatcher{cfg: Config{Workers: w.urls}, workers: w}
	for attempt, want := range map[int][]int{1: {0, 1, 2}, 2: {1, 2, 0}} {
		if got := d.order(t.Context(), &taskstore.Claim{Attempt: attempt, Worker: 1}); !slices.Equal(got, want) {
			t.Errorf("attempt %d: %v, want %v", attempt, got, want)
		}
	}
}

// transport plays workers in a bubble of synctest, whose clock no socket stops.
type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func TestAskingTakesNoLongerThanItsLimitAndIsSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var asked []string
		note := func(name string) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, name)
		}
		w := &workers{
			urls: []string{"http://a", "http://b"}, heard: make([]health, 2),
			client: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "b" {
					<-r.Context().Done()
					note("b")
					return nil, r.Context().Err()
				}
				note("a")
				rec := httptest.NewRecorder()
				has(1)(rec, r)
				return rec.Result(), nil
			})},
		}
		start := time.Now()
		// Who leaves does not take the answers from others.
		ctx, leave := context.WithCancelCause(t.Context())
		leave(errors.New("the browser is gone"))
		for _, step := range []struct {
			pause, takes time.Duration
			asked        string
		}{
			{0, askLimit, "a b"},
			{freshFor - askLimit - 1, 0, ""},
			{1, 0, "a"},
			{freshFor, 0, "a"},
			{silentFor, askLimit, "a b"},
		} {
			time.Sleep(step.pause)
			asked = nil
			before := time.Now()
			if got := w.order(ctx, 1); !slices.Equal(got, []int{0, 1}) {
				t.Errorf("after %s: %v", time.Since(start), got)
			}
			if took := time.Since(before); took != step.takes || strings.Join(asked, " ") != step.asked {
				t.Errorf("after %s: took %s and asked %q, want %s and %q", before.Sub(start), took, asked, step.takes, step.asked)
			}
		}
	})
}
