package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/infra/local/cosd"
	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/contract/openapi"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/taskstore/tasktest"
)

const user = "ann"

type fixture struct {
	*testing.T
	ctx     context.Context
	rdb     *redis.Client
	trips   *redistest.Trips
	store   *taskstore.Store
	away    atomic.Bool // the storage answers 503
	objects *cosstore.Store
	signer  *callback.Signer
	handler http.Handler
}

func setUp(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, ctx: context.Background(), rdb: redistest.Start(t).Client()}
	t.Cleanup(func() { _ = f.rdb.Close() })
	f.trips = redistest.CountTrips(f.rdb)
	bucket, err := cosd.New(t.TempDir(), cosd.Options{SecretID: "id", SecretKey: "key"})
	f.must(err)
	cos := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		bucket.ServeHTTP(w, r)
	}))
	t.Cleanup(cos.Close)
	f.objects, err = cosstore.New(cosstore.Config{BucketURL: cos.URL, SecretID: "id", SecretKey: "key"}, nil)
	f.must(err)
	f.signer, err = callback.NewSigner(callback.Config{Secrets: []string{"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))}})
	f.must(err)
	f.store = taskstore.New(f.rdb, tasktest.Policy)
	h := &receiver{signer: f.signer, store: f.store, objects: f.objects, maxBytes: 1 << 20}
	f.handler = openapi.Handler(t, httpjson.Handler(h.routes(), httpjson.Config{}))
	return f
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) post(kind callback.Kind, taskID, contentType string, body []byte, answer any) (int, httpjson.Problem) {
	f.Helper()
	path := map[callback.Kind]string{callback.Result: "result", callback.Upload: "upload-url"}[kind]
	r := httptest.NewRequest(http.MethodPost, "/api/reconstruction/callback/"+path+"/"+taskID, bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	f.must(f.signer.Sign(r.Header, callback.ID{Kind: kind, TaskID: taskID, N: "n"}, body))
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	var p httpjson.Problem
	if w.Code != http.StatusOK {
		f.must(json.Unmarshal(w.Body.Bytes(), &p))
	} else {
		f.must(json.Unmarshal(w.Body.Bytes(), answer))
	}
	return w.Code, p
}

// form sends a file; fields is a list of names and values, in which `file` is the file.
func (f *fixture) form(taskID string, fields ...string) (int, callback.ResultAnswer, httpjson.Problem) {
	f.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		if fields[i] != "file" {
			f.must(form.WriteField(fields[i], fields[i+1]))
			continue
		}
		part, err := form.CreateFormFile("file", "x")
		f.must(err)
		_, err = io.WriteString(part, fields[i+1])
		f.must(err)
	}
	f.must(form.Close())
	var a callback.ResultAnswer
	status, p := f.post(callback.Result, taskID, form.FormDataContentType(), body.Bytes(), &a)
	return status, a, p
}

func (f *fixture) object(key string) string {
	f.Helper()
	body, _, err := f.objects.Get(f.ctx, key, cosstore.GetOptions{})
	f.must(err)
	content, err := io.ReadAll(body)
	f.must(err)
	f.must(body.Close())
	return string(content)
}

func TestAFileInTheRequestIsStoredInThreeRoundTrips(t *testing.T) {
	f := setUp(t)
	id := tasktest.Processing(t, f.rdb, f.store, user).TaskID
	for _, what := range []string{"first", "later"} { // first: Redis has to be told the script
		f.trips.Take()
		status, a, p := f.form(id, "name", what+".png", "file", "bytes", "sha256", hashOf([]byte("bytes")))
		if status != 200 || a.Size != 5 || a.SHA256 != hashOf([]byte("bytes")) || a.Duplicate {
			t.Fatalf("%s: %d %+v %+v", what, status, a, p)
		}
		if n := f.trips.Take(); n > 3 {
			t.Errorf("%s: %d round trips", what, n)
		}
		if got := f.object("reconstruction/" + id + "/" + what + ".png"); got != "bytes" {
			t.Errorf("%s: stored %q", what, got)
		}
	}
	stored, err := f.store.Get(f.ctx, user, id)
	f.must(err)
	if stored.Results[0].ContentType != "image/png" {
		t.Errorf("media type %q", stored.Results[0].ContentType)
	}
	if status, a, _ := f.form(id, "name", "first.png", "file", "bytes"); status != 200 || !a.Duplicate {
		t.Errorf("again: %d %+v", status, a)
	}
	if status, _, p := f.form(id, "name", "first.png", "file", "other"); status != 409 || p.Code != fault.ResultConflict {
		t.Errorf("other bytes: %d %+v", status, p)
	}
}

func TestOfTwoDifferentFilesAtATimeOneWins(t *testing.T) {
	f := setUp(t)
	id := tasktest.Processing(t, f.rdb, f.store, user).TaskID
	var wg sync.WaitGroup
	won := make([]string, 8)
	for i := range won {
		wg.Go(func() {
			content := fmt.Sprint("bytes ", i)
			if status, _, p := f.form(id, "name", "a.png", "file", content); status == 200 {
				won[i] = content
			} else if p.Code != fault.ResultConflict {
				t.Errorf("%d %+v", status, p)
			}
		})
	}
	wg.Wait()
	if got, want := f.object("reconstruction/"+id+"/a.png"), strings.Join(won, ""); got != want {
		t.Errorf("stored %q, won %q", got, want)
	}
}

func TestAFileThatTheStorageDidNotTakeMayBeSentAgain(t *testing.T) {
	f := setUp(t)
	id := tasktest.Processing(t, f.rdb, f.store, user).TaskID
	f.away.Store(true)
	if status, _, p := f.form(id, "name", "a.png", "file", "bytes"); status != 503 || p.Code != fault.Unavailable {
		t.Fatalf("%d %+v", status, p)
	}
	stored, err := f.store.Get(f.ctx, user, id)
	f.must(err)
	if len(stored.Results) != 0 {
		t.Errorf("stored without an object: %+v", stored.Results)
	}
	f.away.Store(false)
	if status, a, p := f.form(id, "name", "a.png", "file", "bytes"); status != 200 || a.Duplicate {
		t.Errorf("again: %d %+v %+v", status, a, p)
	}
}

func TestWrongForms(t *testing.T) {
	f := setUp(t)
	id := tasktest.Processing(t, f.rdb, f.store, user).TaskID
	for name, c := range map[string]struct {
		fields []string
		code   fault.Code
	}{
		"a path as a name": {[]string{"name", "../x", "file", "b"}, fault.ValidationFailed},
		"the input's name": {[]string{"name", "original.png", "file", "b"}, fault.ValidationFailed},
		"no file":          {[]string{"name", "a.png"}, fault.ValidationFailed},
		"two files":        {[]string{"name", "a.png", "file", "b", "file", "c"}, fault.ValidationFailed},
		"no name":          {[]string{"file", "b"}, fault.ValidationFailed},
		"other checksum":   {[]string{"name", "a.png", "file", "b", "sha256", hashOf([]byte("c"))}, fault.ObjectMismatch},
		"no checksum":      {[]string{"name", "a.png", "file", "b", "sha256", "zz"}, fault.ValidationFailed},
		"odd attempt":      {[]string{"name", "a.png", "file", "b", "attempt", "one"}, fault.ValidationFailed},
		"signed attempt":   {[]string{"name", "a.png", "file", "b", "attempt", "+1"}, fault.ValidationFailed},
		"padded attempt":   {[]string{"name", "a.png", "file", "b", "attempt", "01"}, fault.ValidationFailed},
		"future attempt":   {[]string{"name", "a.png", "file", "b", "attempt", "2"}, fault.ValidationFailed},
	} {
		if _, _, p := f.form(id, c.fields...); p.Code != c.code {
			t.Errorf("%s: %+v, want %s", name, p, c.code)
		}
	}
	if status, p := f.post(callback.Result, id, "multipart/form-data; boundary=x", []byte("no form"), nil); status != 400 {
		t.Errorf("no form: %+v", p)
	}
	if status, p := f.post(callback.Result, id, "multipart/form-data", []byte("no form"), nil); status != 400 {
		t.Errorf("no boundary: %+v", p)
	}
	if status, p := f.post(callback.Result, id, "text/plain", []byte("no form"), nil); status != 415 {
		t.Errorf("other type: %+v", p)
	}
	if status, p := f.post(callback.Result, id, "application/json", bytes.Repeat([]byte("x"), maxForm+1), nil); status != 413 || !strings.Contains(p.Detail, "upload-url") {
		t.Errorf("too large: %+v", p)
	}
	stored, err := f.store.Get(f.ctx, user, id)
	f.must(err)
	if len(stored.Results) != 0 {
		t.Errorf("stored: %+v", stored.Results)
	}
}

func TestTheDirectRoute(t *testing.T) {
	f := setUp(t)
	id := tasktest.Processing(t, f.rdb, f.store, user).TaskID
	content := strings.Repeat("large ", 1000)
	message, err := json.Marshal(map[string]any{"name": "model.glb", "size": len(content), "sha256": hashOf([]byte(content))})
	f.must(err)
	claim := func() (int, callback.ResultAnswer, httpjson.Problem) {
		var a callback.ResultAnswer
		status, p := f.post(callback.Result, id, "application/json", message, &a)
		return status, a, p
	}

	if status, _, p := claim(); status != 422 || p.Code != fault.ObjectMismatch {
		t.Errorf("before the PUT: %d %+v", status, p)
	}
	var up callback.UploadAnswer
	status, p := f.post(callback.Upload, id, "application/json", message, &up)
	if status != 200 || up.Method != "PUT" || up.URL == "" {
		t.Fatalf("%d %+v %+v", status, up, p)
	}
	put := func(body string) int {
		r, err := http.NewRequest(up.Method, up.URL, strings.NewReader(body))
		f.must(err)
		for k, v := range up.Headers {
			r.Header.Set(k, v)
		}
		res, err := http.DefaultClient.Do(r)
		f.must(err)
		f.must(res.Body.Close())
		return res.StatusCode
	}
	if status := put(content + "more"); status == 200 {
		t.Error("a file of another size could be put")
	}
	if status := put(strings.Repeat("LARGE ", 1000)); status != 200 {
		t.Fatalf("PUT: %d", status)
	}
	if status, _, p := claim(); status != 422 || p.Code != fault.ObjectMismatch {
		t.Errorf("other bytes: %d %+v", status, p)
	}
	put(content)
	if status, a, p := claim(); status != 200 || a.Duplicate || a.Size != int64(len(content)) {
		t.Fatalf("%d %+v %+v", status, a, p)
	}
	put(strings.Repeat("LARGE ", 1000)) // the URL lives on and changes nothing
	if f.object("reconstruction/"+id+"/model.glb") != content {
		t.Error("the stored object is another one")
	}
	if status, a, _ := claim(); status != 200 || !a.Duplicate {
		t.Errorf("again: %d %+v", status, a)
	}
	up = callback.UploadAnswer{}
	if status, _ := f.post(callback.Upload, id, "application/json", message, &up); status != 200 || !up.Duplicate || up.URL != "" {
		t.Errorf("upload-url of what is stored: %d %+v", status, up)
	}
	large, err := json.Marshal(map[string]any{"name": "b.glb", "size": 2 << 20, "sha256": hashOf(nil)})
	f.must(err)
	if status, p := f.post(callback.Upload, id, "application/json", large, nil); status != 413 {
		t.Errorf("over RESULT_MAX_BYTES: %d %+v", status, p)
	}
}
