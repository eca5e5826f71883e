package e2e

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/contract/openapi"
)

// fleet is the workers of a system, played by the test. What they answer is decided by the picture that they are given.
type fleet struct {
	t       *testing.T
	secret  string // that dispatches have to be signed with
	workers []*httptest.Server

	mu     sync.Mutex
	jobs   map[string]*job // by the picture's checksum
	byTask map[string]*job
}

// job is what the workers have to do with one picture.
type job struct {
	dispatches chan dispatch
	stops      chan stop
	reply      func(d dispatch) reply
	seen       int             // dispatches so far
	stopHold   <-chan struct{} // where set, the answer to a stop waits for it
}

// dispatch is a hand-over as a worker got it.
type dispatch struct {
	n      int // how many there were for this picture, from 1
	worker int // which worker of the fleet
	id     string
	fields map[string]string // but for image
	image  []byte            // nil where it is sent by URL
	file   string            // the image part's file name
}

// stop is a DELETE as a worker got it.
type stop struct {
	worker         int
	taskID, hookID string
}

// reply is what a worker answers. The zero value cuts the connection.
type reply struct {
	status int
	body   string
	header http.Header
	hold   <-chan struct{} // where set, the answer waits for it
}

func taken(d dispatch) reply {
	return reply{status: http.StatusAccepted, body: fmt.Sprintf(`{"status":"accepted","task_id":%q}`, d.fields["task_id"])}
}

// takenWithHeartbeats accepts and promises heartbeats.
func takenWithHeartbeats(d dispatch) reply {
	return reply{status: http.StatusAccepted, body: fmt.Sprintf(`{"status":"accepted","task_id":%q,"heartbeat_seconds":1}`, d.fields["task_id"])}
}

func says(status int, body string, header ...string) reply {
	r := reply{status: status, body: body, header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		r.header.Set(header[i], header[i+1])
	}
	return r
}

var busy = says(http.StatusServiceUnavailable, `{"detail":"busy"}`, "Retry-After", "1")

// always makes a job's replies of one.
func always(r reply) func(dispatch) reply { return func(dispatch) reply { return r } }

// inTurn replies the nth time with the nth, and then with the last.
func inTurn(replies ...func(dispatch) reply) func(dispatch) reply {
	return func(d dispatch) reply { return replies[min(d.n, len(replies))-1](d) }
}

// newFleet starts n workers. They end with the test.
func newFleet(t *testing.T, n int, secret string) *fleet {
	t.Helper()
	f := &fleet{t: t, secret: secret, jobs: map[string]*job{}, byTask: map[string]*job{}}
	for i := range n {
		s := httptest.NewUnstartedServer(f.handler(i))
		s.Start()
		t.Cleanup(s.Close)
		f.workers = append(f.workers, s)
	}
	return f
}

// rise starts another worker of the fleet, at that address.
func (f *fleet) rise(address string) {
	f.t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		f.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(f.handler(len(f.workers)))
	_ = s.Listener.Close() // the one it chose itself
	s.Listener = l
	s.Start()
	f.t.Cleanup(s.Close)
	f.workers = append(f.workers, s)
}

// urls is WORKER_URLS.
func (f *fleet) urls() string {
	var all []string
	for _, w := range f.workers {
		all = append(all, w.URL)
	}
	return strings.Join(all, ",")
}

// expect says what the workers answer when they are given that picture.
func (f *fleet) expect(pic []byte, reply func(dispatch) reply) *job {
	j := &job{dispatches: make(chan dispatch, 256), stops: make(chan stop, 16), reply: reply}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.jobs[sha(pic)] = j
	return j
}

// seen are the tasks that were handed over so far.
func (f *fleet) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Keys(f.byTask))
}

func (f *fleet) handler(worker int) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"healthy","models_loaded":true}`) // the backend may hang up
	})
	mux.HandleFunc("POST /generate3d", func(w http.ResponseWriter, r *http.Request) {
		d, j, err := f.receive(r)
		if err != nil {
			f.t.Errorf("dispatch: %v", err)
			http.Error(w, err.Error(), http.StatusTeapot)
			return
		}
		d.worker = worker
		rep := j.reply(d)
		j.dispatches <- d
		if rep.hold != nil {
			select {
			case <-rep.hold:
			case <-r.Context().Done():
				return
			}
		}
		if rep.status == 0 {
			cut(w)
			return
		}
		for name, values := range rep.header {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(rep.status)
		_, _ = io.WriteString(w, rep.body) // the backend may hang up
	})
	mux.HandleFunc("DELETE /generate3d/{task}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = verify(f.t, r.Header, f.secret, body)
		}
		if err != nil {
			f.t.Errorf("stop: %v", err)
		}
		f.mu.Lock()
		j := f.byTask[r.PathValue("task")]
		f.mu.Unlock()
		if j == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		j.stops <- stop{worker, r.PathValue("task"), r.Header.Get("webhook-id")}
		if j.stopHold != nil {
			select {
			case <-j.stopHold:
			case <-r.Context().Done():
			}
		}
		w.WriteHeader(http.StatusAccepted)
	})
	return openapi.Receiver(f.t, mux)
}

var dispatchID = regexp.MustCompile(`^dispatch:([0-9a-f-]{36}):([1-9][0-9]*):[A-Za-z0-9_-]{1,64}$`)

// receive reads a dispatch, and refuses what is not as the contract says.
func (f *fleet) receive(r *http.Request) (dispatch, *job, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return dispatch{}, nil, err
	}
	if err := verify(f.t, r.Header, f.secret, body); err != nil {
		return dispatch{}, nil, err
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	if err := r.ParseMultipartForm(64 << 20); err != nil {
		return dispatch{}, nil, err
	}
	d := dispatch{id: r.Header.Get("webhook-id"), fields: map[string]string{}}
	for name, values := range r.MultipartForm.Value {
		if len(values) != 1 {
			return dispatch{}, nil, fmt.Errorf("%d fields %s", len(values), name)
		}
		d.fields[name] = values[0]
	}
	sum := d.fields["image_sha256"]
	for name, files := range r.MultipartForm.File {
		if name != "image" || len(files) != 1 {
			return dispatch{}, nil, fmt.Errorf("%d files %s", len(files), name)
		}
		file, err := files[0].Open()
		if err != nil {
			return dispatch{}, nil, err
		}
		if d.image, err = io.ReadAll(file); err != nil {
			return dispatch{}, nil, err
		}
		d.file, sum = files[0].Filename, sha(d.image)
	}
	known := []string{"task_id", "callback_url", "attempt", "result_url", "status_url", "upload_url", "image_url", "image_sha256"}
	for name := range d.fields {
		if !slices.Contains(known, name) {
			return dispatch{}, nil, fmt.Errorf("unknown field %s", name)
		}
	}
	if m := dispatchID.FindStringSubmatch(d.id); m == nil || m[1] != d.fields["task_id"] || m[2] != d.fields["attempt"] {
		return dispatch{}, nil, fmt.Errorf("webhook-id %q for task %s, attempt %s", d.id, d.fields["task_id"], d.fields["attempt"])
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	j := f.jobs[sum]
	if j == nil {
		return dispatch{}, nil, fmt.Errorf("a picture that nobody sent: %s", sum)
	}
	f.byTask[d.fields["task_id"]] = j
	j.seen++
	d.n = j.seen
	return d, j, nil
}

// cut ends the connection without an answer.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err) // every connection of a test server can be taken over
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// next is the next hand-over of the job.
func (j *job) next(t *testing.T) dispatch {
	t.Helper()
	select {
	case d := <-j.dispatches:
		return d
	case <-time.After(patience):
		t.Fatal("no dispatch")
	}
	return dispatch{}
}

// fetch reads what a presigned URL leads to.
func fetch(t *testing.T, url string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := send(http.DefaultClient, r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
