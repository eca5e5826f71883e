package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/recon3d/recon3d/shared/callback"
)

// laborer is a worker that takes every task, and calls back as one that computes does, at once: two words of its progress, one
// before and one after its results, and that it has finished. Results come in the request.
type laborer struct {
	url             string
	results, status string // addresses of the functions for callbacks
	files           []ask  // what is handed in of every task, without its id
	signer          *callback.Signer
	client          *http.Client
	server          *http.Server
	busy            sync.WaitGroup

	mu   sync.Mutex
	ctx  context.Context //nolint:containedctx // of the present run: tasks come by a server that outlives it
	fail func(error)
}

// newLaborer starts one whose results are that file under their various names.
func newLaborer(signer *callback.Signer, file []byte) (*laborer, error) {
	w := &laborer{signer: signer, client: newClient()}
	for _, name := range requiredResults {
		body, contentType, err := form(map[string]string{"name": name, "attempt": "1", "sha256": checksum(file)}, name, file)
		if err != nil {
			return nil, err
		}
		w.files = append(w.files, ask{http.MethodPost, "/api/reconstruction/callback/result/", http.Header{"Content-Type": {contentType}}, body, http.StatusOK})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w.url = "http://" + l.Addr().String()
	w.server = &http.Server{Handler: http.HandlerFunc(w.take), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = w.server.Serve(l) }() // ends when it is closed
	return w, nil
}

func (w *laborer) close() { _ = w.server.Close() } // nothing is under way

// begin has what goes wrong from now on told to fail.
func (w *laborer) begin(ctx context.Context, fail func(error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ctx, w.fail = ctx, fail
}

// take answers POST /generate3d.
func (w *laborer) take(rw http.ResponseWriter, r *http.Request) {
	const idLength = 36
	body, err := io.ReadAll(r.Body)
	_, id, found := bytes.Cut(body, []byte("name=\"task_id\"\r\n\r\n"))
	if err != nil || r.URL.Path != "/generate3d" || !found || len(id) < idLength {
		http.Error(rw, "no hand-over", http.StatusInternalServerError)
		return
	}
	w.mu.Lock()
	ctx, fail := w.ctx, w.fail
	w.mu.Unlock()
	w.busy.Go(func() {
		if err := w.deliver(ctx, string(id[:idLength])); err != nil {
			fail(err)
		}
	})
	rw.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(rw, `{"status":"accepted","heartbeat_seconds":10}`) // its reader may have left
}

// deliver sends all callbacks of a task, one after the other.
func (w *laborer) deliver(ctx context.Context, taskID string) error {
	say := func(n, message string) error {
		a := post("/api/reconstruction/callback/status", fmt.Sprintf(message, taskID), http.StatusOK)
		return w.send(ctx, callback.ID{Kind: callback.Status, TaskID: taskID, Attempt: 1, N: n}, a, w.status)
	}
	err := say("1", `{"taskId":"%s","status":"processing","attempt":1,"progress":10,"stage":"views"}`)
	for i, a := range w.files {
		if err != nil {
			return err
		}
		a.path += taskID
		a.header = a.header.Clone()
		err = w.send(ctx, callback.ID{Kind: callback.Result, TaskID: taskID, Attempt: 1, N: requiredResults[i][:3]}, a, w.results)
	}
	if err == nil {
		err = say("2", `{"taskId":"%s","status":"processing","attempt":1,"progress":95,"stage":"export"}`)
	}
	if err == nil {
		err = say("3", `{"taskId":"%s","status":"completed","attempt":1}`)
	}
	return err
}

func (w *laborer) send(ctx context.Context, id callback.ID, a ask, function string) error {
	err := w.signer.Sign(a.header, id, a.body)
	if err == nil {
		_, err = a.send(ctx, w.client, function)
	}
	return err
}
