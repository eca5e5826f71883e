package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/contract/openapi"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
	"github.com/recon3d/recon3d/shared/task"
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
	signer  *callback.Signer
	handler http.Handler
}

func setUp(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, ctx: context.Background(), rdb: redistest.Start(t).Client()}
	t.Cleanup(func() { _ = f.rdb.Close() })
	f.trips = redistest.CountTrips(f.rdb)
	var err error
	f.signer, err = callback.NewSigner(callback.Config{Secrets: []string{"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))}})
	f.must(err)
	f.store = taskstore.New(f.rdb, tasktest.Policy)
	h := &reporter{signer: f.signer, store: f.store, required: []string{"a.png"}}
	f.handler = openapi.Handler(t, httpjson.Handler(h.routes(), httpjson.Config{}))
	return f
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// claimed makes a task whose first hand-over is under way.
func (f *fixture) claimed() string {
	f.Helper()
	reserved, _ := tasktest.Create(f.T, f.rdb, f.store, user, time.Minute)
	return reserved.ID
}

// post sends a body, signed for that task.
func (f *fixture) post(taskID, contentType, body string) (int, callback.StatusAnswer, httpjson.Problem) {
	f.Helper()
	r := httptest.NewRequest(http.MethodPost, "/api/reconstruction/callback/status", bytes.NewReader([]byte(body)))
	r.Header.Set("Content-Type", contentType)
	f.must(f.signer.Sign(r.Header, callback.ID{Kind: callback.Status, TaskID: taskID, Attempt: 1, N: "n"}, []byte(body)))
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	var a callback.StatusAnswer
	var p httpjson.Problem
	if w.Code == http.StatusOK {
		f.must(json.Unmarshal(w.Body.Bytes(), &a))
	} else {
		f.must(json.Unmarshal(w.Body.Bytes(), &p))
	}
	return w.Code, a, p
}

func TestAStatusTakesAtMostThreeRoundTripsToRedis(t *testing.T) {
	f := setUp(t)
	id := f.claimed()
	for _, what := range []string{"with a script that Redis does not know yet", "later"} {
		f.trips.Take()
		status, a, p := f.post(id, "application/json", `{"taskId":"`+id+`","status":"processing","attempt":1,"progress":12.5,"stage":"mesh","etaSeconds":1.5}`)
		if status != 200 || a.Status != task.Processing || a.Duplicate {
			t.Fatalf("%s: %d %+v %+v", what, status, a, p)
		}
		if n := f.trips.Take(); n > 3 {
			t.Errorf("%s: %d round trips", what, n)
		}
	}
	got, err := f.store.Get(f.ctx, user, id)
	f.must(err)
	if got.Progress != 12 || got.Stage != "mesh" || *got.ETASeconds != 1.5 {
		t.Errorf("kept %+v", got)
	}
}

func TestWhatIsSaidAndWhatItComesTo(t *testing.T) {
	f := setUp(t)
	id := f.claimed()
	say := func(rest string) string { return `{"taskId":"` + id + `",` + rest + `}` }
	for _, c := range []struct {
		body      string
		status    int
		code      fault.Code
		duplicate bool
	}{
		{say(`"status":"done"`), 422, fault.ValidationFailed, false},
		{say(`"status":"processing","attempt":"1"`), 422, fault.ValidationFailed, false},
		{`{`, 400, fault.BadRequest, false},
		{`{"taskId":"` + task.NewID(user) + `","status":"failed"}`, 401, fault.SignatureInvalid, false},
		{say(`"status":"processing","attempt":2`), 401, fault.SignatureInvalid, false}, // the id says 1
		{say(`"status":"completed","attempt":1`), 409, fault.ResultsMissing, false},
		{say(`"status":"failed","error":{"code":"image_rejected","message":"no object"}`), 200, "", false},
		{say(`"status":"failed"`), 200, "", true},
		{say(`"status":"completed"`), 409, fault.TaskFinished, false},
	} {
		status, a, p := f.post(id, "application/json", c.body)
		if status != c.status || p.Code != c.code || a.Duplicate != c.duplicate {
			t.Errorf("%s: %d %+v %+v", c.body, status, a, p)
		}
	}
	if status, _, p := f.post(id, "text/plain", say(`"status":"failed"`)); status != 415 {
		t.Errorf("media type: %+v", p)
	}
	if status, _, p := f.post(id, "application/json", say(`"x":"`+strings.Repeat("x", maxBody)+`"`)); status != 413 {
		t.Errorf("too large: %+v", p)
	}
	got, err := f.store.Get(f.ctx, user, id)
	f.must(err)
	if got.Status != task.Failed || *got.Error != (task.Error{Code: task.ImageRejected, Message: "no object"}) {
		t.Errorf("%+v %+v", got, got.Error)
	}
}
