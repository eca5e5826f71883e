package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/infra/local/cosd"
	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/contract/openapi"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/picturestore"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// world is the function with a Redis and a COS of its own, and a client that speaks to it.
type world struct {
	t       *testing.T
	url     string
	client  *http.Client
	rdb     *redis.Client
	bucket  *cos.Client
	objects *cosstore.Store
	// atCOS may answer a request in COS's place.
	atCOS atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
}

const jwtSecret = "a secret of more than thirty-two bytes"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, client: openapi.Client(t), rdb: redistest.Start(t).Client()}
	endpoint, err := cosd.New(t.TempDir(), cosd.Options{SecretID: "id", SecretKey: "key", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if f := w.atCOS.Load(); f != nil && (*f)(rw, r) {
			return
		}
		endpoint.ServeHTTP(rw, r)
	}))
	t.Cleanup(front.Close)
	if w.objects, err = cosstore.New(cosstore.Config{BucketURL: front.URL, SecretID: "id", SecretKey: "key"}, nil); err != nil {
		t.Fatal(err)
	}
	bucket, err := url.Parse(front.URL)
	if err != nil {
		t.Fatal(err)
	}
	w.bucket = cos.NewClient(&cos.BaseURL{BucketURL: bucket}, &http.Client{Transport: &cos.AuthorizationTransport{SecretID: "id", SecretKey: "key"}})
	w.url = w.serve(w.rdb)
	return w
}

// serve starts the function on that Redis.
func (w *world) serve(rdb redis.UniversalClient) string {
	users := auth.New(auth.Config{Mode: auth.ModeJWT, Secret: jwtSecret})
	s := newServer(users, picturestore.New(rdb), w.objects, uploadConfig{MaxBytes: 5 << 20})
	server := httptest.NewServer(s.handler(httpjson.Config{}))
	w.t.Cleanup(server.Close)
	return server.URL
}

func bearer(t *testing.T, user string) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": user, "exp": time.Now().Add(time.Hour).Unix()}).SignedString([]byte(jwtSecret))
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token
}

// call is a request of a user's; "" is nobody.
type call struct {
	user, method, path, contentType string
	body                            io.Reader
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (w *world) send(c call) answer { w.t.Helper(); return w.sendTo(w.url, c) }

func (w *world) sendTo(base string, c call) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), c.method, base+c.path, c.body)
	if err != nil {
		w.t.Fatal(err)
	}
	if c.user != "" {
		r.Header.Set("Authorization", bearer(w.t, c.user))
	}
	if c.contentType != "" {
		r.Header.Set("Content-Type", c.contentType)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

// picture reads an answer that shows one.
func (a answer) picture(t *testing.T, status int) pictureJSON {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, not %d: %s", a.status, status, a.body)
	}
	var p pictureJSON
	dec := json.NewDecoder(bytes.NewReader(a.body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

// is checks that the answer is that problem document.
func (a answer) is(t *testing.T, status int, code fault.Code) httpjson.Problem {
	t.Helper()
	var p httpjson.Problem
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("status %d, not %d %s: %s", a.status, status, code, a.body)
	}
	if a.status != status || p.Status != status || p.Code != code || a.header.Get("Content-Type") != "application/problem+json" || p.RequestID == "" || p.Detail == "" {
		t.Errorf("not %d %s: %d %s", status, code, a.status, a.body)
	}
	return p
}

// field is one part of a form.
type field struct{ name, filename, content string }

// form makes a multipart body.
func form(t *testing.T, fields ...field) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, f := range fields {
		var part io.Writer
		var err error
		if f.filename != "" {
			part, err = m.CreateFormFile(f.name, f.filename)
		} else {
			part, err = m.CreateFormField(f.name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return m.FormDataContentType(), b.Bytes()
}

func (w *world) upload(user, filename string, data []byte) answer {
	w.t.Helper()
	contentType, body := form(w.t, field{"file", filename, string(data)})
	return w.send(call{user, http.MethodPost, "/picture/upload", contentType, bytes.NewReader(body)})
}

// get fetches a presigned URL.
func (w *world) get(rawURL string) answer {
	w.t.Helper()
	resp, err := http.Get(rawURL)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.t.Fatalf("get %s: %d %s %v", rawURL, resp.StatusCode, body, err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

// stored lists the keys of all objects.
func (w *world) stored() []string {
	w.t.Helper()
	list, _, err := w.bucket.Bucket.Get(w.t.Context(), &cos.BucketGetOptions{MaxKeys: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	var keys []string
	for _, o := range list.Contents {
		keys = append(keys, o.Key)
	}
	return keys
}

// expectOnly sweeps as if a day had passed and then checks that nothing is there but those pictures: no object, no record,
// no index entry, no trash.
func (w *world) expectOnly(pictures ...pictureJSON) {
	w.t.Helper()
	ctx := w.t.Context()
	w.sweep(ctx)
	var objects, ids []string
	for _, p := range pictures {
		record := w.rdb.HGetAll(ctx, taskstore.PictureKey(p.ID)).Val()
		if record["state"] != "ready" {
			w.t.Errorf("picture %s is not recorded: %v", p.ID, record)
		}
		objects = append(objects, record["key"], record["thumbnailKey"])
		ids = append(ids, p.ID)
	}
	slices.Sort(objects)
	if d := cmp.Diff(objects, w.stored()); d != "" {
		w.t.Errorf("objects: %s", d)
	}
	var records, indexed []string
	for _, key := range w.rdb.Keys(ctx, "recon:*").Val() {
		switch {
		case strings.HasSuffix(key, ":deleted"):
		case strings.Contains(key, ":pictures:"):
			indexed = append(indexed, w.rdb.ZRange(ctx, key, 0, -1).Val()...)
		case strings.Contains(key, ":picture:"):
			records = append(records, key[strings.LastIndex(key, ":")+1:])
		default:
			w.t.Errorf("left in Redis: %s", key)
		}
	}
	slices.Sort(ids)
	slices.Sort(records)
	slices.Sort(indexed)
	if d := cmp.Diff(ids, records); d != "" {
		w.t.Errorf("records: %s", d)
	}
	if d := cmp.Diff(ids, indexed); d != "" {
		w.t.Errorf("index: %s", d)
	}
}

// sweep empties the trash as the sweeper does, a day ahead of time.
func (w *world) sweep(ctx context.Context) {
	w.t.Helper()
	tasks, later := taskstore.New(w.rdb, taskstore.Policy{}), time.Now().Add(24*time.Hour)
	trash, err := tasks.RipeTrash(ctx, later, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, part := range trash {
		if err := w.objects.DeleteMany(ctx, part.Keys); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := tasks.Emptied(ctx, trash, later); err != nil {
		w.t.Fatal(err)
	}
	// Announced pictures lapse by themselves.
	for _, key := range w.rdb.Keys(ctx, "recon:*:picture:*").Val() {
		if w.rdb.TTL(ctx, key).Val() > 0 && w.rdb.HGet(ctx, key, "state").Val() == "uploading" {
			w.rdb.Del(ctx, key)
		}
	}
}

// at runs f at each request to COS that has that method and a key with that in it, with the number of such requests so far.
func (w *world) at(method, inKey string, f func(rw http.ResponseWriter, n int32) (answered bool)) {
	var n atomic.Int32
	hook := func(rw http.ResponseWriter, r *http.Request) bool {
		return r.Method == method && strings.Contains(r.URL.Path, inKey) && f(rw, n.Add(1))
	}
	w.atCOS.Store(&hook)
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sameUser(a, b string) bool { return task.PartitionOf(a) == task.PartitionOf(b) }

// twin is another user in the same partition as user.
func twin(user string) string {
	for i := 0; ; i++ {
		if other := fmt.Sprint(user, i); sameUser(user, other) {
			return other
		}
	}
}
