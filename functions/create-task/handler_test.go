package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/google/uuid"

	"github.com/recon3d/recon3d/infra/local/cosd"
	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/contract"
	"github.com/recon3d/recon3d/shared/contract/openapi"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/dispatch"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/taskstore/tasktest"
)

type fixture struct {
	*testing.T
	rdb     *redis.Client
	trips   *redistest.Trips
	cos     *httptest.Server
	objects *cosstore.Store
	store   *taskstore.Store
	handler http.Handler
}

// setUp makes the function over a real Redis and the local COS endpoint, with a worker that answers as that function does.
func setUp(t *testing.T, worker http.HandlerFunc, limits taskstore.Limits) *fixture {
	t.Helper()
	f := &fixture{T: t, rdb: redistest.Start(t).Client()}
	t.Cleanup(func() { _ = f.rdb.Close() })
	f.trips = redistest.CountTrips(f.rdb)
	bucket, err := cosd.New(t.TempDir(), cosd.Options{SecretID: "id", SecretKey: "key"})
	f.must(err)
	workers := httptest.NewServer(openapi.Receiver(t, worker))
	f.cos = httptest.NewServer(bucket)
	t.Cleanup(f.cos.Close)
	t.Cleanup(workers.Close)
	f.objects, err = cosstore.New(cosstore.Config{BucketURL: f.cos.URL, SecretID: "id", SecretKey: "key"}, nil)
	f.must(err)
	signer, err := callback.NewSigner(callback.Config{Secrets: []string{"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))}})
	f.must(err)
	cfg := dispatch.Config{Workers: []string{workers.URL}, Timeout: 10 * time.Second, SweepInterval: time.Second, PublicBaseURL: "http://api"}
	f.must(cfg.Validate())
	f.store = taskstore.New(f.rdb, tasktest.Policy)
	c := &creator{
		users: auth.New(auth.Config{Mode: auth.ModeNone}), tickets: auth.NewTickets(auth.TicketConfig{Secret: strings.Repeat("s", 32), TTL: time.Hour}),
		store: f.store, objects: f.objects, dispatcher: dispatch.New(cfg, f.store, f.objects, signer), limits: limits,
	}
	f.handler = openapi.Handler(t, httpjson.Handler(c.routes(), httpjson.Config{}))
	return f
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// picture stores one, as the picture function does, and tells its id and its object's key.
func (f *fixture) picture() (id, key string) {
	f.Helper()
	key = "pictures/local/" + uuid.NewString()
	f.must(f.objects.Put(context.Background(), key, []byte("picture"), cosstore.PutOptions{ContentType: "image/png"}))
	return tasktest.Picture(f.T, f.rdb, auth.LocalUser, key), key
}

// body asks for a task of a picture that is there.
func (f *fixture) body() string {
	f.Helper()
	id, _ := f.picture()
	return `{"imageId":"` + id + `"}`
}

// create asks for a task; header is a list of names and values.
func (f *fixture) create(body string, header ...string) (int, created, httpjson.Problem) {
	f.Helper()
	r := httptest.NewRequest(http.MethodPost, "/api/reconstruction/create-from-image", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	var c created
	var p httpjson.Problem
	if w.Code < 300 {
		f.must(json.Unmarshal(w.Body.Bytes(), &c))
	} else {
		f.must(json.Unmarshal(w.Body.Bytes(), &p))
	}
	return w.Code, c, p
}

func accept(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		panic(err)
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"accepted","heartbeat_seconds":10}`) // the caller may be gone
}

// The contract allows six: two are left for what a connection asks first, such as a password.
func TestCreatingTakesAtMostSixRoundTripsToRedis(t *testing.T) {
	f := setUp(t, accept, taskstore.Limits{Active: 10, Burst: 30, Period: time.Minute})
	id, _ := f.picture()
	for _, c := range []struct {
		what string
		most int64
	}{{"with scripts that Redis does not know yet", 4}, {"later", 3}} {
		f.trips.Take()
		status, got, p := f.create(`{"imageId":"`+id+`"}`, "Idempotency-Key", c.what)
		if status != http.StatusAccepted || got.Status != task.Processing {
			t.Fatalf("%d %+v %+v", status, got, p)
		}
		if n := f.trips.Take(); n > c.most {
			t.Errorf("%s: %d round trips, at most %d", c.what, n, c.most)
		}
	}
}

func TestTheAnswerSaysWhatTheFirstTryCameTo(t *testing.T) {
	for name, c := range map[string]struct {
		worker http.HandlerFunc
		want   task.Status
	}{
		"taken":    {accept, task.Processing},
		"rejected": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(422) }, task.Failed},
		"busy":     {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "1"); w.WriteHeader(503) }, task.Pending},
		"broken":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, task.Pending},
		"hanging":  {func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() }, task.Pending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setUp(t, c.worker, taskstore.Limits{})
			status, got, p := f.create(f.body())
			if status != http.StatusAccepted || got.Status != c.want || got.SSEURL == "" || got.StatusURL != task.StatusPath(got.TaskID) {
				t.Errorf("%d %+v %+v, want %s", status, got, p, c.want)
			}
		})
	}
}

func TestARepeatedRequestIsTheSameTask(t *testing.T) {
	f := setUp(t, accept, taskstore.Limits{})
	body := f.body()
	_, first, _ := f.create(body, "Idempotency-Key", "k")
	status, second, _ := f.create(body, "Idempotency-Key", "k")
	if status != http.StatusAccepted || second.TaskID != first.TaskID || second.Status != task.Processing {
		t.Errorf("%d %+v, first %+v", status, second, first)
	}
	status, _, p := f.create(f.body(), "Idempotency-Key", "k")
	if status != 422 || p.Code != fault.IdempotencyConflict {
		t.Errorf("other body: %d %+v", status, p)
	}
}

func TestTheFirstTryCarriesTheFormats(t *testing.T) {
	asked := make(chan string, 1)
	f := setUp(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.FormValue("formats")
		accept(w, r)
	}, taskstore.Limits{})
	id, _ := f.picture()
	if status, _, p := f.create(`{"imageId":"` + id + `","formats":["usdz","stl","usdz"]}`); status != http.StatusAccepted {
		t.Fatalf("%d %+v", status, p)
	}
	if got := <-asked; got != "usdz stl" {
		t.Errorf("asked for %q", got)
	}
}

func TestAPictureWhoseObjectIsGoneLeavesNoTask(t *testing.T) {
	f := setUp(t, accept, taskstore.Limits{Active: 1, Burst: 1, Period: time.Hour})
	id, key := f.picture()
	f.must(f.objects.Delete(context.Background(), key))
	for range 2 { // neither the place among the active nor the token is lost
		status, _, p := f.create(`{"imageId":"`+id+`"}`, "Idempotency-Key", "k")
		if status != 404 || p.Code != fault.PictureNotFound {
			t.Fatalf("%d %+v", status, p)
		}
	}
	if status, _, p := f.create(f.body()); status != http.StatusAccepted {
		t.Errorf("%d %+v", status, p)
	}
}

func TestWithTheStorageAwayNothingIsHalfDone(t *testing.T) {
	f := setUp(t, accept, taskstore.Limits{Active: 1, Burst: 1, Period: time.Hour})
	body := f.body()
	f.cos.Close()
	for range 2 { // as if it had never been asked: no place, no token and no key is lost
		status, _, p := f.create(body, "Idempotency-Key", "k")
		if status != http.StatusServiceUnavailable || p.Code != fault.Unavailable {
			t.Fatalf("%d %+v", status, p)
		}
	}
	tasks, _, err := f.store.List(context.Background(), auth.LocalUser, "", 10)
	if err != nil || len(tasks) != 0 {
		t.Errorf("%d tasks, %v", len(tasks), err)
	}
}

func TestWithTheDatabaseAwayTheCallerIsToldToComeAgain(t *testing.T) {
	f := setUp(t, accept, taskstore.Limits{})
	body := f.body()
	f.must(f.rdb.Close())
	if status, _, p := f.create(body); status != http.StatusServiceUnavailable || p.Code != fault.Unavailable {
		t.Errorf("%d %+v", status, p)
	}
}

func TestWrongRequests(t *testing.T) {
	f := setUp(t, accept, taskstore.Limits{})
	for name, c := range map[string]struct {
		body   string
		header []string
		status int
		code   fault.Code
	}{
		"no JSON":         {`{`, nil, 400, fault.BadRequest},
		"wrong type":      {`{"imageId":7}`, nil, 422, fault.ValidationFailed},
		"nothing in it":   {`{}`, nil, 422, fault.ValidationFailed},
		"no UUID":         {`{"imageId":"x"}`, nil, 404, fault.PictureNotFound},
		"unknown picture": {`{"imageId":"` + task.NewID(auth.LocalUser) + `"}`, nil, 404, fault.PictureNotFound},
		"another's":       {`{"imageId":"` + task.NewID("bob") + `"}`, nil, 404, fault.PictureNotFound},
		"too large":       {`{"imageId":"` + strings.Repeat("x", maxBody) + `"}`, nil, 413, fault.PayloadTooLarge},
		"media type":      {`{}`, []string{"Content-Type", "text/plain"}, 415, fault.UnsupportedMediaType},
		"unknown format":  {`{"imageId":"x","formats":["stl","exe"]}`, nil, 422, fault.ValidationFailed},
		"no list":         {`{"imageId":"x","formats":"stl"}`, nil, 422, fault.ValidationFailed},
		"endless key":     {`{"imageId":"x"}`, []string{"Idempotency-Key", strings.Repeat("k", 256)}, 422, fault.ValidationFailed},
	} {
		if status, _, p := f.create(c.body, c.header...); status != c.status || p.Code != c.code {
			t.Errorf("%s: %d %+v", name, status, p)
		}
	}
	if keys, err := f.rdb.Keys(context.Background(), "*").Result(); err != nil || len(keys) != 0 {
		t.Errorf("left in Redis: %v %v", keys, err)
	}
}

func TestTheContractsInvalidOrdersAreRefused(t *testing.T) {
	f := setUp(t, accept, taskstore.Limits{})
	order, err := contract.Read("create-task-request")
	f.must(err)
	invalid, err := contract.InvalidOf("create-task-request")
	f.must(err)
	for _, c := range invalid {
		body, err := c.Apply(order)
		f.must(err)
		if status, _, p := f.create(string(body)); status != 422 && p.Code != fault.PictureNotFound {
			t.Errorf("%s: %d %+v", c.Why, status, p)
		}
	}
}

func TestEveryCreateTellsWhatIsLeft(t *testing.T) {
	create := func(f *fixture, body string, header ...string) http.Header {
		r := httptest.NewRequest(http.MethodPost, "/api/reconstruction/create-from-image", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, r)
		return w.Header()
	}
	// The bucket fills by one in 20 minutes: what is left does not change while the test runs.
	f := setUp(t, accept, taskstore.Limits{Active: 2, Burst: 3, Period: time.Hour})
	body := f.body()
	const policy = `"creates";q=3;w=3600, "active-tasks";q=2;qu="concurrent-requests"`
	for _, c := range []struct{ what, key, left string }{
		{"first", "1", `"creates";r=2;t=1200, "active-tasks";r=1`},
		{"again", "1", `"creates";r=2;t=1200, "active-tasks";r=1`},
		{"second", "2", `"creates";r=1;t=2400, "active-tasks";r=0`},
		{"too many", "3", `"creates";r=1;t=2400, "active-tasks";r=0`},
	} {
		h := create(f, body, "Idempotency-Key", c.key)
		left := regexp.MustCompile(`;t=\d+`).ReplaceAllStringFunc(h.Get("RateLimit"), func(s string) string {
			n, err := strconv.Atoi(strings.TrimPrefix(s, ";t="))
			f.must(err)
			return fmt.Sprintf(";t=%d", (n+1199)/1200*1200) // up to the next create
		})
		if h.Get("RateLimit-Policy") != policy || left != c.left {
			t.Errorf("%s: %q of %q", c.what, h.Get("RateLimit"), h.Get("RateLimit-Policy"))
		}
	}
	for what, h := range map[string]http.Header{
		"without limits":                create(setUp(t, accept, taskstore.Limits{}), body),
		"of a picture that isn't there": create(f, `{"imageId":"`+task.NewID(auth.LocalUser)+`"}`),
	} {
		if h.Get("RateLimit") != "" || h.Get("RateLimit-Policy") != "" {
			t.Errorf("%s: %v", what, h)
		}
	}
}

func TestLimitsAreReadAndDefaulted(t *testing.T) {
	var r rate
	for text, want := range map[string]rate{"30/m": {30, time.Minute}, "5/s": {5, time.Second}, "7/h": {7, time.Hour}, "0": {}} {
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want {
			t.Errorf("%s: %+v %v", text, r, err)
		}
	}
	for _, text := range []string{"", "m", "30", "-1/m", "30/d", "x/m"} {
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	c := limitsConfig{}
	if got := c.of(auth.ModeJWT); got != (taskstore.Limits{Active: 10, Burst: 30, Period: time.Minute}) {
		t.Errorf("by default: %+v", got)
	}
	if got := c.of(auth.ModeNone); got != (taskstore.Limits{}) {
		t.Errorf("on a machine of one's own: %+v", got)
	}
}
