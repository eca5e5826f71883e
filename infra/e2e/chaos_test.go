package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/rpc"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"

	"github.com/recon3d/recon3d/infra/local/supervise"
)

// persist sends until the answer is none that says "later".
func persist(t *testing.T, send func() (answer, error)) answer {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		a, err := send()
		switch {
		case err != nil, a.status == http.StatusBadGateway, a.status == http.StatusServiceUnavailable, a.status == http.StatusGatewayTimeout:
		case a.status == http.StatusInternalServerError:
			t.Errorf("%s: %s", a.request, a.body)
		case a.status == http.StatusConflict && bytes.Contains(a.body, []byte("idempotency_in_progress")):
		default:
			return a
		}
	}
	t.Errorf("no answer in %v", patience)
	return answer{}
}

// journey takes one picture all its way as a patient browser and a patient worker do, and fails the test where anything is
// lost, comes twice or is not as it should be.
func (s *system) journey(t *testing.T) {
	data := drawing()
	job := s.fleet.expect(data, takenWithHeartbeats)
	body, mime := form(part{"file", "a.png", data})
	ctx := t.Context()
	var p picture
	up := persist(t, func() (answer, error) {
		return s.do(ctx, http.MethodPost, "/picture/upload", body, "Content-Type", mime)
	})
	if up.status != http.StatusCreated {
		t.Errorf("upload: %d %s", up.status, up.body)
		return
	}
	up.into(t, &p)
	key := token()
	var c created
	made := persist(t, func() (answer, error) {
		return s.do(ctx, http.MethodPost, "/api/reconstruction/create-from-image", mustJSON(map[string]any{"imageId": p.ID}), "Content-Type", "application/json", "Idempotency-Key", key)
	})
	if made.status != http.StatusAccepted {
		t.Errorf("create: %d %s", made.status, made.body)
		return
	}
	made.into(t, &c)

	events := make(chan []event, 1)
	go func() { events <- s.follow(t, c.SseURL, false) }()
	attempt := s.work(t, c.TaskID, job)
	all := <-events
	if attempt == 0 || len(all) == 0 {
		t.Errorf("task %s: %d events", c.TaskID, len(all))
		return
	}
	if last := all[len(all)-1].read(t); last.Status != "COMPLETED" || *last.Attempt != attempt {
		t.Errorf("the last event is %s", all[len(all)-1].data)
	}
	var doc document
	persist(t, func() (answer, error) { return s.do(ctx, http.MethodGet, c.StatusURL, nil) }).into(t, &doc)
	if doc.Status != "COMPLETED" || doc.Attempt != attempt || len(doc.Results) != 3 {
		t.Errorf("%+v", doc)
	}
	for _, r := range doc.Results {
		if got := fetch(t, r.URL); string(got.body) != fmt.Sprint(r.Name, attempt) {
			t.Errorf("%s is %q", r.Name, got.body)
		}
	}
}

// work does what a worker does with each hand-over until one is completed, and tells which.
func (s *system) work(t *testing.T, taskID string, job *job) int {
	for {
		var d dispatch
		select {
		case d = <-job.dispatches:
		case <-time.After(patience):
			t.Errorf("task %s is not handed over", taskID)
			return 0
		}
		var attempt int
		if _, err := fmt.Sscan(d.fields["attempt"], &attempt); err != nil {
			t.Error(err)
			return 0
		}
		messages := []hook{statusHook(taskID, attempt, "processing", "progress", 10)}
		for _, name := range required() {
			messages = append(messages, fileHook(taskID, attempt, name, []byte(fmt.Sprint(name, attempt))))
		}
		messages = append(messages, statusHook(taskID, attempt, "completed"))
		superseded := false
		for _, m := range messages {
			a := persist(t, func() (answer, error) { return s.outbox.do(t, m) })
			if superseded = a.status == http.StatusConflict && bytes.Contains(a.body, []byte("attempt_superseded")); superseded {
				break
			}
			if a.status != http.StatusOK {
				t.Errorf("callback of attempt %d: %d %s", attempt, a.status, a.body)
				return 0
			}
		}
		if !superseded {
			return attempt
		}
	}
}

// traffic makes journeys, a few at a time, while trouble makes trouble, and ends when both have.
func (s *system) traffic(t *testing.T, trouble func()) {
	t.Helper()
	var calm atomic.Bool
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for !calm.Load() && !t.Failed() {
				s.journey(t)
			}
			s.journey(t) // and one more when all is well again
		})
	}
	trouble()
	calm.Store(true)
	all.Wait()
}

// Functions die at any moment. What was begun ends well.
func TestKilledFunctions(t *testing.T) {
	t.Parallel()
	s := start(t, 2)
	s.traffic(t, func() {
		for range 2 {
			for _, name := range []string{"picture", "create-task", "tasks", "callback-result", "callback-status", "relay", "sweeper"} {
				s.pid(t, name, s.kill(t, name))
			}
		}
	})
	bucket := s.bucket(t)
	s.everythingDeleted(t, func() { eventually(t, "no object is left", func() bool { return len(s.orphans(t, bucket)) == 0 }) })
}

// everythingDeleted deletes all tasks and pictures, and then checks.
func (s *system) everythingDeleted(t *testing.T, check func()) {
	t.Helper()
	for {
		var list struct {
			Items      []document
			NextCursor *string
		}
		if s.get(t, "/api/reconstruction/list?limit=100").want(t, http.StatusOK).into(t, &list); len(list.Items) == 0 {
			break
		}
		for _, d := range list.Items {
			s.call(t, http.MethodDelete, "/api/reconstruction/status/"+d.TaskID, nil).want(t, http.StatusNoContent)
		}
	}
	for {
		var page struct {
			Items             []picture
			Page, Size, Total int
		}
		if s.get(t, "/picture/list/page?size=100").want(t, http.StatusOK).into(t, &page); len(page.Items) == 0 {
			break
		}
		for _, p := range page.Items {
			s.call(t, http.MethodDelete, "/picture/"+p.ID, nil).want(t, http.StatusNoContent)
		}
	}
	check()
}

// Redis dies in the middle of all, and comes back with what it had written (appendfsync always).
func TestKilledRedis(t *testing.T) {
	t.Parallel()
	s := start(t, 2)
	s.traffic(t, func() {
		for range 3 {
			before := len(s.fleet.seen())
			eventually(t, "there is traffic", func() bool { return len(s.fleet.seen()) > before })
			s.redis.Kill()
			s.redis.Run()
		}
	})
}

// The host's own Redis is restarted over its data, too. Its append-only file is synced each second, which a killed process,
// unlike a killed machine, does not lose.
func TestKilledRedisOfTheHost(t *testing.T) {
	t.Parallel()
	s := start(t, 1, "REDIS_URL", "")
	o := s.order(t, taken)
	o.job.next(t)
	o.file(1, "pixel_images.png", []byte("before")).want(t, http.StatusOK)
	s.pid(t, "redis-server", s.kill(t, "redis-server"))
	for _, m := range []hook{
		fileHook(o.TaskID, 1, "pixel_images.png", []byte("before")), fileHook(o.TaskID, 1, "xyz_images.png", []byte("after")),
		fileHook(o.TaskID, 1, "output3d.zip", []byte("after")), statusHook(o.TaskID, 1, "completed"),
	} {
		a := persist(t, func() (answer, error) { return s.outbox.do(t, m) })
		a.want(t, http.StatusOK)
		if dup := bytes.Contains(m.body, []byte("before")); a.object(t)["duplicate"] != dup {
			t.Errorf("after the restart: %s", a.body)
		}
	}
	if all := o.events.until(t, "COMPLETED"); len(all) != 6 {
		t.Errorf("%d events", len(all))
	}
}

// While Redis is away nobody can send heartbeats: nobody is punished for it.
func TestAnOutageIsNotTheWorkersFault(t *testing.T) {
	t.Parallel()
	s := start(t, 1, "HEARTBEAT_TIMEOUT", "2s", "SWEEP_INTERVAL", "100ms")
	o := s.order(t, takenWithHeartbeats)
	o.job.next(t)
	o.status(1, "processing").want(t, http.StatusOK)
	s.redis.Kill()
	<-time.After(2500 * time.Millisecond) // the outage itself: longer than the lease
	s.redis.Run()
	// The worker goes on reporting as soon as it can, and still has its task.
	if a := persist(t, func() (answer, error) { return s.outbox.do(t, statusHook(o.TaskID, 1, "processing")) }); a.status != http.StatusOK {
		t.Errorf("after the outage: %d %s", a.status, a.body)
	}
	o.finish(1)
	if doc := o.document(); doc.Attempt != 1 || doc.Status != "COMPLETED" {
		t.Errorf("%+v", doc)
	}
}

// A worker that dies loses its tasks to another one.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	s := start(t, 2, "HEARTBEAT_TIMEOUT", "1s")
	o := s.order(t, inTurn(takenWithHeartbeats, taken))
	dead := o.job.next(t)
	s.fleet.workers[dead.worker].Close()
	next := o.job.next(t)
	if next.worker == dead.worker || next.fields["attempt"] != "2" {
		t.Errorf("attempt %s went to worker %d, worker %d being dead", next.fields["attempt"], next.worker, dead.worker)
	}
	o.finish(2)
	o.events.until(t, "COMPLETED")
	// A stop can't reach the dead one: the user does not notice.
	for range 4 {
		o := s.order(t, taken)
		o.job.next(t)
		s.post(t, "/api/reconstruction/cancel/"+o.TaskID, nil).want(t, http.StatusOK)
	}
}

// sweeper calls a sweeper as the platform does.
type sweeper struct{ address string }

func (s sweeper) run(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return err
	}
	client := rpc.NewClient(conn)
	defer func() { _ = client.Close() }()
	var res messages.InvokeResponse
	deadline := time.Now().Add(time.Minute)
	err = client.Call("Function.Invoke", &messages.InvokeRequest{
		Payload:   []byte(`{"Type":"Timer","TriggerName":"sweep","Time":"2026-02-21T11:49:00Z","Message":""}`),
		RequestId: token(), FunctionName: "sweeper", Deadline: messages.InvokeRequest_Timestamp{Seconds: deadline.Unix()}, TimeLimitInMs: 60000, MemoryLimitInMb: 128,
	}, &res)
	if err == nil && res.Error != nil {
		err = errors.New(res.Error.Message)
	}
	return err
}

// environ is the environment that the host gave to a function.
func (s *system) environ(t *testing.T, function string) []string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", s.pid(t, function)))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
}

// with is an environment with some variables set.
func with(environ []string, vars ...string) []string {
	return slices.Concat(environ, vars) // the last of equal names counts, os/exec sees to it
}

// launch starts one more process of a function, which ends with the test.
func launch(t *testing.T, function string, environ []string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program(function))
	cmd.Env, cmd.Stderr = environ, os.Stderr
	if !testing.Verbose() {
		cmd.Stderr = nil
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // however
	})
	return cmd
}

// Sweepers overlap: two processes, each called by several timers at once. No attempt is handed over twice.
func TestSweepersAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, 2, "SWEEP_INTERVAL", "100ms", "HEARTBEAT_TIMEOUT", "2s", "MAX_ATTEMPTS", "10")
	environ := s.environ(t, "sweeper")
	var sweepers []sweeper
	for _, v := range environ {
		if port, found := strings.CutPrefix(v, "_LAMBDA_SERVER_PORT="); found {
			sweepers = append(sweepers, sweeper{"127.0.0.1:" + port})
		}
	}
	port := ownPort(t)
	launch(t, "sweeper", with(environ, "_LAMBDA_SERVER_PORT="+port))
	sweepers = append(sweepers, sweeper{"127.0.0.1:" + port})
	if len(sweepers) != 2 {
		t.Fatal("the sweeper's port is not in its environment")
	}
	eventually(t, "the second sweeper answers", func() bool { return sweepers[1].run(t.Context()) == nil })

	const tasks = 12
	var orders []*order
	for i := range tasks {
		first := always(says(500, "{}"))
		if i%2 == 0 {
			first = takenWithHeartbeats // and is never heard of again
		}
		orders = append(orders, s.orderUnheard(t, inTurn(first, first, taken)))
	}
	var calm atomic.Bool
	var timers sync.WaitGroup
	for i := range 6 {
		timers.Go(func() {
			for !calm.Load() {
				if err := sweepers[i%2].run(t.Context()); err != nil {
					t.Errorf("sweep: %v", err)
					return
				}
			}
		})
	}
	for _, o := range orders {
		for n := 1; n <= 3; n++ {
			if d := o.job.next(t); d.fields["attempt"] != fmt.Sprint(n) || d.fields["task_id"] != o.TaskID {
				t.Errorf("hand-over %d is attempt %s", n, d.fields["attempt"])
			}
		}
		o.finish(3)
	}
	calm.Store(true)
	timers.Wait()
	for _, o := range orders {
		if doc := o.document(); doc.Status != "COMPLETED" || doc.Attempt != 3 || len(o.job.dispatches) != 0 {
			t.Errorf("%+v, and %d more hand-overs", doc, len(o.job.dispatches))
		}
		if all := s.listen(t, o.document().SseURL, "").until(t, "COMPLETED"); all[len(all)-1].id != fmt.Sprint(len(all)) {
			t.Errorf("events: %+v", all)
		}
	}
}

// ownPort is a port of this test's: whoever asks the system for any is given another.
func ownPort(t *testing.T) string {
	t.Helper()
	port, release, err := supervise.ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return strconv.Itoa(port)
}
