package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/telemetry"
)

// relay streams the events of tasks to browsers (HTML standard, "Server-sent events").
type relay struct {
	users    *auth.Authenticator
	tickets  *auth.Tickets
	store    *taskstore.Store
	hubs     *hubs
	lean     *lean // nil: every stream goes by net/http
	pace     pace
	count    *counters
	stopping context.Context //nolint:containedctx // done when the process is told to stop, which no request's context says
}

func newRelay(stopping context.Context, rdb redis.UniversalClient, objects *cosstore.Store, p pace) *relay {
	h := &relay{store: taskstore.New(rdb, taskstore.Policy{}), pace: p, count: &counters{}, stopping: stopping} // it changes no task
	sign := func(ctx context.Context, r *task.Result) (string, error) {
		return objects.PresignGet(ctx, r.Key, cosstore.GetOptions{Filename: r.Name, ContentType: r.ContentType})
	}
	h.hubs = &hubs{start: func() *hub { return startHub(stopping, rdb, h.store.ReadLogs, sign, p, h.count, h.roused) }}
	return h
}

// serveLeanly takes the lean way from now on, where there is one. A lean client has no request any more, which could bring the
// credentials that sign URLs.
func (h *relay) serveLeanly(signs bool) error {
	if !signs {
		return errors.New("COS_SECRET_ID and COS_SECRET_KEY are not set")
	}
	l, err := newLean()
	if err != nil {
		return err
	}
	h.lean = l
	h.hubs.stay()
	return nil
}

// roused is called when clients were woken.
func (h *relay) roused() {
	if h.lean != nil {
		h.lean.flush()
	}
}

// close waits until the last client has left, or ctx is done, and ends what a lean process keeps beside its requests.
func (h *relay) close(ctx context.Context) {
	h.hubs.drained(ctx)
	if h.lean == nil {
		return
	}
	if hub, _ := h.hubs.present(); hub != nil {
		hub.stop()
	}
	if err := h.lean.close(); err != nil {
		slog.Warn("epoll not closed", "error", err)
	}
}

func (h *relay) routes() httpjson.Routes {
	return httpjson.Routes{
		"/api/reconstruction/events/{taskId}": {
			http.MethodGet:  h.events, // the task's events, from the client's last one on
			http.MethodHead: nil,      // a stream has no end that HEAD could leave out
		},
		"/ready": {
			http.MethodGet: h.ready, // whether clients are better sent to another instance; of no route of the domain
		},
	}
}

// ready answers GET: 204, or 503 while Redis is away or does not tell of events. It asks nobody.
func (h *relay) ready(w http.ResponseWriter, _ *http.Request) error {
	if trouble := h.trouble(); trouble != "" {
		return &fault.Error{Code: fault.Unavailable, Detail: trouble, RetryAfter: time.Second}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// trouble is why events don't come, "" if there is none that is known: a process without clients may have no hub that knew.
func (h *relay) trouble() string {
	hub, _ := h.hubs.present()
	switch {
	case h.stopping.Err() != nil:
		return "The process is about to stop."
	case hub == nil:
		return ""
	case hub.away.Load():
		return "Redis does not answer."
	case !hub.bell.ready():
		return "There is no subscription to Redis."
	}
	return ""
}

// events answers GET: a stream, or 204 for a client that has seen the end of it.
func (h *relay) events(w http.ResponseWriter, r *http.Request) error {
	taskID, after := r.PathValue("taskId"), lastEventID(r)
	if err := h.admit(r, taskID); err != nil {
		return err
	}
	telemetry.Note(r.Context(), slog.String("taskId", taskID))
	hub := h.hubs.enter()
	t, at := hub.join(taskID, after)
	s := newStream(w)
	s.hand(s, hub, t, at, false)
	stays := false // with the lean way, which then does the following at its end
	defer func() {
		if !stays {
			hub.leave(t)
			h.hubs.leave()
		}
	}()
	known := s.await(r.Context(), h.pace.read)
	switch absent, err := t.absent(); {
	case err != nil:
		return err
	case absent:
		return fault.New(fault.TaskNotFound, "")
	case !known:
		s.waits = true
		slog.Warn("stream opened without events", "requestId", httpjson.RequestID(r.Context()), "taskId", taskID)
	case t.complete(after):
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}

	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx and those that follow it
	// What is over is soon sent, and the connection may be used again.
	if h.lean != nil && !t.over() && h.lean.take(w, r, &s.follower, h.hubs.leave) {
		stays = true
		return nil
	}
	w.WriteHeader(http.StatusOK)
	hub.follow(s, &s.follower)
	defer hub.unfollow(s, &s.follower)
	end, err := s.run(r.Context())
	s.ended(httpjson.RequestID(r.Context()), end, err)
	return nil
}

// admit tells whether the caller may see the task's events: with a ticket, or as its owner. Who brings a ticket that is right gets a
// stream, be Redis there or not, for an error would stop its EventSource for good. Errors: fault.Unauthorized, TaskNotFound,
// Unavailable.
func (h *relay) admit(r *http.Request, taskID string) error {
	ticket, ticketed := ticketOf(r)
	var user string
	var err error
	if ticketed {
		err = h.tickets.Verify(ticket, taskID)
	} else {
		user, err = h.users.User(r)
	}
	switch {
	case err != nil:
		return err
	case !task.ValidID(taskID):
		return fault.New(fault.TaskNotFound, "")
	case ticketed:
		return nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.pace.read)
	defer cancel()
	read, err := h.store.ReadLog(ctx, taskID, 0)
	if err == nil && read.User != user {
		return fault.New(fault.TaskNotFound, "")
	}
	return err
}

// ticketOf finds the ticket in the query. One that can't be unescaped is there, and is not right.
func ticketOf(r *http.Request) (ticket string, ok bool) {
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == "ticket" {
			ticket, err := url.QueryUnescape(value)
			if err != nil {
				ticket = ""
			}
			return ticket, true
		}
	}
	return "", false
}

// lastEventID is the number of the last event that the client has, 0 if none or if what it sent is none.
func lastEventID(r *http.Request) int64 {
	id := r.Header.Get("Last-Event-ID")
	if id == "" {
		id = r.URL.Query().Get("lastEventId")
	}
	n, err := strconv.ParseUint(id, 10, 63)
	if err != nil {
		return 0
	}
	return int64(n)
}
