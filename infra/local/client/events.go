package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// defaultRetry is the pause before a stream is taken up again, where the relay named none.
const defaultRetry = 2 * time.Second

// Event is one event of a task's stream: Kind is status, result or progress, and tells which of the fields are set.
type Event struct {
	ID   string `json:"-"` // empty for progress, which can't be replayed
	Kind string `json:"-"`

	TaskID  string    `json:"taskId"`
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"`

	Status string   `json:"status"` // status
	Error  *Failure `json:"error"`  // status FAILED

	Name        string `json:"name"` // result
	URL         string `json:"url"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"`
	ContentType string `json:"contentType"`

	Progress      float64 `json:"progress"` // progress, 0 to 100
	Stage         string  `json:"stage"`
	QueuePosition *int    `json:"queuePosition"`
}

// Result is the result that a result event tells of.
func (e Event) Result() Result {
	return Result{Name: e.Name, URL: e.URL, Size: e.Size, SHA256: e.SHA256, ContentType: e.ContentType, Attempt: e.Attempt}
}

// Events tells what happens to a task, from its first event to its final status, each durable event once and in order. A
// stream that breaks off is resumed; where it can't be opened, the task is asked for its status and a fresh ticket. The
// iteration ends after the final status, or with an error.
func (c *Client) Events(ctx context.Context, t Task) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s := &stream{client: c, retry: defaultRetry}
		address := t.SSEURL
		for {
			ended, err := s.follow(ctx, address, func(e Event) bool { return yield(e, nil) })
			if ended {
				return
			}
			if err != nil {
				now, statusErr := c.Task(ctx, t.ID)
				if statusErr != nil {
					yield(Event{}, fmt.Errorf("the task does not answer: %w (and its stream broke off: %w)", statusErr, err))
					return
				}
				if Final(now.Status) { // then the stream has nothing that the task does not tell
					yield(Event{Kind: "status", TaskID: t.ID, Attempt: now.Attempt, Status: now.Status, Error: now.Error}, nil)
					return
				}
				address = now.SSEURL
			}
			select {
			case <-time.After(s.retry):
			case <-ctx.Done():
				yield(Event{}, ctx.Err())
				return
			}
		}
	}
}

// stream is a stream of events across its connections (HTML standard, server-sent events).
type stream struct {
	client *Client
	lastID string
	retry  time.Duration
}

// follow passes on the events of one connection. It tells ended when there is nothing more to come or wanted; err, why the
// stream can't be opened at all.
func (s *stream) follow(ctx context.Context, address string, pass func(Event) bool) (ended bool, err error) {
	header := http.Header{"Accept": {"text/event-stream"}}
	if s.lastID != "" {
		header.Set("Last-Event-ID", s.lastID)
	}
	res, err := s.client.send(ctx, request{method: "GET", path: address, header: header})
	if err != nil {
		return false, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusNoContent { // the final status has been seen
		return true, nil
	}
	for raw := range frames(res.Body, func(pause time.Duration) { s.retry = pause }) {
		if raw.id != "" {
			s.lastID = raw.id
		}
		e := Event{ID: raw.id, Kind: raw.event}
		if err := json.Unmarshal(raw.data, &e); err != nil {
			return false, fmt.Errorf("event %s %s is no JSON: %w", raw.event, raw.id, err)
		}
		if !pass(e) || e.Kind == "status" && Final(e.Status) {
			return true, nil
		}
	}
	return false, ctx.Err()
}

// frame is one event as it stands in the stream.
type frame struct {
	id, event string
	data      []byte
}

// frames cuts a stream into events, until it breaks off. An event that is not whole is dropped: it will be sent again.
func frames(r io.Reader, retry func(time.Duration)) iter.Seq[frame] {
	return func(yield func(frame) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		var f frame
		for lines.Scan() {
			key, value, _ := strings.Cut(lines.Text(), ":") // a comment is a line without a key
			value = strings.TrimPrefix(value, " ")
			switch key {
			case "":
				if lines.Text() != "" || f.data == nil {
					continue
				}
				if !yield(frame{f.id, f.event, bytes.TrimSuffix(f.data, []byte("\n"))}) {
					return
				}
				f = frame{}
			case "id":
				f.id = value
			case "event":
				f.event = value
			case "data":
				f.data = append(append(f.data, value...), '\n')
			case "retry":
				if ms, err := strconv.Atoi(value); err == nil {
					retry(time.Duration(ms) * time.Millisecond)
				}
			}
		}
	}
}

// IsProblem tells whether the API refused with that code.
func IsProblem(err error, code string) bool {
	var p *Problem
	return errors.As(err, &p) && p.Code == code
}
