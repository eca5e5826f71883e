package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

var at = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)

func TestALifeAsItHappens(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		j := w.newJob()
		c := watch(t, w.sseURL(j.id))
		for name, want := range map[string]string{"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
			if got := c.response.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if m, _ := c.next(); m != (message{retry: "2000"}) {
			t.Errorf("the stream begins with %+v", m)
		}

		check := func(id, event string, want map[string]any) {
			t.Helper()
			m := c.events(1)[0]
			if m.id != id || m.event != event {
				t.Errorf("got %s %q, want %s %q", m.event, m.id, event, id)
			}
			got := m.fields(t)
			if s, _ := got["at"].(string); !at.MatchString(s) {
				t.Errorf("at: %v", got["at"])
			}
			delete(got, "at")
			if s, ok := got["url"].(string); ok {
				u, err := url.Parse(s)
				if err != nil || !strings.HasSuffix(u.Path, "/result-1.png") || !strings.Contains(u.RawQuery, "q-signature=") {
					t.Errorf("url: %s", s)
				}
				got["url"] = "signed"
			}
			want["taskId"] = j.id
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s %s: %s", event, id, d)
			}
		}
		check("1", "status", map[string]any{"status": "PENDING", "attempt": 0.0})
		j.accept()
		check("2", "status", map[string]any{"status": "PROCESSING", "attempt": 1.0})
		j.progress(42)
		check("", "progress", map[string]any{"progress": 42.0, "stage": "mesh"})
		j.report("processing", func(r *taskstore.Report) {
			position, eta := 0, 3.5
			r.Stage, r.QueuePosition, r.ETASeconds = "queued\n\ndata: {}", &position, &eta
		})
		check("", "progress", map[string]any{"progress": 42.0, "stage": "queued\n\ndata: {}", "queuePosition": 0.0, "etaSeconds": 3.5})
		j.result()
		check("3", "result", map[string]any{
			"attempt": 1.0, "name": "result-1.png", "url": "signed", "size": 123.0, "sha256": strings.Repeat("ab", 32), "contentType": "image/png",
		})
		j.report("failed", func(r *taskstore.Report) { r.Error = task.Error{Code: task.WorkerFailed, Message: "no\nobject"} })
		check("4", "status", map[string]any{"status": "FAILED", "attempt": 1.0, "error": map[string]any{"code": "worker_failed", "message": "no\nobject"}})
		if m, ok := c.next(); ok {
			t.Errorf("after the final status: %+v", m)
		}
	})
}

func TestResumeAfterEveryID(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		const last = 6
		j := w.newJob().accept().result().result().result().complete()
		query := func(id string) []message {
			return watch(t, w.sseURL(j.id)+"&lastEventId="+url.QueryEscape(id)).rest()
		}
		for n := range last {
			expectNumbers(t, query(strconv.Itoa(n)), n+1, last)
			expectNumbers(t, watch(t, w.sseURL(j.id), "Last-Event-ID", strconv.Itoa(n)).rest(), n+1, last)
		}
		for _, id := range []string{"7", "999999999999", "9223372036854775807", "99999999999999999999", "-1", "+6", "6x", "0x6", "6.0", "ü", " 6", ""} {
			expectNumbers(t, query(id), 1, last)
		}
		expectNumbers(t, watch(t, w.sseURL(j.id)+"&lastEventId=5", "Last-Event-ID", "3").rest(), 4, last)
		for _, resp := range []*http.Response{get(t, w.sseURL(j.id)+"&lastEventId=6"), get(t, w.sseURL(j.id), "Last-Event-ID", "6")} {
			if resp.StatusCode != http.StatusNoContent {
				t.Errorf("who has seen the end gets %d", resp.StatusCode)
			}
		}
	})
}

func TestResumeOfALivingTask(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		j := w.newJob().accept().result().progress(10).progress(60)
		c := watch(t, w.sseURL(j.id)+"&lastEventId=2")
		got := c.events(2)
		expectNumbers(t, got, 3, 3)
		if got[1].event != "progress" || got[1].fields(t)["progress"] != 60.0 {
			t.Errorf("after the replay: %+v", got[1])
		}
		future := watch(t, w.sseURL(j.id)+"&lastEventId=77")
		expectNumbers(t, future.events(4), 1, 3)
		j.result().complete()
		expectNumbers(t, c.rest(), 4, 5)
		expectNumbers(t, future.rest(), 4, 5)
	})
}

func TestProgressEndsWithItsAttempt(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		j := w.newJob().accept().progress(70).again()
		got := watch(t, w.sseURL(j.id)).events(3)
		expectNumbers(t, got, 1, 3)
		c := watch(t, w.sseURL(j.id)+"&lastEventId=3")
		j.accept()
		if m := c.events(1)[0]; m.number() != 4 {
			t.Errorf("a lost attempt's progress was told: %+v", m)
		}
	})
}

func TestReplacedResultsHaveNoURL(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		j := w.newJob().accept().result()
		c := watch(t, w.sseURL(j.id))
		if r := c.events(3)[2].fields(t); r["url"] == nil {
			t.Error("a present result has no URL")
		}
		j.again() // the attempt has risen, with no event that says so yet
		check := func(when string) {
			t.Helper()
			r := watch(t, w.sseURL(j.id)).events(3)[2].fields(t)
			if u, there := r["url"]; !there || u != nil || r["attempt"] != 1.0 {
				t.Errorf("%s: a replaced result is told as %v", when, r)
			}
		}
		check("claimed")
		j.accept().result()
		check("processing")
		got := c.events(3)
		expectNumbers(t, got, 4, 6)
		if r := got[2].fields(t); r["url"] == nil || r["attempt"] != 2.0 {
			t.Errorf("the new result is told as %v", r)
		}
	})
}

func TestWhoMayWatch(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		j, other := w.newJob().accept().complete(), w.newJob()
		bearer := func(user string) string { return "Bearer " + token(t, user) }
		good := w.tickets.Issue(j.id)
		expired := auth.NewTickets(auth.TicketConfig{Secret: "a secret of tickets", TTL: -time.Second}).Issue(j.id)
		foreign := auth.NewTickets(auth.TicketConfig{Secret: "another secret of tickets", TTL: time.Hour}).Issue(j.id)
		swapped := "A" + good[1:]
		if good[0] == 'A' {
			swapped = "B" + good[1:]
		}
		unknown := task.NewID(owner)
		for _, row := range []struct {
			name, path, authorization string
			status                    int
			code                      string
		}{
			{"ticket", j.id + "?ticket=" + good, "", 200, ""},
			{"ticket wins over a wrong token", j.id + "?ticket=" + good, "Bearer x", 200, ""},
			{"token", j.id, bearer(owner), 200, ""},
			{"nothing", j.id, "", 401, "unauthorized"},
			{"wrong token", j.id, "Bearer x", 401, "unauthorized"},
			{"another user's token", j.id, bearer("mallory"), 404, "task_not_found"},
			{"empty ticket, right token", j.id + "?ticket=", bearer(owner), 401, "unauthorized"},
			{"ticket without value, right token", j.id + "?ticket", bearer(owner), 401, "unauthorized"},
			{"unreadable ticket, right token", j.id + "?ticket=%zz", bearer(owner), 401, "unauthorized"},
			{"tampered ticket, right token", j.id + "?ticket=" + swapped, bearer(owner), 401, "unauthorized"},
			{"longer ticket", j.id + "?ticket=" + good + "A", bearer(owner), 401, "unauthorized"},
			{"another task's ticket", other.id + "?ticket=" + good, bearer(owner), 401, "unauthorized"},
			{"expired ticket", j.id + "?ticket=" + expired, bearer(owner), 401, "unauthorized"},
			{"another secret's ticket", j.id + "?ticket=" + foreign, bearer(owner), 401, "unauthorized"},
			{"ticket of an unknown task", unknown + "?ticket=" + w.tickets.Issue(unknown), "", 404, "task_not_found"},
			{"unknown task", unknown, bearer(owner), 404, "task_not_found"},
			{"no UUID", "x", bearer(owner), 404, "task_not_found"},
			{"upper case", strings.ToUpper(j.id), bearer(owner), 404, "task_not_found"},
			{"no UUID, no token", "x", "", 401, "unauthorized"},
		} {
			var header []string
			if row.authorization != "" {
				header = []string{"Authorization", row.authorization}
			}
			resp := get(t, w.url(row.path), header...)
			if code := problemCode(t, resp); resp.StatusCode != row.status || code != row.code {
				t.Errorf("%s: %d %s, want %d %s", row.name, resp.StatusCode, code, row.status, row.code)
			}
		}
	})
}

func TestOtherMethods(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		j := w.newJob()
		for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodDelete} {
			resp := request(t, method, w.sseURL(j.id))
			if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET" {
				t.Errorf("%s: %d, Allow %q", method, resp.StatusCode, resp.Header.Get("Allow"))
			}
		}
	})
}

func TestADeletedTaskEndsItsStreams(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		j := w.newJob().accept()
		c := watch(t, w.sseURL(j.id))
		c.events(2)
		_, err := w.store.Delete(t.Context(), owner, j.id)
		must(t, err)
		for _, m := range c.rest() {
			if m.fields(t)["status"] != "CANCELLED" {
				t.Errorf("after the deletion: %+v", m)
			}
		}
		if resp := get(t, w.sseURL(j.id)); resp.StatusCode != http.StatusNotFound {
			t.Errorf("a valid ticket of a deleted task: %d", resp.StatusCode)
		}
	})
}

func TestAStreamEndsBeforeThePlatformDoes(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, func(p *pace) { p.max = 300 * time.Millisecond })
		j := w.newJob().accept()
		expectNumbers(t, watch(t, w.sseURL(j.id)).rest(), 1, 2)
	})
}

func TestToldToStop(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		j := w.newJob().accept()
		c := watch(t, w.sseURL(j.id))
		expectNumbers(t, c.events(2), 1, 2)
		w.stop()
		m, _ := c.next()
		if ms, err := strconv.Atoi(m.retry); err != nil || ms < 1000 || ms > 4000 {
			t.Errorf("when told to stop: %+v", m)
		}
		if m, ok := c.next(); ok {
			t.Errorf("and then %+v", m)
		}
	})
}

func TestManyClientsShareOneConnection(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, by, nil)
		j := w.newJob().accept()
		var clients []*client
		for range 100 {
			c := watch(t, w.sseURL(j.id))
			c.events(2)
			clients = append(clients, c)
		}
		if n := w.subscribers(); n != 1 {
			t.Errorf("%d subscription connections", n)
		}
		for range 20 {
			j.result()
		}
		j.complete()
		for i, c := range clients {
			t.Run(fmt.Sprint(i), func(t *testing.T) { expectNumbers(t, c.rest(), 3, 23) })
		}
	})
}
