package main

import (
	"context"
	"time"

	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/task"
)

// document is a task as its user sees it.
type document struct {
	TaskID           string        `json:"taskId"`
	ImageID          string        `json:"imageId"`
	Status           task.Status   `json:"status"`
	Progress         int           `json:"progress"`
	Stage            string        `json:"stage"`
	Attempt          int           `json:"attempt"`
	QueuePosition    *int          `json:"queuePosition,omitempty"`
	ETASeconds       *float64      `json:"etaSeconds,omitempty"`
	OriginalImageURL *string       `json:"originalImageUrl"`
	PixelImagesURL   *string       `json:"pixelImagesUrl"`
	XYZImagesURL     *string       `json:"xyzImagesUrl"`
	OutputZipURL     *string       `json:"outputZipUrl"`
	Results          []resultEntry `json:"results"`
	Error            *task.Error   `json:"error"`
	ErrorMessage     *string       `json:"errorMessage"`
	CreatedAt        string        `json:"createdAt"`
	UpdatedAt        string        `json:"updatedAt"`
	StartedAt        string        `json:"startedAt,omitempty"`
	FinishedAt       string        `json:"finishedAt,omitempty"`
	SSEURL           string        `json:"sseUrl"`
}

type resultEntry struct {
	Name        string `json:"name"`
	URL         string `json:"url"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"`
	ContentType string `json:"contentType"`
	CreatedAt   string `json:"createdAt"`
}

// document makes it, with URLs that are good for cosstore.URLLife from now.
func (h *tasks) document(ctx context.Context, t task.Task) (document, error) {
	d := document{
		TaskID: t.ID, ImageID: t.ImageID, Status: t.Status, Progress: t.Progress, Stage: t.Stage, Attempt: t.Attempt,
		QueuePosition: t.QueuePosition, ETASeconds: t.ETASeconds,
		Results: make([]resultEntry, len(t.Results)), Error: t.Error,
		CreatedAt: at(t.CreatedAt), UpdatedAt: at(t.UpdatedAt), StartedAt: at(t.StartedAt), FinishedAt: at(t.FinishedAt),
		SSEURL: task.EventsPath(t.ID, h.tickets.Issue(t.ID)),
	}
	if t.Error != nil {
		d.ErrorMessage = &t.Error.Message
	}
	original, err := h.objects.PresignGet(ctx, t.Input.Key, cosstore.GetOptions{ContentType: t.Input.ContentType})
	if err != nil {
		return d, err
	}
	d.OriginalImageURL = &original
	for i, r := range t.Results {
		url, err := h.objects.PresignGet(ctx, r.Key, cosstore.GetOptions{Filename: r.Name, ContentType: r.ContentType})
		if err != nil {
			return d, err
		}
		d.Results[i] = resultEntry{r.Name, url, r.Size, r.SHA256, r.ContentType, at(r.CreatedAt)}
		switch r.Name {
		case "pixel_images.png":
			d.PixelImagesURL = &url
		case "xyz_images.png":
			d.XYZImagesURL = &url
		case "output3d.zip":
			d.OutputZipURL = &url
		}
	}
	return d, nil
}

// at writes a time as RFC 3339 in UTC with milliseconds, "" for none.
func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
