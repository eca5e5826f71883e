package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// watcher reads a task's events as a browser's EventSource does (HTML standard, section 9.2): it comes back with the id of the last
// event whenever a connection ends, waits as long as it was told, and stops at 204. As the page does, it asks for a fresh address where
// the stream is refused.
type watcher struct {
	people *people
	story  *Story
	taskID string
	ref    string // of the stream
	header http.Header
	lastID string
	retry  time.Duration
}

// follow returns when the task's end was seen, or the task is gone, or ctx is done.
func (p *people) follow(ctx context.Context, s *Story, c created) {
	w := &watcher{people: p, story: s, taskID: c.TaskID, ref: c.SSEURL, retry: 2 * time.Second}
	for ctx.Err() == nil {
		switch status := w.connect(ctx); status {
		case http.StatusOK:
		case http.StatusNoContent:
			w.end()
			return
		case http.StatusUnauthorized, http.StatusNotFound:
			if w.refresh(ctx) {
				w.end()
				return
			}
		}
		if !rested(ctx, w.retry) {
			return
		}
	}
}

// end notes when the end was seen.
func (w *watcher) end() {
	w.people.ledger.write(w.story, func(s *Story) {
		if s.Final.IsZero() {
			s.Final = time.Now()
		}
	})
}

// refresh asks for the status, which has a fresh ticket. It tells whether there is nothing more to come: the task was deleted.
func (w *watcher) refresh(ctx context.Context) (gone bool) {
	a := w.people.ask(ctx, w.story.Plan.User, http.MethodGet, "/api/reconstruction/status/"+w.taskID, nil, nil)
	var d struct{ SSEURL string }
	switch {
	case a.status == http.StatusNotFound:
		return true
	case a.status == http.StatusOK && a.into(&d) && d.SSEURL != "":
		w.ref = d.SSEURL
	}
	return false
}

// connect reads one connection to its end and tells its status, 0 where there was none.
func (w *watcher) connect(ctx context.Context) int {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.people.address(w.ref), nil)
	if err != nil {
		panic(err) // the addresses are the system's own
	}
	if w.header != nil {
		r.Header = w.header.Clone()
	}
	r.Header.Set("Accept", "text/event-stream")
	if w.lastID != "" {
		r.Header.Set("Last-Event-ID", w.lastID)
	}
	res, err := w.people.stream.Do(r)
	if err != nil {
		return 0
	}
	defer func() { _ = res.Body.Close() }() // what it still says is of no use
	if res.StatusCode != http.StatusOK {
		return res.StatusCode
	}
	w.people.ledger.write(w.story, func(s *Story) { s.Streams++ })
	w.read(bufio.NewScanner(res.Body))
	return res.StatusCode
}

// read takes events until the connection ends. One that is not whole is none.
func (w *watcher) read(lines *bufio.Scanner) {
	var id, name string
	var data []string
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			if data != nil {
				w.take(id, name, strings.Join(data, "\n"))
			}
			id, name, data = "", "", nil
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			data = append(data, value)
		case "retry":
			if ms, err := strconv.Atoi(value); err == nil {
				w.retry = time.Duration(ms) * time.Millisecond
			}
		}
	}
}

// take writes an event down.
func (w *watcher) take(id, name, data string) {
	var d struct {
		TaskID, Status, At, Name, SHA256 string
		Attempt                          int
		Size                             int64
		Error                            *struct{ Code string }
	}
	if json.Unmarshal([]byte(data), &d) != nil || d.TaskID != w.taskID {
		id, d.Status = "?"+id, "not an event of this task: "+data
	}
	if id != "" {
		w.lastID = id
	}
	e := Event{ID: id, Kind: name, Status: d.Status, Attempt: d.Attempt, Name: d.Name, SHA256: d.SHA256, Size: d.Size, At: d.At}
	if d.Error != nil {
		e.Error = d.Error.Code
	}
	w.people.ledger.write(w.story, func(s *Story) {
		if name == "progress" {
			s.Progress++
			if n := len(s.Events); n > 0 && final(s.Events[n-1].Status) {
				s.Late++
			}
			return
		}
		s.Events = append(s.Events, e)
	})
	if final(d.Status) {
		w.end()
	}
}
