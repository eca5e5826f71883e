package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/recon3d/recon3d/infra/local/manifest"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
)

// front starts a gateway whose only function, under /f/*, is u.
func front(t *testing.T, u Upstream) string {
	t.Helper()
	if u.Wait == nil {
		u.Wait = func(context.Context) error { return nil }
	}
	if u.Timeout == 0 {
		u.Timeout = time.Minute
	}
	g, err := New(manifest.Routes{{Path: "/f/*", Function: "f"}}, map[string]Upstream{"f": u}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(g)
	t.Cleanup(s.Close)
	return s.URL
}

// function starts a web function.
func function(t *testing.T, h http.HandlerFunc) Upstream {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return Upstream{Address: s.Listener.Addr().String()}
}

func send(t *testing.T, method, url string, body io.Reader, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func wantProblem(t *testing.T, res *http.Response, status int, code fault.Code) httpjson.Problem {
	t.Helper()
	var p httpjson.Problem
	if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != status || p.Status != status || p.Code != code || p.Title == "" || p.Detail == "" || p.RequestID == "" ||
		res.Header.Get("Content-Type") != "application/problem+json" || res.Header.Get("X-Request-Id") != p.RequestID {
		t.Errorf("got %d %v %+v, want %d %s", res.StatusCode, res.Header, p, status, code)
	}
	return p
}

// chunked hides the length of a body.
type chunked struct{ io.Reader }

func echoLength(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	fmt.Fprint(w, n, r.ContentLength, err)
}

func TestRequestBodies(t *testing.T) {
	url := front(t, function(t, echoLength)) + "/f/x"
	whole := bytes.Repeat([]byte("x"), MaxBody)
	for name, body := range map[string]func() io.Reader{
		"stated":  func() io.Reader { return bytes.NewReader(whole) },
		"chunked": func() io.Reader { return chunked{bytes.NewReader(whole)} },
	} {
		t.Run(name, func(t *testing.T) {
			got, err := io.ReadAll(send(t, "POST", url, body()).Body)
			if want := fmt.Sprint(MaxBody, MaxBody, nil); string(got) != want || err != nil {
				t.Errorf("the function read %s (%v), want %s", got, err, want)
			}
			p := wantProblem(t, send(t, "POST", url, io.MultiReader(body(), strings.NewReader("y"))), http.StatusRequestEntityTooLarge, fault.PayloadTooLarge)
			if !strings.Contains(p.Detail, "6291456") || !strings.Contains(p.Detail, "POST /picture/upload-url") {
				t.Errorf("detail: %s", p.Detail)
			}
		})
	}
	over := bytes.NewReader(append(whole, 'y'))
	wantProblem(t, send(t, "POST", url, over), http.StatusRequestEntityTooLarge, fault.PayloadTooLarge)
	wantProblem(t, send(t, "POST", url, bytes.NewReader(append(whole, 'y')), "Expect", "100-continue"), http.StatusRequestEntityTooLarge, fault.PayloadTooLarge)
}

// A function never sees half a body.
func TestABodyThatBreaksOffReachesNoFunction(t *testing.T) {
	url := front(t, function(t, func(http.ResponseWriter, *http.Request) { t.Error("the function was called") }))
	for name, c := range map[string]struct{ request, answer string }{
		"length":  {"Content-Length: 9\r\n\r\nabc", ""},
		"chunked": {"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", ""},
		"garbage": {"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 400 Bad Request"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST /f/x HTTP/1.1\r\nHost: x\r\n%s", c.request)
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(conn)
			if first, _, _ := strings.Cut(string(answer), "\r\n"); first != c.answer || err != nil {
				t.Errorf("got %q, %v", first, err)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	const big = MaxBody + 1
	url := front(t, function(t, func(w http.ResponseWriter, r *http.Request) {
		switch strings.TrimPrefix(r.URL.Path, "/f/") {
		case "whole":
			_, _ = w.Write(make([]byte, MaxBody))
		case "stated":
			w.Header().Set("Content-Length", fmt.Sprint(big))
			_, _ = w.Write(make([]byte, big))
		case "chunked":
			_, _ = w.Write(make([]byte, big))
		case "header":
			w.Header().Set("X-Large", strings.Repeat("x", maxHeader))
		case "head":
			w.Header().Set("Content-Length", fmt.Sprint(big))
		case "nothing":
			w.WriteHeader(http.StatusNoContent)
		case "broken":
			w.Header().Set("Content-Length", "9")
			_, _ = w.Write([]byte("abc"))
			panic(http.ErrAbortHandler)
		case "dead":
			panic(http.ErrAbortHandler)
		}
	})) + "/f/"
	body, err := io.ReadAll(send(t, "GET", url+"whole", nil).Body)
	if len(body) != MaxBody || err != nil {
		t.Errorf("whole: %d bytes, %v", len(body), err)
	}
	for _, path := range []string{"stated", "chunked", "header"} {
		wantProblem(t, send(t, "GET", url+path, nil), http.StatusBadGateway, fault.Internal)
	}
	for _, path := range []string{"broken", "dead"} {
		res := send(t, "POST", url+path, strings.NewReader("x"))
		wantProblem(t, res, http.StatusServiceUnavailable, fault.Unavailable)
		if res.Header.Get("Retry-After") != "1" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	if res := send(t, "HEAD", url+"head", nil); res.StatusCode != http.StatusOK || res.ContentLength != big {
		t.Errorf("head: %d, length %d", res.StatusCode, res.ContentLength)
	}
	if res := send(t, "GET", url+"nothing", nil); res.StatusCode != http.StatusNoContent {
		t.Errorf("nothing: %d", res.StatusCode)
	}
	wantProblem(t, send(t, "GET", strings.TrimSuffix(url, "f/")+"nowhere", nil), http.StatusNotFound, fault.NotFound)
}

func TestHeaders(t *testing.T) {
	got := make(chan *http.Request, 1)
	u := function(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", r.Header.Get("X-Request-Id"))
		got <- r
	})
	u.Header = http.Header{"X-Scf-Secret-Key": {"of the role"}}
	url := front(t, u)
	res := send(t, "GET", url+"/f/a%2Fb?q=1;2", nil, "X-Scf-Secret-Id", "forged", "X-Scf-Secret-Key", "forged", "X-Forwarded-For", "1.2.3.4", "X-Request-Id", "abc-1", "Accept-Encoding", "identity")
	r := <-got
	if r.Header.Get("X-Scf-Secret-Id") != "" || r.Header.Get("X-Scf-Secret-Key") != "of the role" || r.Header.Get("X-Forwarded-For") != "127.0.0.1" || r.Header.Get("X-Request-Id") != "abc-1" ||
		r.Header.Get("Accept-Encoding") != "identity" || r.RequestURI != "/f/a%2Fb?q=1;2" || "http://"+r.Host != url {
		t.Errorf("the function got %s %s %v", r.Host, r.RequestURI, r.Header)
	}
	if ids := res.Header.Values("X-Request-Id"); len(ids) != 1 || ids[0] != "abc-1" {
		t.Errorf("X-Request-Id: %v", ids)
	}
	for _, bad := range []string{"a b", strings.Repeat("x", 65), "a\"b"} {
		res := send(t, "GET", url+"/f/", nil, "X-Request-Id", bad)
		if id := (<-got).Header.Get("X-Request-Id"); id == bad || !saneID.MatchString(id) || res.Header.Get("X-Request-Id") != id {
			t.Errorf("%q became %q", bad, id)
		}
	}
}

func TestStreamsPassAtOnce(t *testing.T) {
	more, left := make(chan struct{}), make(chan struct{})
	url := front(t, function(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-more
		fmt.Fprint(w, "id: 1\n\n")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
		close(left)
	}))
	res := send(t, "GET", url+"/f/events", nil) // returns at the header, before there is any event
	close(more)
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	if line != "id: 1\n" || err != nil {
		t.Errorf("got %q, %v", line, err)
	}
	if !res.Close {
		t.Error("the connection of a stream is kept")
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	<-left // the function learns that its client has gone
}

func TestTimeLimit(t *testing.T) {
	u := function(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // net/http notices that the caller left only after the body
		if strings.HasSuffix(r.URL.Path, "stream") {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "id: 1\n\n")
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		}
		<-r.Context().Done()
	})
	u.Timeout = 100 * time.Millisecond
	url := front(t, u)
	wantProblem(t, send(t, "POST", url+"/f/silent", strings.NewReader("x")), http.StatusGatewayTimeout, fault.Unavailable)
	got, err := io.ReadAll(send(t, "GET", url+"/f/stream", nil).Body)
	if string(got) != "id: 1\n\n" || err == nil {
		t.Errorf("got %q, %v: want the event and a cut connection", got, err)
	}
}

func TestWaitsForARestart(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(echoLength), ReadHeaderTimeout: time.Minute}
	t.Cleanup(func() { s.Close() })
	url := front(t, Upstream{Address: address, Wait: func(context.Context) error { // the restart happens while the request waits
		l, err := net.Listen("tcp", address)
		if err == nil {
			go func() { _ = s.Serve(l) }() // until it is closed
		}
		return err
	}})
	got, err := io.ReadAll(send(t, "POST", url+"/f/x", strings.NewReader("abc")).Body)
	if want := fmt.Sprint(3, 3, nil); string(got) != want || err != nil {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestAFunctionThatStaysDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	url := front(t, Upstream{Address: l.Addr().String(), Wait: func(context.Context) error { return fmt.Errorf("it does not come up") }})
	res := send(t, "GET", url+"/f/x", nil)
	wantProblem(t, res, http.StatusServiceUnavailable, fault.Unavailable)
	if res.Header.Get("Retry-After") != "1" {
		t.Error("no Retry-After")
	}
}

func TestRoutesNeedTheirFunction(t *testing.T) {
	_, err := New(manifest.Routes{{Path: "/f/*", Function: "f"}}, nil, slog.New(slog.DiscardHandler))
	if err == nil || err.Error() != "/f/* leads to f, which does not run" {
		t.Errorf("got %v", err)
	}
}
