package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/contract/openapi"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/taskstore/tasktest"
)

const (
	owner     = "alice"
	jwtSecret = "a secret for the tests of the relay"
)

// world is a relay behind a real HTTP server, over a real Redis, and a store that changes tasks as the other functions do.
type world struct {
	t       *testing.T
	redis   *redistest.Server
	client  *redis.Client // the test's own
	store   *taskstore.Store
	relay   *relay
	objects *cosstore.Store
	tickets *auth.Tickets
	server  *httptest.Server
	stop    context.CancelFunc // tells the relay to stop
}

// way is how bytes go to clients.
type way bool

const (
	byHTTP way = false
	leanly way = true
)

// eachWay runs a test for both.
func eachWay(t *testing.T, test func(*testing.T, way)) {
	t.Run("net-http", func(t *testing.T) { test(t, byHTTP) })
	t.Run("lean", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("the lean way is there on Linux only")
		}
		test(t, leanly)
	})
}

// newWorld starts a world; change, where given, changes the times that its streams keep.
func newWorld(t *testing.T, by way, change func(*pace)) *world {
	t.Helper()
	w := &world{t: t, redis: redistest.Start(t), tickets: auth.NewTickets(auth.TicketConfig{Secret: "a secret of tickets", TTL: time.Hour})}
	rdb, err := redisdb.Open(redisdb.Config{URL: w.redis.URL})
	must(t, err)
	options, err := redis.ParseURL(w.redis.URL)
	must(t, err)
	options.ReadTimeout = time.Minute // what is written waits for the disk
	w.client = redis.NewClient(options)
	w.store = taskstore.New(w.client, tasktest.Policy)
	objects, err := cosstore.New(cosstore.Config{BucketURL: "http://127.0.0.1:1", SecretID: "id", SecretKey: "key"},
		func(context.Context) (id, key, token string, ok bool) { return "", "", "", false })
	if err != nil {
		t.Fatal(err)
	}
	w.objects = objects
	w.through(rdb, by, change)
	t.Cleanup(func() {
		rdb.Close()
		w.client.Close()
	})
	return w
}

// through starts the relay, or another one in its place, over that client.
func (w *world) through(rdb redis.UniversalClient, by way, change func(*pace)) {
	w.t.Helper()
	times := (&streamConfig{Max: 840 * time.Second, Linger: 10 * time.Second}).pace()
	if change != nil {
		change(&times)
	}
	stopping, stop := context.WithCancel(context.Background())
	w.stop = stop
	h := newRelay(stopping, rdb, w.objects, times)
	h.users, h.tickets = auth.New(auth.Config{Mode: auth.ModeJWT, Secret: jwtSecret}), w.tickets
	if by == leanly {
		must(w.t, h.serveLeanly(true))
	}
	server := httptest.NewServer(httpjson.Handler(h.routes(), httpjson.Config{}))
	w.relay, w.server = h, server
	w.t.Cleanup(func() {
		stop()
		h.close(context.Background())
		w.server.CloseClientConnections()
		w.server.Close()
	})
}

func (w *world) url(taskID string) string {
	return w.server.URL + "/api/reconstruction/events/" + taskID
}

// sseURL is what the owner of a task is given.
func (w *world) sseURL(taskID string) string {
	return w.url(taskID) + "?ticket=" + w.tickets.Issue(taskID)
}

// job is a task in the hands of a test.
type job struct {
	w       *world
	id      string
	claim   *taskstore.Claim
	results int
}

// newJob records a task, PENDING, whose first hand-over is claimed.
func (w *world) newJob() *job {
	w.t.Helper()
	reserved, claim := tasktest.Create(w.t, w.client, w.store, owner, time.Hour)
	return &job{w: w, id: reserved.ID, claim: claim}
}

// accept moves the task to PROCESSING, as a worker's 202 does.
func (j *job) accept() *job {
	j.w.t.Helper()
	_, held, err := j.w.store.Record(context.Background(), j.claim, taskstore.Outcome{Fate: taskstore.Accepted, Worker: "http://worker"})
	must(j.w.t, err)
	if !held {
		j.w.t.Fatal("the claim was not held")
	}
	return j
}

func (j *job) report(said string, change func(*taskstore.Report)) *job {
	j.w.t.Helper()
	r := taskstore.Report{TaskID: j.id, Attempt: &j.claim.Attempt, Said: said}
	if change != nil {
		change(&r)
	}
	_, _, err := j.w.store.Report(context.Background(), r)
	must(j.w.t, err)
	return j
}

func (j *job) progress(percent int) *job {
	j.w.t.Helper()
	return j.report("processing", func(r *taskstore.Report) { r.Progress, r.Stage = &percent, "mesh" })
}

// result stores one more result, named by its number.
func (j *job) result() *job {
	j.w.t.Helper()
	j.results++
	name := fmt.Sprintf("result-%d.png", j.results)
	_, err := j.w.store.RecordResult(context.Background(), taskstore.Offer{
		TaskID: j.id, Attempt: &j.claim.Attempt, Name: name, SHA256: strings.Repeat("ab", 32), Size: 123, ContentType: "image/png",
	}, "reconstruction/"+j.id+"/"+name)
	must(j.w.t, err)
	return j
}

// again gives the task back and claims its next attempt.
func (j *job) again() *job {
	j.w.t.Helper()
	j.report("released", nil)
	claim, err := j.w.store.Claim(context.Background(), j.id, time.Hour)
	must(j.w.t, err)
	if claim == nil {
		j.w.t.Fatal("nothing to claim")
	}
	j.claim = claim
	return j
}

func (j *job) complete() *job {
	j.w.t.Helper()
	return j.report("completed", nil)
}

// whisper appends a status event as the scripts do, but for the bell.
func (j *job) whisper(status task.Status) {
	j.w.t.Helper()
	ctx := context.Background()
	n, err := j.w.client.HIncrBy(ctx, taskstore.TaskKey(j.id), "events", 1).Result()
	must(j.w.t, err)
	must(j.w.t, j.w.client.HSet(ctx, taskstore.TaskKey(j.id), "status", string(status)).Err())
	must(j.w.t, j.w.client.XAdd(ctx, &redis.XAddArgs{
		Stream: taskstore.EventsKey(j.id), ID: fmt.Sprintf("0-%d", n),
		Values: []string{"kind", "status", "status", string(status), "attempt", "1", "at", "1700000000000"},
	}).Err())
}

// subscribers counts the subscription connections to Redis.
func (w *world) subscribers() int {
	w.t.Helper()
	list, err := w.client.Do(context.Background(), "CLIENT", "LIST", "TYPE", "pubsub").Text()
	must(w.t, err)
	return strings.Count(list, "\n")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get asks without reading a stream.
func get(t *testing.T, url string, header ...string) *http.Response {
	t.Helper()
	return request(t, http.MethodGet, url, header...)
}

func request(t *testing.T, method, url string, header ...string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	must(t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := openapi.Client(t).Do(r)
	must(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}
