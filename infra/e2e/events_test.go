package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A stream can be taken up at any of its events; what can't be served is served from the beginning.
func TestResume(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	o := s.order(t, taken)
	o.job.next(t)
	o.file(1, "pixel_images.png", []byte("a")).want(t, http.StatusOK)
	o.status(1, "processing", "progress", 33, "stage", "mesh").want(t, http.StatusOK)
	o.file(1, "xyz_images.png", []byte("b")).want(t, http.StatusOK)
	const last = 4 // PENDING, PROCESSING, two results

	read := func(t *testing.T, ref, lastID string, from int) {
		t.Helper()
		st := s.listen(t, ref, lastID)
		for n := from; n <= last; n++ {
			if e := st.next(t); e.id != strconv.Itoa(n) {
				t.Fatalf("after %q: want event %d, got %+v", lastID, n, e)
			}
		}
		if e := st.next(t); e.name != "progress" || e.carriesID || *e.read(t).Progress != 33 {
			t.Errorf("after %q: want the present progress, got %+v", lastID, e)
		}
	}
	t.Run("of a task in work", func(t *testing.T) {
		for n := range last + 1 {
			id := strconv.Itoa(n)
			t.Run("after "+id, func(t *testing.T) {
				t.Parallel()
				read(t, o.SseURL, id, n+1)
				read(t, o.SseURL+"&lastEventId="+id, "", n+1)
				read(t, o.SseURL+"&lastEventId=1", id, n+1) // the header wins
			})
		}
		for _, id := range []string{"5", "1000", "-1", "x", "1.5", "0-1", "9223372036854775807", "99999999999999999999999", " 2x", "٣", "1e0", "../1"} {
			t.Run("after "+id, func(t *testing.T) {
				t.Parallel()
				read(t, o.SseURL, id, 1)
				read(t, o.SseURL+"&lastEventId="+url.QueryEscape(id), "", 1)
			})
		}
	})
	o.file(1, "output3d.zip", []byte("c")).want(t, http.StatusOK)
	o.status(1, "completed").want(t, http.StatusOK)
	o.events.until(t, "COMPLETED")
	o.events.ended(t)
	t.Run("of a finished task", func(t *testing.T) {
		const final = 6
		for n := range final {
			if got := s.listen(t, o.SseURL, strconv.Itoa(n)).until(t, "COMPLETED"); len(got) != final-n || got[0].id != strconv.Itoa(n+1) {
				t.Errorf("after %d: %+v", n, got)
			}
		}
		s.get(t, o.SseURL, "Last-Event-ID", "6").want(t, http.StatusNoContent)
		s.get(t, o.SseURL+"&lastEventId=6").want(t, http.StatusNoContent)
		for _, id := range []string{"7", "x"} {
			st := s.listen(t, o.SseURL, id)
			if got := st.until(t, "COMPLETED"); len(got) != final {
				t.Errorf("after %q: %+v", id, got)
			}
			st.ended(t)
		}
	})
}

// A ticket opens one task's stream for a while, and nothing else.
func TestTickets(t *testing.T) {
	t.Parallel()
	s := start(t, 1, "TICKET_TTL", "4s")
	o, other := s.orderUnheard(t, taken), s.orderUnheard(t, taken)
	at, err := url.Parse(o.SseURL)
	if err != nil {
		t.Fatal(err)
	}
	ticket := at.Query().Get("ticket")
	with := func(path, ticket string) string { return path + "?ticket=" + url.QueryEscape(ticket) }
	eventually(t, "the ticket expires", func() bool { return s.getStatus(t, o.SseURL) == http.StatusUnauthorized })
	s.get(t, o.SseURL).problem(t, http.StatusUnauthorized, "unauthorized")

	fresh := o.document().SseURL
	s.listen(t, fresh, "").until(t, "PROCESSING")
	at, err = url.Parse(fresh)
	if err != nil {
		t.Fatal(err)
	}
	renewed := at.Query().Get("ticket")
	if renewed == ticket {
		t.Error("the document's ticket is the old one")
	}
	flipped := []byte(renewed)
	for i := 0; i < len(flipped); i += 7 {
		c := flipped[i]
		if flipped[i] = 'A'; c == 'A' {
			flipped[i] = 'B'
		}
		s.get(t, with(at.Path, string(flipped))).problem(t, http.StatusUnauthorized, "unauthorized")
		flipped[i] = c
	}
	for _, wrong := range []string{"", "x", renewed + "A", renewed[1:], strings.ToUpper(renewed), strings.Repeat("A", 4000), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		s.get(t, with(at.Path, wrong)).problem(t, http.StatusUnauthorized, "unauthorized")
	}
	s.get(t, strings.ReplaceAll(fresh, o.TaskID, other.TaskID)).problem(t, http.StatusUnauthorized, "unauthorized")
	s.get(t, strings.ReplaceAll(fresh, o.TaskID, unknownID)).problem(t, http.StatusUnauthorized, "unauthorized")
}

// getStatus asks and leaves at once, for what may be a stream.
func (s *system) getStatus(t *testing.T, ref string) int {
	t.Helper()
	u, err := s.base.Parse(ref)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// Streams end by themselves before the platform cuts them, say that they live, and all of them hear the same.
func TestStreams(t *testing.T) {
	t.Parallel()
	t.Run("end in time", func(t *testing.T) {
		t.Parallel()
		s := start(t, 1, "STREAM_MAX", "1s")
		o := s.order(t, taken)
		o.events.until(t, "PROCESSING")
		o.events.ended(t)
		o.file(1, "a.png", []byte("a")).want(t, http.StatusOK)
		if e := s.listen(t, o.SseURL, "2").next(t); e.id != "3" || e.name != "result" {
			t.Errorf("%+v", e)
		}
	})
	t.Run("comment", func(t *testing.T) {
		t.Parallel()
		s := start(t, 1)
		o := s.order(t, taken)
		o.events.until(t, "PROCESSING")
		for len(o.events.dumb) > 0 {
			<-o.events.dumb
		}
		<-o.events.dumb // the next comes by itself
	})
	t.Run("many", func(t *testing.T) {
		t.Parallel()
		s := start(t, 1)
		o := s.order(t, taken)
		o.job.next(t)
		var all []*stream
		for range 50 {
			all = append(all, s.listen(t, o.SseURL, ""))
		}
		o.finish(1)
		want := o.events.until(t, "COMPLETED")
		ids := func(events []event) (list []string) {
			for _, e := range events {
				list = append(list, e.id+" "+e.name)
			}
			return list
		}
		for _, st := range all {
			if got := st.until(t, "COMPLETED"); !slices.Equal(ids(got), ids(want)) {
				t.Errorf("heard %v, want %v", ids(got), ids(want))
			}
			st.ended(t)
		}
	})
	t.Run("come and go", func(t *testing.T) { // while events come: none is lost, none comes twice
		t.Parallel()
		s := start(t, 1)
		o := s.order(t, taken)
		o.job.next(t)
		var readers sync.WaitGroup
		for range 8 {
			readers.Go(func() { s.follow(t, o.SseURL, true) })
		}
		for i := range 40 {
			o.file(1, "part-"+strconv.Itoa(i), []byte{byte(i)}).want(t, http.StatusOK)
		}
		o.finish(1)
		readers.Wait()
	})
}

// follow reads a task's stream to its end, whatever breaks, and fails the test where an event is missing or comes twice. A
// restless reader leaves after each few events and comes back.
func (s *system) follow(t *testing.T, ref string, restless bool) []event {
	var all []event
	for deadline := time.Now().Add(patience); ; {
		st, status := s.tryListen(t, ref, strconv.Itoa(len(all)))
		switch {
		case status == http.StatusNoContent:
			return all
		case st == nil && time.Now().After(deadline):
			t.Errorf("refused for good: %d", status)
			return all
		case st == nil:
			continue // being restarted
		}
		deadline = time.Now().Add(patience)
		here := 0
		for e := range st.events {
			if e.name == "progress" {
				continue
			}
			all = append(all, e)
			if e.id != strconv.Itoa(len(all)) {
				t.Errorf("event %d has id %s", len(all), e.id)
				return all
			}
			if here++; restless && here == 3 {
				break
			}
		}
		st.close()
	}
}
