package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// Task is a task as its status tells it.
type Task struct {
	ID         string     `json:"taskId"`
	Status     string     `json:"status"`
	Progress   float64    `json:"progress"` // 0 to 100
	Stage      string     `json:"stage"`
	Attempt    int        `json:"attempt"`
	Results    []Result   `json:"results"`
	Error      *Failure   `json:"error"`
	SSEURL     string     `json:"sseUrl"`
	StatusURL  string     `json:"statusUrl"`
	CreatedAt  time.Time  `json:"createdAt"`
	FinishedAt *time.Time `json:"finishedAt"`
}

// Failure is why a task failed.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (f *Failure) Error() string { return f.Message + " (" + f.Code + ")" }

// Result is one file that a worker made.
type Result struct {
	Name        string `json:"name"`
	URL         string `json:"url"` // presigned; empty where a later attempt replaced the result
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"`
	ContentType string `json:"contentType"`
	Attempt     int    `json:"attempt"` // in events only
}

// Final tells whether nothing moves a task out of status.
func Final(status string) bool {
	return status == "COMPLETED" || status == "FAILED" || status == "CANCELLED"
}

// Create makes a task of a picture. Sent again it would be the same task.
func (c *Client) Create(ctx context.Context, imageID string) (Task, error) {
	r, err := jsonRequest("POST", "/api/reconstruction/create-from-image", map[string]string{"imageId": imageID})
	if err != nil {
		return Task{}, err
	}
	r.header.Set("Idempotency-Key", uuid.NewString())
	var t Task
	return t, c.call(ctx, r, &t)
}

// Task tells the present state of a task.
func (c *Client) Task(ctx context.Context, id string) (Task, error) {
	var t Task
	return t, c.call(ctx, request{method: "GET", path: "/api/reconstruction/status/" + url.PathEscape(id)}, &t)
}

// Cancel cancels a task.
func (c *Client) Cancel(ctx context.Context, id string) (Task, error) {
	var t Task
	return t, c.call(ctx, request{method: "POST", path: "/api/reconstruction/cancel/" + url.PathEscape(id)}, &t)
}

// Download writes a result to w and checks its size and checksum. What was written is to be thrown away if it fails.
func (c *Client) Download(ctx context.Context, r Result, w io.Writer) error {
	sum := sha256.New()
	n, err := c.fetch(ctx, r.URL, r.Size+1, io.MultiWriter(w, sum))
	if err != nil {
		return fmt.Errorf("download %s: %w", r.Name, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); n != r.Size || got != r.SHA256 {
		return fmt.Errorf("download %s: got %d bytes with SHA-256 %s, announced were %d with %s", r.Name, n, got, r.Size, r.SHA256)
	}
	return nil
}
