package cosstore

import (
	"bytes"
	"context"
	"errors"
	"hash/crc64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recon3d/recon3d/infra/local/cosd"
	"github.com/recon3d/recon3d/shared/fault"
)

// endpoint is a COS with a store on it. Before may answer a request in COS's place.
type endpoint struct {
	*Store
	url    string
	before atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
	asked  atomic.Int32
}

func (e *endpoint) instead(f func(http.ResponseWriter, *http.Request) bool) { e.before.Store(&f) }

func start(t *testing.T, token string, credentials Credentials, c Config) *endpoint {
	t.Helper()
	server, err := cosd.New(t.TempDir(), cosd.Options{SecretID: "id", SecretKey: "key", SessionToken: token, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint{}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.asked.Add(1)
		if f := e.before.Load(); f != nil && (*f)(w, r) {
			return
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	c.BucketURL, e.url = front.URL, front.URL
	if e.Store, err = New(c, credentials); err != nil {
		t.Fatal(err)
	}
	return e
}

func local(t *testing.T) *endpoint {
	return start(t, "", nil, Config{SecretID: "id", SecretKey: "key"})
}

func read(t *testing.T, s *Store, key string, o GetOptions) (string, Info) {
	t.Helper()
	body, info, err := s.Get(t.Context(), key, o)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(got), info
}

func put(t *testing.T, s *Store, key, body string) {
	t.Helper()
	if err := s.Put(t.Context(), key, []byte(body), PutOptions{ContentType: "text/plain"}); err != nil {
		t.Fatal(err)
	}
}

func TestPutGetHeadDelete(t *testing.T) {
	s := local(t).Store
	for key, body := range map[string]string{
		"pictures/a/b.jpg": "hello", "a": "x", "a/b": "y", "ä /+?&=%2F": "odd", "empty": "", "big": strings.Repeat("0123456789", 1<<19),
	} {
		put(t, s, key, body)
		got, info := read(t, s, key, GetOptions{})
		if got != body || info.Size != int64(len(body)) || info.ContentType != "text/plain" || info.ETag == "" {
			t.Errorf("%s: got %d bytes, %+v", key, len(got), info)
		}
		head, err := s.Head(t.Context(), key)
		if err != nil || head != info {
			t.Errorf("%s: head %+v, get %+v, %v", key, head, info, err)
		}
		first, info := read(t, s, key, GetOptions{First: 3})
		if first != body[:min(3, len(body))] || info.Size != int64(len(body)) {
			t.Errorf("%s: first three are %q, %+v", key, first, info)
		}
		if err := s.Delete(t.Context(), key); err != nil {
			t.Error(err)
		}
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("%s: delete what is not there: %v", key, err)
		}
		if _, err := s.Head(t.Context(), key); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: head: %v", key, err)
		}
		if _, _, err := s.Get(t.Context(), key, GetOptions{}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: get: %v", key, err)
		}
	}
}

// What is read is what is kept, or an error: whoever reads all that was announced is not told of the end of the body.
func TestOtherBytesAreNotTheObject(t *testing.T) {
	e := local(t)
	const kept = "what is kept in COS"
	put(t, e.Store, "a", kept)
	for name, c := range map[string]struct {
		came          string
		stated, fails bool
	}{
		"the same":    {kept, true, false},
		"other bytes": {"what is k3pt in COS", true, true},
		"none stated": {"what is k3pt in COS", false, false},
	} {
		e.instead(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet {
				return false
			}
			w.Header().Set("ETag", `"e"`)
			w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
			if c.stated {
				w.Header().Set("X-Cos-Hash-Crc64ecma", strconv.FormatUint(crc64.Checksum([]byte(kept), crc64.MakeTable(crc64.ECMA)), 10))
			}
			_, _ = io.WriteString(w, c.came)
			return true
		})
		body, info, err := e.Get(t.Context(), "a", GetOptions{})
		if err != nil {
			t.Fatal(name, err)
		}
		content := make([]byte, info.Size)
		if _, err = io.ReadFull(body, content); fault.Is(err, fault.Unavailable) != c.fails {
			t.Errorf("%s: read %q, %v", name, content, err)
		}
		_ = body.Close()
	}
}

func TestCopyTakesJustThatVersion(t *testing.T) {
	s := local(t).Store
	put(t, s, "src", "one")
	info, err := s.Head(t.Context(), "src")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Copy(t.Context(), "src", "dst", CopyOptions{IfMatch: info.ETag, ContentType: "image/png"}); err != nil {
		t.Fatal(err)
	}
	if got, info := read(t, s, "dst", GetOptions{IfMatch: info.ETag}); got != "one" || info.ContentType != "image/png" {
		t.Errorf("%q %+v", got, info)
	}
	if err := s.Copy(t.Context(), "src", "kept", CopyOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, info := read(t, s, "kept", GetOptions{}); info.ContentType != "text/plain" {
		t.Errorf("%+v", info)
	}
	put(t, s, "src", "two")
	if err := s.Copy(t.Context(), "src", "dst", CopyOptions{IfMatch: info.ETag}); !errors.Is(err, ErrChanged) {
		t.Errorf("changed: %v", err)
	}
	if _, _, err := s.Get(t.Context(), "src", GetOptions{IfMatch: info.ETag}); !errors.Is(err, ErrChanged) {
		t.Errorf("get of a changed one: %v", err)
	}
	if err := s.Copy(t.Context(), "absent", "dst", CopyOptions{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("absent: %v", err)
	}
	if got, _ := read(t, s, "dst", GetOptions{}); got != "one" {
		t.Errorf("failed copies changed dst to %q", got)
	}
}

func TestDeleteMany(t *testing.T) {
	e := local(t)
	put(t, e.Store, "a&<b", "x")
	put(t, e.Store, "c", "x")
	if err := e.DeleteMany(t.Context(), []string{"a&<b", "absent", "c"}); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a&<b", "c"} {
		if _, err := e.Head(t.Context(), key); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", key, err)
		}
	}
	if err := e.DeleteMany(t.Context(), nil); err != nil {
		t.Error(err)
	}
	before := e.asked.Load()
	if err := e.DeleteMany(t.Context(), strings.Split(strings.Repeat("k,", 2*batch)+"k", ",")); err != nil || e.asked.Load() != before+3 {
		t.Errorf("%d requests, %v", e.asked.Load()-before, err)
	}
	e.instead(func(w http.ResponseWriter, _ *http.Request) bool {
		_, err := io.WriteString(w, "<DeleteResult><Error><Key>k</Key><Code>NoSuchKey</Code></Error><Error><Key>l</Key><Code>AccessDenied</Code></Error></DeleteResult>")
		return err == nil
	})
	if err := e.DeleteMany(t.Context(), []string{"k", "l"}); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "delete l: AccessDenied") {
		t.Error(err)
	}
}

func TestPresignGet(t *testing.T) {
	s := local(t).Store
	put(t, s, "a/b c.png", "bytes")
	for _, o := range []GetOptions{{}, {Filename: `模型 "1".glb`, ContentType: "model/gltf-binary"}} {
		u, err := s.PresignGet(t.Context(), "a/b c.png", o)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get(u)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || string(body) != "bytes" {
			t.Errorf("%+v: %d %s %v", o, resp.StatusCode, body, err)
		}
		if got := resp.Header.Get("Content-Disposition"); got != disposition(o.Filename) {
			t.Errorf("disposition %q", got)
		}
		if got := resp.Header.Get("Content-Type"); o.ContentType != "" && got != o.ContentType {
			t.Errorf("type %q", got)
		}
		resp, err = http.Get(strings.Replace(u, "b%20c", "c", 1))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("for another object: %d", resp.StatusCode)
		}
	}
}

func TestPresignPutFixesTypeAndLength(t *testing.T) {
	s := local(t).Store
	u, headers, expires, err := s.PresignPut(t.Context(), "incoming/x", PutOptions{ContentType: "image/png", ContentLength: 5, Life: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(expires); left <= 58*time.Second || left > time.Minute {
		t.Errorf("expires in %s", left)
	}
	send := func(body, contentType string) int {
		t.Helper()
		r, err := http.NewRequest(http.MethodPut, u, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", contentType)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := send("1234", headers["Content-Type"]); got != http.StatusForbidden {
		t.Errorf("shorter: %d", got)
	}
	if got := send("123456", headers["Content-Type"]); got != http.StatusForbidden {
		t.Errorf("longer: %d", got)
	}
	if got := send("12345", "text/html"); got != http.StatusForbidden {
		t.Errorf("other type: %d", got)
	}
	if _, err := s.Head(t.Context(), "incoming/x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("refused puts left something: %v", err)
	}
	if got := send("12345", headers["Content-Type"]); got != http.StatusOK {
		t.Errorf("as signed: %d", got)
	}
}

func TestCredentialsComeWithTheContext(t *testing.T) {
	type with struct{}
	e := start(t, "token", func(ctx context.Context) (id, key, token string, ok bool) {
		ok = ctx.Value(with{}) != nil
		return "id", "key", "token", ok
	}, Config{})
	ctx := context.WithValue(t.Context(), with{}, true)
	if err := e.Put(ctx, "a", []byte("x"), PutOptions{}); err != nil {
		t.Fatal(err)
	}
	u, err := e.PresignGet(ctx, "a", GetOptions{Filename: "f"})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("presigned with a token: %s", resp.Status)
	}
	asked := e.asked.Load()
	if err := e.Put(t.Context(), "a", nil, PutOptions{}); !fault.Is(err, fault.Unavailable) || !errors.Is(err, errNoCredentials) {
		t.Errorf("without: %v", err)
	}
	if _, err := e.PresignGet(t.Context(), "a", GetOptions{}); !errors.Is(err, errNoCredentials) {
		t.Errorf("presign without: %v", err)
	}
	if e.asked.Load() != asked {
		t.Error("an unsigned request was sent")
	}
}

func TestRetries(t *testing.T) {
	e := local(t)
	var bad atomic.Int32
	e.instead(func(w http.ResponseWriter, r *http.Request) bool {
		switch bad.Add(-1) {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		case 0:
			panic(http.ErrAbortHandler) // the connection breaks
		}
		return false
	})
	body := bytes.Repeat([]byte("x"), 3<<20)
	for name, do := range map[string]func() error{
		"put":         func() error { return e.Put(t.Context(), "a", body, PutOptions{}) },
		"head":        func() error { _, err := e.Head(t.Context(), "b"); return err },
		"copy":        func() error { return e.Copy(t.Context(), "b", "c", CopyOptions{}) },
		"delete":      func() error { return e.Delete(t.Context(), "d") },
		"delete many": func() error { return e.DeleteMany(t.Context(), []string{"d"}) },
		"get": func() error {
			rc, _, err := e.Get(t.Context(), "b", GetOptions{})
			if err == nil {
				err = rc.Close()
			}
			return err
		},
	} {
		bad.Store(0)
		put(t, e.Store, "b", "x")
		bad.Store(2)
		if err := do(); err != nil || bad.Load() >= 0 {
			t.Errorf("%s: two failures: %v", name, err)
		}
	}
	if got, _ := read(t, e.Store, "a", GetOptions{}); got != string(body) {
		t.Error("a retried put stored something else")
	}
}

func TestFailuresAreUnavailable(t *testing.T) {
	e := local(t)
	put(t, e.Store, "a", strings.Repeat("x", 1<<20))
	e.instead(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && r.Header.Get("x-cos-copy-source") != "" {
			_, err := io.WriteString(w, "<Error><Code>InternalError</Code></Error>") // with status 200
			return err == nil
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	if err := e.Copy(t.Context(), "a", "b", CopyOptions{}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("copy: %v", err)
	}
	asked := e.asked.Load()
	if _, err := e.Head(t.Context(), "a"); !fault.Is(err, fault.Unavailable) || e.asked.Load() != asked+1 {
		t.Errorf("forbidden: %v", err)
	}

	e.instead(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(200)
		if _, err := io.WriteString(w, "part"); err != nil {
			t.Error(err)
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		panic(http.ErrAbortHandler)
	})
	body, _, err := e.Get(t.Context(), "a", GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(body); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a body that breaks off: %v", err)
	}
	body.Close()

	ctx, cancel := context.WithCancel(t.Context())
	e.instead(func(http.ResponseWriter, *http.Request) bool {
		cancel()
		return false
	})
	if _, err := e.Head(ctx, "a"); !errors.Is(err, context.Canceled) || fault.Is(err, fault.Unavailable) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestConfig(t *testing.T) {
	for want, c := range map[string]Config{
		"has more than":   {BucketURL: "https://b.cos.x.myqcloud.com/path"},
		"is not an http":  {BucketURL: "cos://b"},
		"both or neither": {BucketURL: "http://127.0.0.1:1", SecretID: "id"},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, c := range []Config{{BucketURL: "http://127.0.0.1:1/"}, {BucketURL: "https://b-1.cos.ap-x.myqcloud.com", SecretID: "id", SecretKey: "key"}} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// Whoever answers for the bucket can't have us ask, signed, or send what is stored, elsewhere.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		e := local(t)
		put(t, e.Store, "a", "text")
		e.instead(func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, other.URL+r.URL.Path, status)
			return true
		})
		_, _, got := e.Get(t.Context(), "a", GetOptions{})
		_, head := e.Head(t.Context(), "a")
		for what, err := range map[string]error{
			"get": got, "head": head, "put": e.Put(t.Context(), "b", []byte("text"), PutOptions{}),
			"copy": e.Copy(t.Context(), "a", "b", CopyOptions{}), "delete": e.Delete(t.Context(), "a"),
		} {
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("%d, %s: %v", status, what, err)
			}
		}
	}
	if n := elsewhere.Load(); n > 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}
