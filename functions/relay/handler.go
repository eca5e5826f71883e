package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// relay streams the events of tasks to browsers (HTML standard, "Server-sent events").
type relay struct {
	users    *auth.Authenticator
	tickets  *auth.Tickets
	store    *taskstore.Store
	hubs     *hubs
	objects  *cosstore.Store // signs the URLs of results
	pace     pace
	stopping context.Context //nolint:containedctx // done when the process is told to stop, which no request's context says
}

func (h *relay) routes() httpjson.Routes {
	return httpjson.Routes{
		"/api/reconstruction/events/{taskId}": {
			http.MethodGet:  h.events, // the task's events, from the client's last one on
			http.MethodHead: nil,      // a stream has no end that HEAD could leave out
		},
	}
}

// events answers GET: a stream, or 204 for a client that has seen the end of it.
func (h *relay) events(w http.ResponseWriter, r *http.Request) error {
	taskID, after := r.PathValue("taskId"), lastEventID(r)
	read, err := h.open(r, taskID)
	if err != nil {
		return err
	}

	var t *topic
	if read != nil {
		t = topicOf(taskID, *read)
	}
	switch {
	case t != nil && t.complete(after):
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return nil
	case t == nil || !t.over():
		hub := h.hubs.enter()
		defer h.hubs.leave()
		t = hub.join(taskID, read)
		defer hub.leave(t)
	}

	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx and those that follow it
	w.WriteHeader(http.StatusOK)
	s := &stream{topic: t, at: t.cursor(after, read != nil), objects: h.objects, writer: w, pace: h.pace}
	end, err := s.run(r.Context(), h.stopping)
	log := slog.With("requestId", httpjson.RequestID(r.Context()), "taskId", taskID, "why", end, "after", s.at.after)
	switch {
	case end == endFault:
		log.Error("stream ended", "error", err)
	case err != nil:
		log.Info("stream ended", "error", err)
	default:
		log.Info("stream ended")
	}
	return nil
}

// open reads the log of a task for whoever may see it. It is nil where Redis is away and the caller has a ticket: an error
// would stop its EventSource for good. Errors: fault.Unauthorized, TaskNotFound, Unavailable.
func (h *relay) open(r *http.Request, taskID string) (*taskstore.Log, error) {
	ticket, ticketed := ticketOf(r)
	var user string
	var err error
	if ticketed {
		err = h.tickets.Verify(ticket, taskID)
	} else {
		user, err = h.users.User(r)
	}
	if err != nil {
		return nil, err
	}
	if !task.ValidID(taskID) {
		return nil, fault.New(fault.TaskNotFound, "")
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.pace.read)
	defer cancel()
	read, err := h.store.ReadLog(ctx, taskID, 0)
	switch {
	case ticketed && fault.Is(err, fault.Unavailable):
		slog.Warn("stream opened without events", "requestId", httpjson.RequestID(r.Context()), "taskId", taskID, "error", err)
		return nil, nil
	case err != nil:
		return nil, err
	case !ticketed && read.User != user:
		return nil, fault.New(fault.TaskNotFound, "")
	}
	return &read, nil
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
