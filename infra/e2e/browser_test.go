package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// browser is a user's client of the public API.
type browser struct {
	base  *url.URL
	token string // bearer token, where there is one
	http  *http.Client
}

// answer is an HTTP answer, read whole.
type answer struct {
	request string // for messages
	status  int
	header  http.Header
	body    []byte
}

// do sends a request to a URL reference. headers are pairs of name and value.
func (b *browser) do(ctx context.Context, method, ref string, body []byte, headers ...string) (answer, error) {
	u, err := b.base.Parse(ref)
	if err != nil {
		return answer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if b.token != "" && u.Host == b.base.Host {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return send(b.http, r)
}

func send(c *http.Client, r *http.Request) (answer, error) {
	res, err := c.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }() // what counts was read
	a := answer{request: r.Method + " " + r.URL.Path, status: res.StatusCode, header: res.Header}
	a.body, err = io.ReadAll(res.Body)
	return a, err
}

// call is do for the test's own goroutine, where no answer at all is a failure.
func (b *browser) call(t *testing.T, method, ref string, body []byte, headers ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	a, err := b.do(ctx, method, ref, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (b *browser) get(t *testing.T, ref string, headers ...string) answer {
	t.Helper()
	return b.call(t, http.MethodGet, ref, nil, headers...)
}

// post sends a value as JSON.
func (b *browser) post(t *testing.T, ref string, v any, headers ...string) answer {
	t.Helper()
	return b.call(t, http.MethodPost, ref, mustJSON(v), append([]string{"Content-Type", "application/json"}, headers...)...)
}

// want fails the test unless the status is that.
func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("%s: got %d, want %d: %s", a.request, a.status, status, clip(a.body))
	}
	return a
}

// into reads the answer's JSON; fields that v doesn't know are an error.
func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		t.Errorf("%s: Content-Type %q", a.request, got)
	}
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v: %s", a.request, err, clip(a.body))
	}
}

// object reads the answer's JSON object.
func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.body, &m); err != nil {
		t.Fatalf("%s: %v: %s", a.request, err, clip(a.body))
	}
	return m
}

// problem fails the test unless the answer is that problem document, whole and well-formed.
func (a answer) problem(t *testing.T, status int, code string) map[string]any {
	t.Helper()
	a.want(t, status)
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s: Content-Type %q", a.request, got)
	}
	p := a.object(t)
	for _, key := range []string{"type", "title", "detail", "code", "requestId"} {
		if s, ok := p[key].(string); !ok || s == "" {
			t.Errorf("%s: %s is %v in %s", a.request, key, p[key], a.body)
		}
	}
	if p["type"] != "about:blank" || p["status"] != float64(status) || p["title"] != http.StatusText(status) || p["code"] != code {
		t.Errorf("%s: want %d %s, got %s", a.request, status, code, a.body)
	}
	known := []string{"type", "title", "status", "detail", "code", "requestId"}
	switch code {
	case "results_missing":
		known = append(known, "missing")
	case "validation_failed":
		known = append(known, "errors")
		if len(a.fields(t)) == 0 {
			t.Errorf("%s: no field is named in %s", a.request, a.body)
		}
	}
	if got := slices.Sorted(maps.Keys(p)); !slices.Equal(got, slices.Sorted(slices.Values(known))) {
		t.Errorf("%s: fields %v", a.request, got)
	}
	retry := status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable || code == "idempotency_in_progress"
	if got := a.header.Get("Retry-After"); retry && !regexp.MustCompile(`^[1-9][0-9]*$`).MatchString(got) {
		t.Errorf("%s: Retry-After %q", a.request, got)
	}
	for _, leak := range []string{"redis", "WRONGTYPE", "dial tcp", "goroutine", "127.0.0.1", ".go:"} {
		if detail, _ := p["detail"].(string); strings.Contains(detail, leak) {
			t.Errorf("%s: the detail shows internals: %s", a.request, detail)
		}
	}
	return p
}

// fields are those that a validation_failed names.
func (a answer) fields(t *testing.T) []string {
	t.Helper()
	var p struct {
		Errors []struct{ Field, Message string }
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range p.Errors {
		if e.Message == "" {
			t.Errorf("%s: no message in %s", a.request, a.body)
		}
		names = append(names, e.Field)
	}
	return names
}

// picture is the answer about a picture.
type picture struct {
	ID, Name, ContentType, Sha256, URL, ThumbnailURL string
	Size                                             int64
	Width, Height                                    int
	CreatedAt                                        string
}

// form makes a multipart body of parts.
func form(parts ...part) (body []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		var err error
		var dst io.Writer
		if p.file == "" {
			dst, err = w.CreateFormField(p.name)
		} else {
			dst, err = w.CreateFormFile(p.name, p.file)
		}
		if err == nil {
			_, err = dst.Write(p.data)
		}
		if err != nil {
			panic(err) // a buffer takes everything
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

// part is one part of a form: a field, or a file where it has a file name.
type part struct {
	name, file string
	data       []byte
}

// send uploads bytes as a picture.
func (b *browser) send(t *testing.T, data []byte) answer {
	t.Helper()
	body, contentType := form(part{"file", "photo.png", data})
	return b.call(t, http.MethodPost, "/picture/upload", body, "Content-Type", contentType)
}

// upload uploads a good picture.
func (b *browser) upload(t *testing.T, data []byte) picture {
	t.Helper()
	var p picture
	b.send(t, data).want(t, http.StatusCreated).into(t, &p)
	return p
}

// created is the answer to a create.
type created struct{ TaskID, Status, SseURL, StatusURL string }

// create makes a task of a picture.
func (b *browser) create(t *testing.T, pictureID string, headers ...string) created {
	t.Helper()
	var c created
	b.post(t, "/api/reconstruction/create-from-image", map[string]any{"imageId": pictureID}, headers...).
		want(t, http.StatusAccepted).into(t, &c)
	return c
}

// document is the answer about a task.
type document struct {
	TaskID, Status, Stage, ImageID                               string
	Progress                                                     float64
	Attempt                                                      int
	QueuePosition                                                *int
	EtaSeconds                                                   *float64
	OriginalImageURL, PixelImagesURL, XyzImagesURL, OutputZipURL *string
	Results                                                      []stored
	Error                                                        *struct{ Code, Message string }
	ErrorMessage                                                 *string
	CreatedAt, UpdatedAt, StartedAt, FinishedAt                  string
	SseURL                                                       string
}

// stored is a result in a task's document.
type stored struct {
	Name, URL, Sha256, ContentType, CreatedAt string
	Size                                      int64
}

// task reads a task's document.
func (b *browser) task(t *testing.T, id string) document {
	t.Helper()
	var d document
	b.get(t, "/api/reconstruction/status/"+id).want(t, http.StatusOK).into(t, &d)
	return d
}

var moment = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)

// checkTime fails the test unless s is RFC 3339 in UTC with milliseconds, and of this run.
func checkTime(t *testing.T, what, s string) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil || !moment.MatchString(s) || time.Since(at).Abs() > time.Hour {
		t.Errorf("%s is %q", what, s)
	}
}

var uuid7 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the tests' own values marshal
	}
	return b
}

func clip(b []byte) string {
	if len(b) > 600 {
		return string(b[:600]) + "…"
	}
	return string(b)
}
