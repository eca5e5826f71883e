package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/telemetry"
)

// Stopper tells workers to stop working on tasks that were ended.
type Stopper struct {
	signer *callback.Signer
	client *http.Client
}

// NewStopper makes a stopper.
func NewStopper(signer *callback.Signer) *Stopper { return &Stopper{signer, newClient()} }

// newClient makes a client for calls to workers.
func newClient() *http.Client {
	return &http.Client{
		// A worker that could send us elsewhere could have us call anything.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			// A connection kept from before may be dead, and a hand-over that dies with it has an unknown fate.
			DisableKeepAlives: true,
		},
	}
}

// stopTimeout bounds the one try to stop a worker.
const stopTimeout = 2 * time.Second

// Stop tells the worker that may have a task to stop: once, at best effort. A worker that was not reached finds out by its
// next callback.
func (s *Stopper) Stop(ctx context.Context, h taskstore.Holder) {
	if h.URL == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if err := s.send(ctx, h); err != nil {
		slog.WarnContext(ctx, "can't tell the worker to stop", "taskId", h.TaskID, "attempt", h.Attempt, "worker", h.URL, "error", err)
	}
}

func (s *Stopper) send(ctx context.Context, h taskstore.Holder) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, h.URL+"/generate3d/"+h.TaskID, nil)
	if err != nil {
		return err
	}
	if err := s.signer.Sign(req.Header, callback.ID{Kind: callback.Cancel, TaskID: h.TaskID, Attempt: h.Attempt, N: "1"}, nil); err != nil {
		return err
	}
	telemetry.Tell(ctx, req.Header)
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	if err := res.Body.Close(); err != nil {
		return err
	}
	if res.StatusCode != http.StatusAccepted && res.StatusCode != http.StatusNotFound {
		return errors.New(res.Status)
	}
	return nil
}
