package openapi

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// witness fails a test where what goes over the wire is not what the document says: each answer, and each request that was not
// refused. A test may send what is wrong, and then has to be told so by a documented problem.
type witness struct {
	testing.TB
	doc *Document
}

func newWitness(t testing.TB) witness {
	t.Helper()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	return witness{t, doc}
}

// document is read once a process, for some tests have thousands of clients.
var document = sync.OnceValues(func() (*Document, error) {
	file, err := above(filepath.Join("infra", "docs", "openapi.yaml"))
	if err != nil {
		return nil, err
	}
	return Load(file)
})

// above finds a file of the repository, which the working directory of a test is in.
func above(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		file := filepath.Join(dir, name)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("there is no %s above the working directory", name)
		}
		dir = filepath.Dir(dir)
	}
}

// concerns tells whether a path is the API's, or is where a worker is given tasks: the page, the bucket and what each process tells
// of itself are not.
func concerns(urlPath string) bool {
	for _, prefix := range []string{"/api/", "/picture/", "/generate3d"} {
		if strings.HasPrefix(urlPath, prefix) {
			return true
		}
	}
	return false
}

func (w witness) judge(r *http.Request, sent []byte, res *http.Response, body []byte) {
	w.Helper()
	if err := w.doc.CheckAnswer(r.Method, r.URL.EscapedPath(), res, body); err != nil {
		w.Errorf("%v\n%s", err, clip(body))
	}
	w.judgeRequest(r, sent, res.StatusCode)
}

func (w witness) judgeRequest(r *http.Request, sent []byte, status int) {
	w.Helper()
	if status >= http.StatusBadRequest || r.Method == http.MethodOptions {
		return
	}
	if err := w.doc.CheckRequest(r, sent); err != nil {
		w.Errorf("%v; it was answered with %d", err, status)
	}
}

func clip(b []byte) []byte { return b[:min(len(b), 600)] }

// Handler is h, whose answers are held to the document. Each is passed on when it is whole: a stream needs a Client.
func Handler(t testing.TB, h http.Handler) http.Handler {
	t.Helper()
	watch := newWitness(t)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := watch.receive(r)
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		body := answer.Body.Bytes()
		watch.judge(r, sent, answer.Result(), body)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		if _, err := w.Write(body); err != nil {
			watch.Logf("the caller left before its answer: %v", err)
		}
	})
}

// Receiver is h, to which nobody may send what the document has not: a worker that a test plays.
func Receiver(t testing.TB, h http.Handler) http.Handler {
	t.Helper()
	watch := newWitness(t)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := watch.doc.CheckRequest(r, watch.receive(r)); err != nil {
			watch.Error(err)
		}
		h.ServeHTTP(w, r)
	})
}

// receive reads a request's body and gives it to the request again.
func (w witness) receive(r *http.Request) []byte {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.Logf("%s %s: the request broke off: %v", r.Method, r.URL.Path, err)
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), broken{err}))
		return body
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

// broken is the end of a body that did not come whole.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// Client is an HTTP client, for whom all that it sends to the API and gets from there is held to the document.
func Client(t testing.TB) *http.Client {
	t.Helper()
	return &http.Client{Transport: Transport(t, http.DefaultTransport)}
}

// Transport is Client's, on top of another.
func Transport(t testing.TB, base http.RoundTripper) http.RoundTripper {
	t.Helper()
	return &transport{newWitness(t), base}
}

type transport struct {
	witness
	base http.RoundTripper
}

// CloseIdleConnections is what http.Client asks of a transport.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !concerns(r.URL.EscapedPath()) {
		return t.base.RoundTrip(r)
	}
	sent := &copied{}
	out := r.Clone(r.Context())
	if r.Body != nil && r.Body != http.NoBody {
		out.Body = sent.of(r.Body)
	}
	if r.GetBody != nil { // asked where a connection turns out to be dead
		out.GetBody = func() (io.ReadCloser, error) {
			body, err := r.GetBody()
			return sent.of(body), err
		}
	}
	res, err := t.base.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	res.Body = &audited{ReadCloser: res.Body, watch: t.witness, request: r, sent: sent, answer: res, events: events{doc: t.doc}}
	return res, nil
}

// copied is what has been sent of a body, while it is being sent.
type copied struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// of is body, copied from its beginning.
func (c *copied) of(body io.ReadCloser) io.ReadCloser {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf.Reset()
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(body, c), body}
}

func (c *copied) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.Write(p)
}

func (c *copied) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.buf.Bytes())
}

// audited is an answer's body, judged at its end: whole where it was read whole, else without the body.
type audited struct {
	io.ReadCloser
	watch   witness
	request *http.Request
	sent    *copied
	answer  *http.Response
	events  events
	read    bytes.Buffer
	once    sync.Once
}

func (a *audited) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if strings.HasPrefix(a.answer.Header.Get("Content-Type"), "text/event-stream") {
		if wrong := a.events.take(p[:n]); wrong != nil {
			a.watch.Error(wrong)
		}
	} else {
		a.read.Write(p[:n])
	}
	if err == io.EOF {
		a.once.Do(func() { a.watch.judge(a.request, a.sent.bytes(), a.answer, a.read.Bytes()) })
	}
	return n, err
}

// Close implements io.Closer.
func (a *audited) Close() error {
	a.once.Do(func() {
		if err := a.watch.doc.checkHead(a.request.Method, a.request.URL.EscapedPath(), a.answer); err != nil {
			a.watch.Error(err)
		}
		a.watch.judgeRequest(a.request, a.sent.bytes(), a.answer.StatusCode)
	})
	return a.ReadCloser.Close()
}
