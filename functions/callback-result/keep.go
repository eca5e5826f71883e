package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/taskstore"
)

func offer(taskID string, m callback.ResultMessage) taskstore.Offer {
	return taskstore.Offer{TaskID: taskID, Attempt: m.Attempt, Name: m.Name, SHA256: m.SHA256, Size: *m.Size, ContentType: m.ContentType}
}

// resultKey is where a result is kept. Each attempt has a place of its own, so that a late write of an older one overwrites
// nothing.
func resultKey(o taskstore.Offer) string {
	if n := o.Number(); n > 1 {
		return fmt.Sprintf("%s%s/attempt-%d/%s", taskstore.CopyPrefix, o.TaskID, n, o.Name)
	}
	return taskstore.CopyPrefix + o.TaskID + "/" + o.Name
}

// stagingKey is where a worker puts a large file, the same for every try of the same bytes.
func stagingKey(o taskstore.Offer) string {
	return fmt.Sprintf("incoming/results/%s/%d-%s-%s", o.TaskID, o.Number(), o.SHA256, o.Name)
}

// keep stores a file that came in the request. Errors: those of taskstore.Judge, fault.ObjectMismatch, Unavailable.
func (h *receiver) keep(ctx context.Context, taskID string, m callback.ResultMessage, file []byte) (taskstore.Verdict, error) {
	o := offer(taskID, m)
	if hashOf(file) != o.SHA256 {
		// What the stated checksum would have come to is said first.
		if _, err := h.store.Judge(ctx, o); err != nil {
			return taskstore.Verdict{}, err
		}
		return taskstore.Verdict{}, fault.New(fault.ObjectMismatch, "The sha256 is not that of the file.")
	}
	key := resultKey(o)
	if v, err := h.store.ReserveResult(ctx, o, key); err != nil || v.Duplicate {
		return v, err
	}
	if err := h.objects.Put(ctx, key, file, cosstore.PutOptions{ContentType: o.ContentType}); err != nil {
		return taskstore.Verdict{}, err // the name stays reserved for these bytes, which the worker sends again
	}
	return h.store.RecordResult(ctx, o, key)
}

// claimStaged takes a file that its worker put to the staging key: what is there is read and hashed, and just that version is
// copied to its place. Errors: those of taskstore.Judge, fault.ObjectMismatch, Unavailable.
func (h *receiver) claimStaged(ctx context.Context, o taskstore.Offer) (taskstore.Verdict, error) {
	key, staging := resultKey(o), stagingKey(o)
	if v, err := h.store.ReserveResult(ctx, o, key); err != nil || v.Duplicate {
		return v, err
	}
	err := h.checkedCopy(ctx, o, staging, key)
	if fault.Is(err, fault.ObjectMismatch) {
		if back := h.store.ReleaseResult(ctx, o, key); back != nil {
			slog.WarnContext(ctx, "can't give a result's name back; it lapses", "taskId", o.TaskID, "name", o.Name, "error", back)
		}
	}
	if err != nil {
		return taskstore.Verdict{}, err
	}
	v, err := h.store.RecordResult(ctx, o, key)
	if err != nil {
		return v, err
	}
	if err := h.objects.Delete(ctx, staging); err != nil {
		slog.InfoContext(ctx, "staged file is left to the sweeper", "taskId", o.TaskID, "key", staging, "error", err)
	}
	return v, nil
}

// checkedCopy copies the staged object if it is what was offered.
func (h *receiver) checkedCopy(ctx context.Context, o taskstore.Offer, staging, key string) error {
	etag, err := h.check(ctx, o, staging)
	if err == nil {
		err = h.objects.Copy(ctx, staging, key, cosstore.CopyOptions{IfMatch: etag, ContentType: o.ContentType})
	}
	switch {
	case errors.Is(err, cosstore.ErrNotFound):
		return fault.New(fault.ObjectMismatch, "The file was not put to the URL of upload-url.")
	case errors.Is(err, cosstore.ErrChanged):
		return fault.New(fault.ObjectMismatch, "The file was put again while it was being checked.")
	}
	return err
}

// check reads the staged object and tells which version has the offered size and checksum.
func (h *receiver) check(ctx context.Context, o taskstore.Offer, staging string) (etag string, err error) {
	body, info, err := h.objects.Get(ctx, staging, cosstore.GetOptions{})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	if info.Size != o.Size {
		return "", fault.New(fault.ObjectMismatch, fmt.Sprintf("The file that was put has %d bytes, not %d.", info.Size, o.Size))
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, body); err != nil {
		return "", err
	}
	if hex.EncodeToString(hash.Sum(nil)) != o.SHA256 {
		return "", fault.New(fault.ObjectMismatch, "The file that was put has another sha256.")
	}
	return info.ETag, nil
}
