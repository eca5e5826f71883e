package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/google/uuid"

	"github.com/recon3d/recon3d/shared/callback"
)

// ask is a request, and the status that it has to be answered with: figures of wrong answers are none.
type ask struct {
	method, path string
	header       http.Header
	body         []byte
	want         int
}

// send sends it to a function and reads the whole answer.
func (a ask) send(ctx context.Context, client *http.Client, base string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, a.method, base+a.path, bytes.NewReader(a.body))
	if err != nil {
		return nil, err
	}
	r.Header = a.header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	res, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("%s %s: %w", a.method, a.path, err)
	}
	if res.StatusCode != a.want {
		return nil, fmt.Errorf("%s %s: answered %d, not %d: %s", a.method, a.path, res.StatusCode, a.want, bytes.TrimSpace(answer))
	}
	return answer, nil
}

// get is a GET.
func get(path string, want int) ask { return ask{method: http.MethodGet, path: path, want: want} }

// post is a POST of JSON.
func post(path, body string, want int) ask {
	return ask{http.MethodPost, path, http.Header{"Content-Type": {"application/json"}}, []byte(body), want}
}

// create is a POST create-from-image. key is an Idempotency-Key.
func create(picture, key string, want int) ask {
	a := post("/api/reconstruction/create-from-image", `{"imageId":"`+picture+`"}`, want)
	a.header.Set("Idempotency-Key", key)
	return a
}

// upload is a POST of a picture.
func upload(picture []byte, want int) (ask, error) {
	body, contentType, err := form(nil, "picture.jpg", picture)
	return ask{http.MethodPost, "/picture/upload", http.Header{"Content-Type": {contentType}}, body, want}, err
}

// form is a form of fields and one part `file`.
func form(fields map[string]string, name string, file []byte) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for field, value := range fields {
		err = errors.Join(err, w.WriteField(field, value))
	}
	part, cause := w.CreateFormFile("file", name)
	if cause == nil {
		_, cause = part.Write(file)
	}
	err = errors.Join(err, cause, w.Close())
	return b.Bytes(), w.FormDataContentType(), err
}

// signed is a worker's message about a task, in its first attempt.
func (s *system) signed(kind callback.Kind, taskID string, a ask) (ask, error) {
	id := callback.ID{Kind: kind, TaskID: taskID, Attempt: 1, N: uuid.NewString()}
	return a, s.signer.Sign(a.header, id, a.body)
}

// say is a worker's POST …/callback/status.
func (s *system) say(m callback.StatusMessage, want int) (ask, error) {
	attempt := 1
	m.Attempt = &attempt
	body, err := json.Marshal(m)
	if err != nil {
		return ask{}, err
	}
	return s.signed(callback.Status, m.TaskID, post("/api/reconstruction/callback/status", string(body), want))
}

// percent is a worker's word of its progress.
func percent(taskID string, progress int) callback.StatusMessage {
	p := float64(progress)
	return callback.StatusMessage{TaskID: taskID, Status: callback.Processing, Progress: &p, Stage: "mesh"}
}

// deliver is a worker's POST …/callback/result with the file in it.
func (s *system) deliver(taskID, name string, file []byte) (ask, error) {
	body, contentType, err := form(map[string]string{"name": name, "attempt": "1", "sha256": checksum(file)}, name, file)
	if err != nil {
		return ask{}, err
	}
	path := "/api/reconstruction/callback/result/" + taskID
	return s.signed(callback.Result, taskID, ask{http.MethodPost, path, http.Header{"Content-Type": {contentType}}, body, http.StatusOK})
}

// announce is a worker's message about a file by the direct route: to `upload-url` before it is put, to `result` after.
func (s *system) announce(kind callback.Kind, taskID, name string, file []byte, want int) (ask, error) {
	size, attempt := int64(len(file)), 1
	body, err := json.Marshal(callback.ResultMessage{Name: name, Size: &size, SHA256: checksum(file), ContentType: "image/png", Attempt: &attempt})
	if err != nil {
		return ask{}, err
	}
	path := "/api/reconstruction/callback/result/"
	if kind == callback.Upload {
		path = "/api/reconstruction/callback/upload-url/"
	}
	return s.signed(kind, taskID, post(path+taskID, string(body), want))
}

func checksum(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}

// newClient makes a client that keeps enough connections for what is sent at a time.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}}
}
