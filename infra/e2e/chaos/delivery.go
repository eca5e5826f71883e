package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

var errMissing = errors.New("results are missing")

// conclude sends the final word until it is answered.
func (w *fakeWorker) conclude(j *job) error {
	message, err := json.Marshal(j.verdict())
	if err != nil {
		return err
	}
	a := w.persist(j, j.message("status", j.Status, "end", "application/json", message))
	switch {
	case a.status == http.StatusOK:
		return w.journal.write(entry{Did: "sent", TaskID: j.TaskID, Attempt: j.Attempt, Step: fmt.Sprint(j.verdict()["status"])})
	case a.Code == "results_missing":
		return errMissing
	}
	return a.err()
}

// bring brings one result until the backend has it.
func (w *fakeWorker) bring(j *job, name string) error {
	content := made(j.TaskID, j.Attempt, name)
	a := w.bringForm(j, name, content)
	if name == large {
		a = w.bringDirect(j, name, content)
	}
	if a.status != http.StatusOK {
		return a.err()
	}
	j.sent[name] = true
	return w.journal.write(entry{Did: "sent", TaskID: j.TaskID, Attempt: j.Attempt, Step: name})
}

func (w *fakeWorker) bringForm(j *job, name string, content []byte) reply {
	if name == large {
		return reply{}
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	err := errors.Join(form.WriteField("name", name), form.WriteField("attempt", strconv.Itoa(j.Attempt)), form.WriteField("sha256", checksum(content)))
	part, cause := form.CreateFormFile("file", name)
	if err = errors.Join(err, cause); err == nil {
		_, err = part.Write(content)
	}
	if err = errors.Join(err, form.Close()); err != nil {
		panic(err) // a buffer takes everything
	}
	return w.persist(j, j.message("result", j.Results+j.TaskID, "r"+strings.ReplaceAll(name, ".", "_"), form.FormDataContentType(), body.Bytes()))
}

// bringDirect asks for a URL, puts the file there and says so; again from the beginning where the storage did not take it.
func (w *fakeWorker) bringDirect(j *job, name string, content []byte) reply {
	about, err := json.Marshal(map[string]any{
		"name": name, "size": len(content), "sha256": checksum(content), "contentType": "model/gltf-binary", "attempt": j.Attempt,
	})
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	for {
		a := w.persist(j, j.message("upload", j.Uploads+j.TaskID, "u", "application/json", about))
		if a.status != http.StatusOK || a.Duplicate {
			return a
		}
		if err := w.put(j.ctx, a, content); err != nil {
			slog.Info("the storage did not take a result", "taskId", j.TaskID, "error", err)
			if !rested(j.ctx, retryMost) {
				return reply{}
			}
			continue
		}
		if a = w.persist(j, j.message("result", j.Results+j.TaskID, "rlarge", "application/json", about)); a.Code != "object_mismatch" {
			return a
		}
	}
}

func (w *fakeWorker) put(ctx context.Context, grant reply, content []byte) error {
	r, err := http.NewRequestWithContext(ctx, grant.Method, grant.URL, bytes.NewReader(content))
	if err != nil {
		return err
	}
	for name, value := range grant.Headers {
		r.Header.Set(name, value)
	}
	res, err := w.client.Do(r)
	if err != nil {
		return err
	}
	_ = res.Body.Close() // its status is what counts
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return nil
}

// message is a callback, the same at each try but for its time and signature.
type message struct {
	id, url, contentType string
	body                 []byte
}

func (j *job) message(kind, url, n, contentType string, body []byte) message {
	return message{fmt.Sprintf("%s:%s:%d:%s", kind, j.TaskID, j.Attempt, n), url, contentType, body}
}

// reply is the backend's answer; status 0 where there is none.
type reply struct {
	status      int
	Code        string
	Duplicate   bool
	URL, Method string
	Headers     map[string]string
}

func (a reply) err() error { return fmt.Errorf("refused: %d %s", a.status, a.Code) }

// unwanted tells whether the backend has no use for the job any more.
func unwanted(a reply) bool {
	return a.Code == "task_finished" || a.Code == "attempt_superseded" || a.Code == "task_not_found"
}

// persist sends a message until it is answered, or the job ends.
func (w *fakeWorker) persist(j *job, m message) reply {
	for pause := retryBase; ; pause = min(2*pause, retryMost) {
		if a := w.try(j.ctx, m); a.status != 0 && a.status < 500 && a.status != http.StatusTooManyRequests {
			return a
		}
		if !rested(j.ctx, rand.N(pause)) {
			return reply{Code: fmt.Sprint(context.Cause(j.ctx))}
		}
	}
}

// try sends a message once.
func (w *fakeWorker) try(ctx context.Context, m message) reply {
	u, err := url.Parse(m.url)
	if err != nil {
		panic(err) // it was signed by the backend
	}
	u.Host = w.via
	now := w.now()
	signature, err := w.webhook.Sign(m.id, now, m.body)
	if err != nil {
		panic(err) // HMAC takes everything
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(m.body))
	if err != nil {
		panic(err) // the URL was parsed
	}
	r.Header = http.Header{
		"Content-Type": {m.contentType}, "Webhook-Id": {m.id}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {signature},
	}
	res, err := w.client.Do(r)
	if err != nil {
		return reply{}
	}
	content, err := io.ReadAll(res.Body)
	_ = res.Body.Close() // it was read
	if err != nil {
		return reply{}
	}
	a := reply{status: res.StatusCode}
	_ = json.Unmarshal(content, &a) // what a proxy answers says nothing
	return a
}
