package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// What a fake worker is told by its environment.
const (
	roleEnv    = "CHAOS_ROLE"
	addressEnv = "CHAOS_ADDRESS" // where it listens
	folderEnv  = "CHAOS_FOLDER"  // its journal's
	viaEnv     = "CHAOS_VIA"     // host:port of its link to the backend
	secretEnv  = "CALLBACK_SECRETS"
)

// fakeWorker is a worker as the contract has it that computes nothing: it takes its time, makes bytes of the task's id and attempt, and
// brings them to the backend from an outbox on the disk, in order, however long that takes. It is honest: what is wrong on the way, the
// post does.
type fakeWorker struct {
	webhook *standardwebhooks.Webhook
	journal *journal
	via     string
	client  *http.Client
	ahead   atomic.Int64 // seconds that its clock is wrong
	mood    atomic.Pointer[mood]

	mu   sync.Mutex
	jobs map[string]*job // by task: the highest attempt
}

// job is one attempt of a task.
type job struct {
	entry
	plan PlannedTask
	stop context.CancelCauseFunc
	ctx  context.Context //nolint:containedctx // the job's life, which its parts share
	live bool
	sent map[string]bool // steps that the backend has acknowledged
}

const (
	capacity  = 6                      // jobs at a time
	heartbeat = 700 * time.Millisecond // between two words of progress; the lease is 3 s
	// The pauses between two tries of a message: shorter than a real worker's, so that a run is, too.
	retryBase, retryMost = 200 * time.Millisecond, 2 * time.Second
	tryTime              = 6 * time.Second // for one try
)

func serveFakeWorker() error {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv(secretEnv))
	if err != nil {
		return err
	}
	journal, old, err := openJournal(filepath.Join(os.Getenv(folderEnv), "journal"))
	if err != nil {
		return err
	}
	w := &fakeWorker{
		webhook: webhook, journal: journal, via: os.Getenv(viaEnv), jobs: map[string]*job{},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: 5 * time.Second}, Timeout: tryTime},
	}
	w.goOn(old)
	routes := http.NewServeMux()
	routes.HandleFunc("POST /generate3d", w.take)
	routes.HandleFunc("DELETE /generate3d/{id}", w.cancel)
	routes.HandleFunc("GET /health", w.health)
	routes.HandleFunc("POST /clock", w.clock) // for the harness alone, as the next
	routes.HandleFunc("POST /mood", w.change)
	l, err := net.Listen("tcp", os.Getenv(addressEnv))
	if err != nil {
		return err
	}
	return (&http.Server{Handler: routes, ReadHeaderTimeout: 10 * time.Second}).Serve(l)
}

// goOn takes up what an earlier process had.
func (w *fakeWorker) goOn(old []entry) {
	for _, e := range old {
		switch j := w.jobs[e.TaskID]; {
		case e.Did == "took":
			w.jobs[e.TaskID] = &job{entry: e, sent: map[string]bool{}, live: true}
		case j == nil || j.Attempt != e.Attempt:
		case e.Did == "sent":
			j.sent[e.Step] = true
		case e.Did == "over":
			j.live = false
		}
	}
	for _, j := range w.jobs {
		if j.live {
			w.begin(j)
		}
	}
}

// now is what its clock says.
func (w *fakeWorker) now() time.Time {
	return time.Now().Add(time.Duration(w.ahead.Load()) * time.Second)
}

func (w *fakeWorker) clock(_ http.ResponseWriter, r *http.Request) {
	seconds, _ := strconv.ParseInt(r.URL.Query().Get("ahead"), 10, 64) // the harness writes numbers
	w.ahead.Store(seconds)
}

// busy is how many jobs it has.
func (w *fakeWorker) busy() (n int) {
	for _, j := range w.jobs {
		if j.live {
			n++
		}
	}
	return n
}

func (w *fakeWorker) health(rw http.ResponseWriter, _ *http.Request) {
	w.mu.Lock()
	n := w.busy()
	w.mu.Unlock()
	_, _ = fmt.Fprintf(rw, `{"status":"healthy","models_loaded":true,"queue":{"running":%d,"queued":%d,"limit":%d},"outbox":{"pending":0}}`,
		min(n, capacity-1), max(0, n-capacity+1), 1) // its reader may have left
}

// verify tells who sent a message, by the contract's section 6 and this worker's clock.
func (w *fakeWorker) verify(r *http.Request, kind string) (body []byte, taskID string, attempt int, err error) {
	body, err = io.ReadAll(r.Body)
	if err != nil {
		return nil, "", 0, err
	}
	if err := w.webhook.VerifyIgnoringTimestamp(body, r.Header); err != nil {
		return nil, "", 0, err
	}
	sent, err := strconv.ParseInt(r.Header.Get("Webhook-Timestamp"), 10, 64)
	if err != nil || w.now().Sub(time.Unix(sent, 0)).Abs() > 5*time.Minute {
		return nil, "", 0, errors.New("the timestamp is too far away")
	}
	parts := strings.Split(r.Header.Get("Webhook-Id"), ":")
	if len(parts) != 4 || parts[0] != kind {
		return nil, "", 0, fmt.Errorf("webhook-id %q", r.Header.Get("Webhook-Id"))
	}
	attempt, err = strconv.Atoi(parts[2])
	return body, parts[1], attempt, err
}

// take answers POST /generate3d.
func (w *fakeWorker) take(rw http.ResponseWriter, r *http.Request) {
	body, taskID, attempt, err := w.verify(r, "dispatch")
	if err != nil {
		http.Error(rw, err.Error(), http.StatusUnauthorized)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	//nolint:gosec // it was read whole, and its sender is known
	if err := r.ParseMultipartForm(8 << 20); err != nil || r.FormValue("task_id") != taskID || r.FormValue("attempt") != strconv.Itoa(attempt) {
		http.Error(rw, fmt.Sprint("the form is not what is signed: ", err), http.StatusBadRequest)
		return
	}
	file, header, err := r.FormFile("image")
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	picture, err := io.ReadAll(file)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	base := r.FormValue("callback_url")
	e := entry{
		Did: "took", TaskID: taskID, Attempt: attempt, Picture: header.Filename, Image: checksum(picture),
		Results: base + "/result/", Uploads: base + "/upload-url/", Status: base + "/status",
	}
	status := w.accept(e)
	if m := w.mood.Load(); m != nil && status == http.StatusAccepted && m.spoil(rw, r) {
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	switch status {
	case http.StatusServiceUnavailable:
		rw.Header().Set("Retry-After", "1")
	case http.StatusUnprocessableEntity:
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, `{"detail":"as planned"}`) // its reader may have left
		return
	}
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, `{"status":"accepted","heartbeat_seconds":1}`) // likewise
}

// accept tells the status that a hand-over is answered with.
func (w *fakeWorker) accept(e entry) int {
	plan, err := planOf(e.Picture)
	if err != nil {
		return http.StatusBadRequest
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.jobs[e.TaskID]
	switch {
	case before != nil && before.Attempt == e.Attempt:
		return http.StatusAccepted
	case before != nil && before.Attempt > e.Attempt:
		return http.StatusConflict
	case plan.Intent == Reject:
		return http.StatusUnprocessableEntity
	case w.busy() >= capacity:
		return http.StatusServiceUnavailable
	}
	if err := w.journal.write(e); err != nil {
		slog.Error("can't keep a task", "error", err)
		return http.StatusServiceUnavailable
	}
	if before != nil && before.live {
		before.live = false
		before.stop(errors.New("a later attempt came"))
	}
	j := &job{entry: e, sent: map[string]bool{}, live: true}
	w.jobs[e.TaskID] = j
	w.begin(j)
	return http.StatusAccepted
}

// cancel answers DELETE /generate3d/{id}.
func (w *fakeWorker) cancel(rw http.ResponseWriter, r *http.Request) {
	_, taskID, attempt, err := w.verify(r, "cancel")
	if err != nil || taskID != r.PathValue("id") {
		rw.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.mu.Lock()
	j := w.jobs[taskID]
	w.mu.Unlock()
	if j == nil || j.Attempt > attempt || !j.live {
		rw.WriteHeader(http.StatusNotFound)
		return
	}
	j.stop(errors.New("cancelled"))
	rw.WriteHeader(http.StatusAccepted)
}

// begin starts a job. The caller holds the lock, or is alone.
func (w *fakeWorker) begin(j *job) {
	plan, err := planOf(j.Picture)
	if err != nil {
		panic(err) // it was read before it was taken
	}
	j.plan = plan
	j.ctx, j.stop = context.WithCancelCause(context.Background())
	go func() {
		why := w.do(j)
		j.stop(nil)
		if err := w.journal.write(entry{Did: "over", TaskID: j.TaskID, Attempt: j.Attempt, Why: why}); err != nil {
			slog.Error("can't note the end of a job", "error", err)
		}
		w.mu.Lock()
		j.live = false
		w.mu.Unlock()
	}()
}

// do does all of a job and tells how it ended.
func (w *fakeWorker) do(j *job) string {
	var beating sync.WaitGroup
	defer beating.Wait()
	beat, rest := context.WithCancel(j.ctx)
	defer rest()
	beating.Go(func() { w.beat(beat, j) })

	work := j.plan.Work
	if j.plan.Intent == Stuck {
		work = time.Hour
	}
	select {
	case <-time.After(work):
	case <-j.ctx.Done():
		return fmt.Sprint(context.Cause(j.ctx))
	}
	for {
		for _, step := range j.steps() {
			if j.sent[step] {
				continue
			}
			if err := w.bring(j, step); err != nil {
				return err.Error()
			}
		}
		err := w.conclude(j)
		if !errors.Is(err, errMissing) {
			if err == nil {
				return "done"
			}
			return err.Error()
		}
		clear(j.sent) // the backend has not what it had acknowledged: that is found in the calls
	}
}

// steps are the results that it brings.
func (j *job) steps() []string {
	switch {
	case j.plan.Intent == Fail, j.plan.Intent == GiveBack && j.Attempt == 1:
		return required()[:1]
	case j.plan.Large:
		return append(required(), large)
	}
	return required()
}

// verdict is its final word.
func (j *job) verdict() map[string]any {
	m := map[string]any{"taskId": j.TaskID, "attempt": j.Attempt, "status": "completed"}
	switch {
	case j.plan.Intent == Fail:
		m["status"], m["error"] = "failed", map[string]string{"code": "planned", "message": "as planned"}
	case j.plan.Intent == GiveBack && j.Attempt == 1:
		m["status"] = "released"
	}
	return m
}

// beat sends words of progress until the job ends. They are not tried again; one that says that nobody wants the job ends it.
func (w *fakeWorker) beat(ctx context.Context, j *job) {
	began := time.Now()
	for n := 0; ; n++ {
		message, err := json.Marshal(map[string]any{
			"taskId": j.TaskID, "attempt": j.Attempt, "status": "processing", "stage": "mesh",
			"progress": min(99, int(100*time.Since(began)/(j.plan.Work+time.Second))),
		})
		if err != nil {
			panic(err) // texts and numbers always marshal
		}
		short, cancel := context.WithTimeout(ctx, 2*time.Second)
		a := w.try(short, j.message("status", j.Status, "beat"+strconv.Itoa(n), "application/json", message))
		cancel()
		if unwanted(a) {
			j.stop(errors.New(a.Code))
		}
		select {
		case <-time.After(heartbeat):
		case <-ctx.Done():
			return
		}
	}
}

// rested sleeps, and tells whether it could.
func rested(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
