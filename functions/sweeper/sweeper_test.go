package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/infra/local/cosd"
	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/dispatch"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/taskstore/tasktest"
)

// worker is one that the test plays: it remembers what it was sent, and answers with answer.
type worker struct {
	mu     sync.Mutex
	sent   []string // `{taskId}:{attempt}`
	traces []string // that came with hand-overs
	stops  []string
	answer func(n int) int
}

func (k *worker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // a sender that leaves shows in what it records
	id, ok := callback.ParseID(r.Header.Get("Webhook-Id"))
	if !ok {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if id.Kind == callback.Cancel {
		k.stops = append(k.stops, fmt.Sprintf("%s:%d", id.TaskID, id.Attempt))
		w.WriteHeader(http.StatusAccepted)
		return
	}
	k.sent = append(k.sent, fmt.Sprintf("%s:%d", id.TaskID, id.Attempt))
	k.traces = append(k.traces, r.Header.Get("Traceparent"))
	status := k.answer(len(k.sent))
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "0")
	}
	w.WriteHeader(status)
}

type fixture struct {
	*testing.T
	ctx     context.Context
	rdb     *redis.Client
	store   *taskstore.Store
	objects *cosstore.Store
	worker  *worker
	*sweeper
}

func setUp(t *testing.T, answer func(n int) int) *fixture {
	t.Helper()
	f := &fixture{T: t, ctx: context.Background(), rdb: redistest.Start(t).Client(), worker: &worker{answer: answer}}
	t.Cleanup(func() { _ = f.rdb.Close() })
	bucket, err := cosd.New(t.TempDir(), cosd.Options{SecretID: "id", SecretKey: "key"})
	f.must(err)
	cos, workers := httptest.NewServer(bucket), httptest.NewServer(f.worker)
	t.Cleanup(cos.Close)
	t.Cleanup(workers.Close)
	f.objects, err = cosstore.New(cosstore.Config{BucketURL: cos.URL, SecretID: "id", SecretKey: "key"}, nil)
	f.must(err)
	signer, err := callback.NewSigner(callback.Config{Secrets: []string{"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))}})
	f.must(err)
	cfg := dispatch.Config{Workers: []string{workers.URL}, Timeout: 10 * time.Second, SweepInterval: time.Millisecond, PublicBaseURL: "http://api"}
	f.must(cfg.Validate())
	f.store = taskstore.New(f.rdb, tasktest.Policy)
	f.sweeper = &sweeper{
		store: f.store, objects: f.objects, dispatcher: dispatch.New(cfg, f.store, f.objects, signer), gap: time.Minute, budget: time.Minute,
	}
	return f
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// pending makes a task of a user of its own that was not handed over yet.
func (f *fixture) pending(n int) string {
	f.Helper()
	reserved, _ := tasktest.Create(f.T, f.rdb, f.store, fmt.Sprint("user", n), 0)
	f.must(f.objects.Put(f.ctx, reserved.Input.Key, []byte("picture"), cosstore.PutOptions{ContentType: "image/png"}))
	return reserved.ID
}

func TestSweepersThatOverlapSendEachTaskOnce(t *testing.T) {
	f := setUp(t, func(int) int { return http.StatusAccepted })
	var want []string
	for i := range 20 {
		want = append(want, f.pending(i)+":1")
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := f.run(f.ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	slices.Sort(f.worker.sent)
	if !slices.Equal(f.worker.sent, want) {
		t.Errorf("sent %v\nwant %v", f.worker.sent, want)
	}
}

func TestWhoWaitsLongestGetsTheNextFreePlace(t *testing.T) {
	f := setUp(t, func(n int) int {
		if n%2 == 0 {
			return http.StatusServiceUnavailable // one place a run
		}
		return http.StatusAccepted
	})
	tasks := []string{f.pending(3), f.pending(1), f.pending(2)}
	for range tasks {
		f.must(f.run(f.ctx))
		if err := f.rdb.Del(f.ctx, "recon:{dispatch}:busy").Err(); err != nil { // the pause is over
			t.Fatal(err)
		}
	}
	want := []string{tasks[0] + ":1", tasks[1] + ":1", tasks[1] + ":1", tasks[2] + ":1", tasks[2] + ":1"}
	if !slices.Equal(f.worker.sent, want) {
		t.Errorf("sent %v\nwant %v", f.worker.sent, want)
	}
}

func TestOneFailureDoesNotStopTheRest(t *testing.T) {
	f := setUp(t, func(int) int { return http.StatusAccepted })
	broken, fine := f.pending(1), f.pending(2)
	f.must(f.objects.Delete(f.ctx, taskstore.CopyPrefix+broken+"/original.png"))
	f.must(f.run(f.ctx))
	if want := []string{fine + ":1"}; !slices.Equal(f.worker.sent, want) {
		t.Errorf("sent %v, want %v", f.worker.sent, want)
	}
	got, err := f.store.Get(f.ctx, "user1", broken)
	f.must(err)
	if got.Status != task.Pending {
		t.Errorf("the task whose picture can't be read is %s", got.Status)
	}
}

func TestATimeOutIsToldToTheWorker(t *testing.T) {
	f := setUp(t, func(int) int { return http.StatusAccepted })
	id := f.pending(1)
	f.must(f.run(f.ctx))
	f.must(f.rdb.HSet(f.ctx, taskstore.TaskKey(id), "ran", time.Hour.Milliseconds()).Err())
	f.must(f.rdb.ZAdd(f.ctx, "recon:{"+id[len(id)-2:]+"}:due", &redis.Z{Member: id, Score: 1}).Err())
	f.must(f.run(f.ctx))
	if want := []string{id + ":1"}; !slices.Equal(f.worker.stops, want) {
		t.Errorf("stopped %v, want %v", f.worker.stops, want)
	}
}

func TestTheTrashIsEmptiedTwice(t *testing.T) {
	f := setUp(t, func(int) int { return http.StatusAccepted })
	id := f.pending(1)
	key := taskstore.CopyPrefix + id + "/original.png"
	_, err := f.store.Delete(f.ctx, "user1", id)
	f.must(err)
	f.must(f.run(f.ctx))
	if _, err := f.objects.Head(f.ctx, key); !errors.Is(err, cosstore.ErrNotFound) {
		t.Fatalf("after the first time: %v", err)
	}
	f.must(f.objects.Put(f.ctx, key, []byte("late"), cosstore.PutOptions{})) // by a URL that was still alive
	trash := taskstore.TrashKey(task.PartitionOfID(id))
	f.must(f.rdb.ZIncrBy(f.ctx, trash, -float64(time.Hour.Milliseconds()), "2 "+key).Err())
	f.must(f.run(f.ctx))
	if _, err := f.objects.Head(f.ctx, key); !errors.Is(err, cosstore.ErrNotFound) {
		t.Errorf("after the second time: %v", err)
	}
	if n := f.rdb.ZCard(f.ctx, trash).Val(); n != 0 {
		t.Errorf("%d entries are left", n)
	}
}
