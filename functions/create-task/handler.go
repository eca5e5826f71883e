package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/dispatch"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/telemetry"
)

type creator struct {
	users      *auth.Authenticator
	tickets    *auth.Tickets
	store      *taskstore.Store
	objects    *cosstore.Store
	dispatcher *dispatch.Dispatcher
	limits     taskstore.Limits
}

func (c *creator) routes() httpjson.Routes {
	return httpjson.Routes{
		"/api/reconstruction/create-from-image": {"POST": c.create}, // a picture becomes a task
	}
}

const (
	maxBody = 16 << 10 // bytes of the request
	maxKey  = 255      // bytes of an Idempotency-Key
	// firstTry is how long the caller waits for a worker to take the task. Later tries are the sweeper's: what a function leaves
	// behind its answer may never run.
	firstTry = 2 * time.Second
)

type created struct {
	TaskID    string      `json:"taskId"`
	Status    task.Status `json:"status"`
	SSEURL    string      `json:"sseUrl"`
	StatusURL string      `json:"statusUrl"`
}

// create answers POST /api/reconstruction/create-from-image.
func (c *creator) create(w http.ResponseWriter, r *http.Request) error {
	order, err := c.order(w, r)
	if err != nil {
		return err
	}
	order.Trace = telemetry.Traceparent(r.Context())

	// From here on the caller's leaving changes nothing: what is begun is ended, or given back.
	id, status, usage, err := c.place(context.WithoutCancel(r.Context()), order)
	if usage != nil {
		tell(w.Header(), c.limits, *usage)
	}
	if err != nil {
		return err
	}

	telemetry.Note(r.Context(), slog.String("taskId", id), slog.String("taskStatus", string(status)))
	w.Header().Set("Location", task.StatusPath(id))
	httpjson.Write(w, http.StatusAccepted, created{id, status, task.EventsPath(id, c.tickets.Issue(id)), task.StatusPath(id)})
	return nil
}

// order reads the request.
func (c *creator) order(w http.ResponseWriter, r *http.Request) (taskstore.Order, error) {
	var o taskstore.Order
	if err := httpjson.Limit(w, r, maxBody); err != nil {
		return o, err
	}
	user, err := c.users.User(r)
	if err != nil {
		return o, err
	}
	if _, _, err := httpjson.MediaType(r, "application/json"); err != nil {
		return o, err
	}
	body, err := httpjson.ReadBody(r)
	if err != nil {
		return o, err
	}
	var in struct {
		ImageID *string  `json:"imageId"`
		Formats []string `json:"formats"`
	}
	if err := httpjson.Decode(body, &in); err != nil {
		return o, err
	}
	if in.ImageID == nil {
		return o, fault.Invalid("imageId", "is missing: the id of an uploaded picture")
	}
	formats, err := formatsOf(in.Formats)
	if err != nil {
		return o, err
	}
	key := r.Header.Get("Idempotency-Key")
	if len(key) > maxKey || strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c > '~' }) {
		return o, fault.Invalid("Idempotency-Key", "must be at most 255 printable ASCII characters")
	}
	if len(r.Header.Values("Idempotency-Key")) > 1 {
		return o, fault.Invalid("Idempotency-Key", "must be there once") // which of them counts is not for us to guess
	}
	// A picture of this user is in this user's partition; another can't be theirs.
	if !task.ValidID(*in.ImageID) || task.PartitionOfID(*in.ImageID) != task.PartitionOf(user) {
		return o, fault.New(fault.PictureNotFound, "")
	}
	hash := sha256.Sum256(body)
	return taskstore.Order{User: user, ImageID: *in.ImageID, Formats: formats, Key: key, BodyHash: hex.EncodeToString(hash[:]), Limits: c.limits}, nil
}

// formats are the files that a task may ask for beside its usual results.
var formats = []string{"stl", "ply", "3mf", "usdz"}

// formatsOf reads the wish for formats: each once, in the order given.
func formatsOf(names []string) (string, error) {
	var wanted []string
	for _, name := range names {
		if !slices.Contains(formats, name) {
			return "", fault.Invalid("formats", "may be of "+strings.Join(formats, ", "))
		}
		if !slices.Contains(wanted, name) {
			wanted = append(wanted, name)
		}
	}
	return strings.Join(wanted, " "), nil
}

// place makes the order a task, or finds the task that it became before: reserves the id, copies the picture, records the
// task, and makes the first try to hand it over. How the user stands to the limits then is told wherever it is known, beside an
// error too.
func (c *creator) place(ctx context.Context, o taskstore.Order) (id string, status task.Status, usage *taskstore.Usage, err error) {
	res, err := c.store.Reserve(ctx, o)
	if err != nil {
		return "", "", res.Usage, err
	}
	if res.Done {
		t, err := c.store.Get(ctx, o.User, res.ID)
		return t.ID, t.Status, res.Usage, err
	}

	claimed := min(firstTry, c.dispatcher.Timeout()) + dispatch.ClaimSlack
	if res.Busy {
		claimed = 0
	}
	if err := c.copyPicture(ctx, res); err != nil {
		return "", "", nil, err // what was drained was given back
	}
	status, claim, err := c.store.Create(ctx, res, claimed, c.dispatcher.FirstWorker())
	if err != nil {
		return "", "", nil, err // the reservation lapses by itself; a retry takes it up
	}
	if claim == nil {
		return res.ID, status, res.Usage, nil
	}

	_, after, err := c.dispatcher.Send(ctx, claim, claimed-dispatch.ClaimSlack, time.Time{})
	switch {
	case err != nil:
		slog.ErrorContext(ctx, "the first hand-over is not recorded; the sweeper makes the next", "taskId", res.ID, "error", err)
	case after != "":
		status = after
	}
	return res.ID, status, res.Usage, nil
}

// copyPicture gives the task its own copy of the picture, which outlives the picture. Where it can't, the reservation is
// given back.
func (c *creator) copyPicture(ctx context.Context, res taskstore.Reservation) error {
	err := c.objects.Copy(ctx, res.Picture, res.Input.Key, cosstore.CopyOptions{})
	if err == nil {
		return nil
	}
	if back := c.store.Unreserve(ctx, res); back != nil {
		slog.WarnContext(ctx, "can't give a reservation back; it lapses", "taskId", res.ID, "error", back)
	}
	if errors.Is(err, cosstore.ErrNotFound) {
		return fault.New(fault.PictureNotFound, "")
	}
	return err
}
