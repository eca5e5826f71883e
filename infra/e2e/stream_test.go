package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// event is one event of a stream, as the HTML standard reads it (section 9.2.6), with the id that it carries itself.
type event struct {
	id, name, data string
	carriesID      bool
}

// told is what an event's data says.
type told struct {
	TaskID, Status, At, Name, Sha256, ContentType, Stage string
	URL                                                  *string
	Attempt                                              *int
	Size                                                 int64
	Progress, EtaSeconds                                 *float64
	QueuePosition                                        *int
	Error                                                *struct{ Code, Message string }
}

// stream is an open event stream.
type stream struct {
	header http.Header
	events chan event    // closed at the end of the stream
	retry  chan string   // the values of `retry:`
	dumb   chan struct{} // a token for each comment, as far as there is room
	close  func()
}

// listen opens a task's stream, after an event where lastID is not empty. It ends with the test.
func (b *browser) listen(t *testing.T, ref, lastID string) *stream {
	t.Helper()
	s, status := b.tryListen(t, ref, lastID)
	if s == nil {
		t.Fatalf("events: status %d", status)
	}
	return s
}

// tryListen is listen where there may be no stream: then it tells the status, 0 where nobody answered.
func (b *browser) tryListen(t *testing.T, ref, lastID string) (*stream, int) {
	t.Helper()
	u, err := b.base.Parse(ref)
	if err != nil {
		t.Error(err)
		return nil, 0
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
	if err != nil {
		t.Error(err)
		return nil, 0
	}
	r.Header.Set("Accept", "text/event-stream")
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	res, err := b.http.Do(r)
	if err != nil {
		return nil, 0
	}
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close() // its status is what counts
		return nil, res.StatusCode
	}
	t.Cleanup(func() { _ = res.Body.Close() }) // it may have ended
	s := &stream{
		header: res.Header, events: make(chan event, 1024), retry: make(chan string, 16), dumb: make(chan struct{}, 64),
		close: func() { _ = res.Body.Close() },
	}
	go s.read(bufio.NewScanner(res.Body))
	return s, res.StatusCode
}

func (s *stream) read(lines *bufio.Scanner) {
	defer close(s.events)
	var e event
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			if e.data != "" {
				e.data = strings.TrimSuffix(e.data, "\n")
				s.events <- e
			}
			e = event{}
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "":
			select {
			case s.dumb <- struct{}{}:
			default:
			}
		case "event":
			e.name = value
		case "data":
			e.data += value + "\n"
		case "id":
			e.id, e.carriesID = value, true
		case "retry":
			s.retry <- value
		}
	}
}

// next is the next event.
func (s *stream) next(t *testing.T) event {
	t.Helper()
	select {
	case e, open := <-s.events:
		if !open {
			t.Fatal("the stream ended")
		}
		return e
	case <-time.After(patience):
		t.Fatal("no event")
	}
	return event{}
}

// durable is the next event that is no progress.
func (s *stream) durable(t *testing.T) event {
	t.Helper()
	for {
		if e := s.next(t); e.name != "progress" {
			return e
		}
	}
}

// until reads to the first event that says status, and tells all durable ones up to it.
func (s *stream) until(t *testing.T, status string) []event {
	t.Helper()
	var all []event
	for {
		e := s.durable(t)
		all = append(all, e)
		if e.name == "status" && e.read(t).Status == status {
			return all
		}
	}
}

// ended waits for the end of the stream; an event before it fails the test.
func (s *stream) ended(t *testing.T) {
	t.Helper()
	select {
	case e, open := <-s.events:
		if open {
			t.Fatalf("an event instead of the stream's end: %+v", e)
		}
	case <-time.After(patience):
		t.Fatal("the stream does not end")
	}
}

// read tells what the event says; a field that no event has fails the test.
func (e event) read(t *testing.T) told {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(e.data))
	d.DisallowUnknownFields()
	var v told
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, e.data)
	}
	return v
}
