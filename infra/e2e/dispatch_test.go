package e2e

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Each answer of a worker means what the contract says, for the task and for its attempt.
func TestWorkersAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, 2, "DISPATCH_TIMEOUT", "2s")
	t.Run("rejected", func(t *testing.T) {
		for _, status := range []int{400, 413, 415, 422} {
			t.Run(strconv.Itoa(status), func(t *testing.T) {
				t.Parallel()
				o := s.order(t, always(says(status, `{"type":"about:blank","title":"x","status":422,"detail":"There is only fog in this picture.","code":"image_invalid"}`)))
				all := o.events.until(t, "FAILED")
				if v := all[len(all)-1].read(t); v.Error == nil || v.Error.Code != "image_rejected" || !strings.Contains(v.Error.Message, "only fog") {
					t.Errorf("event: %+v", v)
				}
				o.events.ended(t)
				doc := o.document()
				if doc.Status != "FAILED" || doc.Error == nil || doc.Error.Code != "image_rejected" || doc.ErrorMessage == nil || *doc.ErrorMessage != doc.Error.Message {
					t.Errorf("document: %+v", doc)
				}
				if d := o.job.next(t); d.fields["attempt"] != "1" || len(o.job.dispatches) != 0 {
					t.Error("it was handed over again")
				}
			})
		}
	})
	// What may have reached the worker is followed by a higher attempt, to the next worker first.
	for name, first := range map[string]reply{
		"500":                       says(500, "{}"),
		"502":                       says(502, "<html>"),
		"404":                       says(404, "{}"),
		"200":                       says(200, `{"status":"accepted"}`),
		"204":                       says(204, ""),
		"a redirect":                says(307, "", "Location", "http://127.0.0.1:9/generate3d"),
		"503 without a time":        says(503, "{}"),
		"a cut connection":          {},
		"no answer in time":         {status: 202, hold: make(chan struct{})},
		"503 with a senseless time": says(503, "{}", "Retry-After", "soon"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := s.order(t, inTurn(always(first), taken))
			a, b := o.job.next(t), o.job.next(t)
			if a.fields["attempt"] != "1" || b.fields["attempt"] != "2" || a.worker == b.worker || !bytes.Equal(b.image, o.data) || a.id == b.id {
				t.Errorf("handed over as %s to %d, then as %s to %d", a.fields["attempt"], a.worker, b.fields["attempt"], b.worker)
			}
			all := o.events.until(t, "PROCESSING")
			if v := all[len(all)-1].read(t); len(all) != 2 || *v.Attempt != 2 {
				t.Errorf("events: %+v", all)
			}
			o.status(1, "processing").problem(t, http.StatusConflict, "attempt_superseded")
			o.finish(2)
			o.events.until(t, "COMPLETED")
		})
	}
	t.Run("the answer was lost, the work was not", func(t *testing.T) {
		t.Parallel()
		release := make(chan struct{})
		o := s.order(t, inTurn(always(reply{}), func(d dispatch) reply { <-release; return taken(d) }))
		o.job.next(t)
		// A signed callback of the present attempt is as good as a 202.
		if got := o.status(1, "processing", "progress", 5).want(t, http.StatusOK).object(t); got["status"] != "PROCESSING" {
			t.Errorf("callback: %v", got)
		}
		close(release)
		all := o.events.until(t, "PROCESSING")
		if v := all[len(all)-1].read(t); *v.Attempt != 1 {
			t.Errorf("events: %+v", all)
		}
		o.finish(1)
		o.events.until(t, "COMPLETED")
		if len(o.job.dispatches) > 0 {
			t.Error("it was handed over again")
		}
	})
	t.Run("the result comes before the 202", func(t *testing.T) {
		t.Parallel()
		hold := make(chan struct{})
		began := make(chan dispatch, 1)
		data := drawing()
		s.fleet.expect(data, func(d dispatch) reply {
			began <- d
			r := taken(d)
			r.hold = hold
			return r
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
		id := (<-began).fields["task_id"]
		for _, name := range required() {
			s.outbox.send(t, fileHook(id, 1, name, []byte(name))).want(t, http.StatusOK)
		}
		s.outbox.send(t, statusHook(id, 1, "completed")).want(t, http.StatusOK)
		close(hold)
		if got := (<-answered).want(t, http.StatusAccepted).object(t)["status"]; got != "COMPLETED" {
			t.Errorf("create answers %v", got)
		}
		if doc := s.task(t, id); doc.Status != "COMPLETED" || doc.Attempt != 1 {
			t.Errorf("%+v", doc)
		}
	})
	t.Run("a picture over 5 MiB goes by URL", func(t *testing.T) {
		t.Parallel()
		data := noise(1400, 1300)
		job := s.fleet.expect(data, taken)
		var g grant
		s.post(t, "/picture/upload-url", map[string]any{"name": "big.png", "contentType": "image/png", "size": len(data)}).want(t, http.StatusCreated).into(t, &g)
		g.put(t, data).want(t, http.StatusOK)
		s.call(t, http.MethodPost, "/picture/"+g.ID+"/complete", nil).want(t, http.StatusCreated)
		s.create(t, g.ID)
		d := job.next(t)
		if d.image != nil || d.fields["image_sha256"] != sha(data) || !bytes.Equal(fetch(t, d.fields["image_url"]).want(t, http.StatusOK).body, data) {
			t.Errorf("dispatch: %d bytes, %v", len(d.image), d.fields)
		}
	})
}

// Clear refusals leave the attempt as it is. Their workers are their own system's: a busy one holds up everybody.
func TestRefusedHandOvers(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]reply{
		"429":                says(429, "{}", "Retry-After", "1"),
		"503":                says(503, "{}", "Retry-After", "1"),
		"503 with an hour":   says(503, "{}", "Retry-After", "3600"),
		"429 with a date":    says(429, "{}", "Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"),
		"429 without a time": says(429, "{}"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, 2)
			o := s.order(t, func(d dispatch) reply {
				if d.n <= 4 {
					return busy
				}
				return taken(d)
			})
			for range 5 {
				if d := o.job.next(t); d.fields["attempt"] != "1" {
					t.Errorf("a busy worker made it attempt %s", d.fields["attempt"])
				}
			}
			if all := o.events.until(t, "PROCESSING"); len(all) != 2 {
				t.Errorf("events: %+v", all)
			}
			o.finish(1)
			o.events.until(t, "COMPLETED")
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		address := "127.0.0.1:" + ownPort(t)
		s := start(t, 0, "WORKER_URLS", "http://"+address)
		o := s.order(t, taken)
		if first := o.events.durable(t).read(t); first.Status != "PENDING" {
			t.Errorf("%+v", first)
		}
		// The worker comes up late, at that very address.
		s.fleet.rise(address)
		if d := o.job.next(t); d.fields["attempt"] != "1" {
			t.Errorf("attempt %s", d.fields["attempt"])
		}
		o.events.until(t, "PROCESSING")
	})
	t.Run("the next worker is up", func(t *testing.T) {
		t.Parallel()
		alive := newFleet(t, 1, newSecret())
		s := start(t, 0, "WORKER_URLS", "http://127.0.0.1:9,"+alive.urls()+",http://127.0.0.1:9/")
		alive.secret = s.fleet.secret
		s.fleet = alive
		for range 4 {
			o := s.order(t, taken)
			if d := o.job.next(t); d.fields["attempt"] != "1" {
				t.Errorf("attempt %s", d.fields["attempt"])
			}
			o.events.until(t, "PROCESSING")
		}
	})
}

// While workers are busy the oldest task waits at the front, and new ones behind it.
func TestOldestFirst(t *testing.T) {
	t.Parallel()
	s := start(t, 1, "SWEEP_INTERVAL", "1500ms") // sweeps that overlap may overtake each other
	open := make(chan struct{}, 1)               // a token: the worker has room for one
	order := make(chan string, 16)
	answer := func(d dispatch) reply {
		select {
		case <-open:
			order <- d.fields["task_id"]
			return taken(d)
		default:
			return busy
		}
	}
	var want []string
	for range 4 {
		want = append(want, s.orderUnheard(t, answer).TaskID)
	}
	open <- struct{}{}
	got := []string{<-order}
	last := s.orderUnheard(t, answer) // comes while there are older ones
	want = append(want, last.TaskID)
	for len(got) < len(want) {
		open <- struct{}{}
		got = append(got, <-order)
	}
	if !slices.Equal(got, want) {
		t.Errorf("taken in the order\n%v, made in\n%v", got, want)
	}
}

// Deadlines end what waits in vain.
func TestDispatchDeadlines(t *testing.T) {
	t.Parallel()
	failed := func(t *testing.T, o *order) {
		t.Helper()
		all := o.events.until(t, "FAILED")
		if v := all[len(all)-1].read(t); len(all) != 2 || v.Error == nil || v.Error.Code != "worker_unavailable" || v.Error.Message == "" {
			t.Errorf("events: %+v", all)
		}
		o.events.ended(t)
		if doc := o.document(); doc.Status != "FAILED" || doc.Error == nil || doc.Error.Code != "worker_unavailable" {
			t.Errorf("%+v", doc)
		}
	}
	t.Run("no worker answers", func(t *testing.T) {
		t.Parallel()
		s := start(t, 1, "DISPATCH_DEADLINE", "2s")
		failed(t, s.order(t, always(reply{})))
	})
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		s := start(t, 0, "DISPATCH_DEADLINE", "2s", "WORKER_URLS", "http://127.0.0.1:9")
		failed(t, s.order(t, taken))
	})
	t.Run("busy for ever", func(t *testing.T) {
		t.Parallel()
		s := start(t, 1, "QUEUE_DEADLINE", "3s", "DISPATCH_DEADLINE", "1s") // busy is an answer: the short one doesn't count
		o := s.order(t, always(busy))
		failed(t, o)
		if n := len(o.job.dispatches); n < 2 {
			t.Errorf("asked %d times", n)
		}
	})
}

// Where each callback function has a URL of its own, the dispatch says so.
func TestCallbackURLs(t *testing.T) {
	t.Parallel()
	s := start(t, 1, "CALLBACK_BASE_URL", "https://api.example/back/", "CALLBACK_RESULT_URL", "https://r.example/result",
		"CALLBACK_UPLOAD_URL", "https://r.example/upload-url", "CALLBACK_STATUS_URL", "https://s.example/status")
	d := s.order(t, taken).job.next(t)
	for name, want := range map[string]string{
		"callback_url": "https://api.example/back", "result_url": "https://r.example/result", "upload_url": "https://r.example/upload-url", "status_url": "https://s.example/status",
	} {
		if strings.TrimRight(d.fields[name], "/") != want {
			t.Errorf("%s is %q", name, d.fields[name])
		}
	}
}
