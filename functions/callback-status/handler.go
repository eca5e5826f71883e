package main

import (
	"log/slog"
	"net/http"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/telemetry"
)

type reporter struct {
	signer   *callback.Signer
	store    *taskstore.Store
	required []string
}

func (h *reporter) routes() httpjson.Routes {
	return httpjson.Routes{
		"/api/reconstruction/callback/status": {"POST": h.status}, // a worker's word about a task
	}
}

// maxBody is the size (bytes) of a status message, an error's words included.
const maxBody = 64 << 10

// status answers POST /api/reconstruction/callback/status.
func (h *reporter) status(w http.ResponseWriter, r *http.Request) error {
	m, err := h.read(w, r)
	if err != nil {
		return err
	}

	status, changed, err := h.store.Report(r.Context(), h.report(m))
	if err != nil {
		return err
	}
	telemetry.Note(r.Context(), slog.String("taskStatus", string(status)), slog.Bool("duplicate", !changed))

	httpjson.Write(w, http.StatusOK, callback.StatusAnswer{TaskID: m.TaskID, Status: status, Duplicate: !changed})
	return nil
}

// read reads a message whose sender is a worker of ours and whose id is about the task in its body.
func (h *reporter) read(w http.ResponseWriter, r *http.Request) (callback.StatusMessage, error) {
	var m callback.StatusMessage
	if err := httpjson.Limit(w, r, maxBody); err != nil {
		return m, err
	}
	body, err := httpjson.ReadBody(r)
	if err != nil {
		return m, err
	}
	id, err := h.signer.Verify(r.Header, callback.Status, body)
	if err != nil {
		return m, err
	}
	if _, _, err := httpjson.MediaType(r, "application/json"); err != nil {
		return m, err
	}
	if err := httpjson.Decode(body, &m); err != nil {
		return m, err
	}
	if err := id.For(m.TaskID, m.Attempt); err != nil {
		return m, err
	}
	telemetry.Note(r.Context(), slog.String("taskId", m.TaskID), slog.Int("attempt", id.Attempt), slog.String("said", m.Status))
	return m, m.Validate()
}

// report puts a message into the store's words.
func (h *reporter) report(m callback.StatusMessage) taskstore.Report {
	r := taskstore.Report{
		TaskID: m.TaskID, Attempt: m.Attempt, Said: m.Status,
		Stage: m.Stage, QueuePosition: m.QueuePosition, ETASeconds: m.ETASeconds,
	}
	if m.Progress != nil {
		percent := int(*m.Progress)
		r.Progress = &percent
	}
	switch m.Status {
	case callback.Failed:
		r.Error = m.Error.ForUser()
	case callback.Completed:
		r.Required = h.required
	}
	return r
}
