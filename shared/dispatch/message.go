package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/telemetry"
)

// inlineLimit is the size (bytes) up to which a picture travels in the hand-over itself; a larger one by URL and checksum.
const inlineLimit = 5 << 20

// message is a hand-over, ready to be sent to any worker.
type message struct {
	id          callback.ID
	contentType string
	body        []byte
}

// message makes the multipart/form-data of POST {worker}/generate3d.
func (d *Dispatcher) message(ctx context.Context, c *taskstore.Claim) (message, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	fields := [][2]string{
		{"task_id", c.TaskID},
		{"attempt", strconv.Itoa(c.Attempt)},
		{"callback_url", d.cfg.CallbackBaseURL},
		{"result_url", d.cfg.ResultURL},
		{"upload_url", d.cfg.UploadURL},
		{"status_url", d.cfg.StatusURL},
		{"formats", c.Formats},
	}
	var image []byte
	var err error
	if c.Input.Size > inlineLimit {
		var url string
		if url, err = d.objects.PresignGet(ctx, c.Input.Key, cosstore.GetOptions{}); err == nil {
			fields = append(fields, [2]string{"image_url", url}, [2]string{"image_sha256", c.Input.SHA256})
		}
	} else {
		image, err = d.read(ctx, c.Input.Key)
	}
	if err != nil {
		return message{}, fmt.Errorf("read picture %s: %w", c.Input.Key, err)
	}

	body.Grow(len(image) + 4<<10)
	for _, f := range fields {
		if f[1] != "" {
			err = errors.Join(err, form.WriteField(f[0], f[1]))
		}
	}
	if image != nil {
		name := strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' || r == '"' || r == '\\' {
				return '_'
			}
			return r
		}, c.Input.Name)
		part, perr := form.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {`form-data; name="image"; filename="` + name + `"`},
			"Content-Type":        {c.Input.ContentType},
		})
		if perr == nil {
			_, perr = part.Write(image)
		}
		err = errors.Join(err, perr)
	}
	if err = errors.Join(err, form.Close()); err != nil {
		return message{}, fmt.Errorf("write form: %w", err)
	}
	return message{
		callback.ID{Kind: callback.Dispatch, TaskID: c.TaskID, Attempt: c.Attempt, N: c.Nonce}, form.FormDataContentType(), body.Bytes(),
	}, nil
}

// read reads an object whole.
func (d *Dispatcher) read(ctx context.Context, key string) ([]byte, error) {
	body, info, err := d.objects.Get(ctx, key, cosstore.GetOptions{})
	if err != nil {
		return nil, err
	}
	content := make([]byte, info.Size)
	_, err = io.ReadFull(body, content)
	return content, errors.Join(err, body.Close())
}

// answer is what a worker made of a message.
type answer struct {
	fate       taskstore.Fate
	status     int // of HTTP, 0 if none came
	beats      bool
	retryAfter time.Duration
	message    string
	err        error // why no answer came
}

// post sends a message to one worker.
func (d *Dispatcher) post(ctx context.Context, worker string, m message) (a answer) {
	if ctx.Err() != nil {
		return answer{fate: taskstore.Refused, err: ctx.Err()} // no time is left: nothing is sent
	}
	ctx, span := telemetry.Start(ctx, telemetry.Client, "POST /generate3d",
		slog.String("taskId", m.id.TaskID), slog.Int("attempt", m.id.Attempt), slog.String("url.full", worker+"/generate3d"))
	defer func() {
		span.Note(slog.String("fate", string(a.fate)), slog.Int("http.response.status_code", a.status))
		if a.fate != taskstore.Accepted {
			span.Fail(string(a.fate))
		}
		span.End()
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, worker+"/generate3d", bytes.NewReader(m.body))
	if err == nil {
		req.Header.Set("Content-Type", m.contentType)
		telemetry.Tell(ctx, req.Header)
		err = d.signer.Sign(req.Header, m.id, m.body)
	}
	if err != nil {
		return answer{fate: taskstore.Refused, err: err}
	}
	res, err := d.client.Do(req)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return answer{fate: taskstore.Refused, err: err}
		}
		return answer{fate: taskstore.Unknown, err: err}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	return judge(res, body, errors.Join(err, res.Body.Close()))
}

// judge reads a worker's answer, by the contract's list.
func judge(res *http.Response, body []byte, err error) answer {
	a := answer{fate: taskstore.Unknown, status: res.StatusCode, err: err}
	var said struct {
		HeartbeatSeconds float64         `json:"heartbeat_seconds"`
		Detail           json.RawMessage `json:"detail"`
		Message          string          `json:"message"`
	}
	// An answer counts by its status. What else it says is welcome, and no reason to doubt it where it can't be read.
	readable := json.Unmarshal(body, &said) == nil
	after, hasAfter := retryAfter(res.Header)
	switch res.StatusCode {
	case http.StatusAccepted:
		a.fate, a.beats = taskstore.Accepted, readable && said.HeartbeatSeconds > 0
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		a.fate = taskstore.Rejected
		var words string
		if json.Unmarshal(said.Detail, &words) != nil {
			words = said.Message
		}
		if !readable {
			words = string(body)
		}
		if a.message = callback.Words(words); a.message == "" {
			a.message = "No model can be made of this picture."
		}
	case http.StatusTooManyRequests:
		a.fate, a.retryAfter = taskstore.Busy, after
	case http.StatusServiceUnavailable:
		if hasAfter {
			a.fate, a.retryAfter = taskstore.Busy, after
		}
	}
	return a
}

// retryAfter reads the Retry-After header (RFC 9110): seconds, or a date.
func retryAfter(h http.Header) (time.Duration, bool) {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n >= 0 && n <= 1<<30 {
		return time.Duration(n) * time.Second, true
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(time.Until(t), 0), true
	}
	return 0, false
}
