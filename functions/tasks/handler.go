package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/dispatch"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/telemetry"
)

type tasks struct {
	users   *auth.Authenticator
	tickets *auth.Tickets
	store   *taskstore.Store
	objects *cosstore.Store
	stopper *dispatch.Stopper
}

func (h *tasks) routes() httpjson.Routes {
	return httpjson.Routes{
		"/api/reconstruction/status/{taskId}": {"GET": h.status, "DELETE": h.remove}, // one task: its state; its removal
		"/api/reconstruction/list":            {"GET": h.list},                       // a user's tasks, newest first
		"/api/reconstruction/cancel/{taskId}": {"POST": h.cancel},                    // stop a task
	}
}

// maxBody is how much of a body is taken where none is expected.
const maxBody = 16 << 10

// read tells the user and the task of a request.
func (h *tasks) read(w http.ResponseWriter, r *http.Request) (user, id string, err error) {
	if err := httpjson.Limit(w, r, maxBody); err != nil {
		return "", "", err
	}
	if user, err = h.users.User(r); err != nil {
		return "", "", err
	}
	if id = r.PathValue("taskId"); !task.ValidID(id) {
		return "", "", fault.New(fault.TaskNotFound, "")
	}
	telemetry.Note(r.Context(), slog.String("taskId", id))
	return user, id, nil
}

// status answers GET /api/reconstruction/status/{taskId}.
func (h *tasks) status(w http.ResponseWriter, r *http.Request) error {
	user, id, err := h.read(w, r)
	if err != nil {
		return err
	}

	t, err := h.store.Get(r.Context(), user, id)
	if err != nil {
		return err
	}

	return h.write(w, r, t)
}

// cancel answers POST /api/reconstruction/cancel/{taskId}.
func (h *tasks) cancel(w http.ResponseWriter, r *http.Request) error {
	user, id, err := h.read(w, r)
	if err != nil {
		return err
	}

	ctx := context.WithoutCancel(r.Context())
	holder, err := h.store.Cancel(ctx, user, id)
	if err != nil {
		return err
	}
	h.stopper.Stop(ctx, holder)
	t, err := h.store.Get(ctx, user, id)
	if err != nil {
		return err
	}

	return h.write(w, r, t)
}

// remove answers DELETE /api/reconstruction/status/{taskId}.
func (h *tasks) remove(w http.ResponseWriter, r *http.Request) error {
	user, id, err := h.read(w, r)
	if err != nil {
		return err
	}

	ctx := context.WithoutCancel(r.Context())
	holder, err := h.store.Delete(ctx, user, id)
	if err != nil {
		return err
	}
	h.stopper.Stop(ctx, holder)

	w.WriteHeader(http.StatusNoContent)
	return nil
}

const (
	defaultLimit = 20
	maxLimit     = 100
)

type page struct {
	Items      []document `json:"items"`
	NextCursor *string    `json:"nextCursor"`
}

// list answers GET /api/reconstruction/list.
func (h *tasks) list(w http.ResponseWriter, r *http.Request) error {
	if err := httpjson.Limit(w, r, maxBody); err != nil {
		return err
	}
	user, err := h.users.User(r)
	if err != nil {
		return err
	}
	limit, before, err := window(r)
	if err != nil {
		return err
	}

	found, more, err := h.store.List(r.Context(), user, before, limit)
	if err != nil {
		return err
	}

	p := page{Items: make([]document, len(found))}
	for i, t := range found {
		if p.Items[i], err = h.document(r.Context(), t); err != nil {
			return err
		}
	}
	if more && len(found) > 0 {
		next := cursorAfter(found[len(found)-1].ID)
		p.NextCursor = &next
	}
	httpjson.Write(w, http.StatusOK, p)
	return nil
}

// window reads which part of the list is asked for.
func window(r *http.Request) (limit int, before string, err error) {
	q := r.URL.Query()
	limit = defaultLimit
	if raw := q.Get("limit"); q.Has("limit") {
		if limit, err = strconv.Atoi(raw); err != nil || limit < 1 || limit > maxLimit {
			return 0, "", fault.Invalid("limit", fmt.Sprintf("must be from 1 to %d", maxLimit))
		}
	}
	if raw := q.Get("cursor"); raw != "" {
		id, err := base64.RawURLEncoding.DecodeString(raw)
		if err != nil || !task.ValidID(string(id)) || cursorAfter(string(id)) != raw {
			return 0, "", fault.Invalid("cursor", "is not the nextCursor of an earlier answer")
		}
		before = string(id)
	}
	return limit, before, nil
}

// cursorAfter is opaque to callers: the id of the last task that they have.
func cursorAfter(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

func (h *tasks) write(w http.ResponseWriter, r *http.Request, t task.Task) error {
	d, err := h.document(r.Context(), t)
	if err != nil {
		return err
	}
	httpjson.Write(w, http.StatusOK, d)
	return nil
}
