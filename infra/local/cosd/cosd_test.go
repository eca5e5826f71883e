package cosd_test

import (
	"bytes"
	"crypto/md5"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/infra/local/cosd"
)

const (
	secretID  = "AKIDlocal"
	secretKey = "known-to-tests-only"
)

// bucket is a running endpoint and the vendor's SDK as its client.
type bucket struct {
	*cos.Client
	dir string
	url *url.URL
}

func newBucket(t *testing.T, opts cosd.Options) *bucket {
	t.Helper()
	return openBucket(t, t.TempDir(), opts)
}

func openBucket(t *testing.T, dir string, opts cosd.Options) *bucket {
	t.Helper()
	opts.SecretID, opts.SecretKey = secretID, secretKey
	opts.Logger = slog.New(slog.DiscardHandler)
	handler, err := cosd.New(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &bucket{client(at, secretID, secretKey, opts.SessionToken), dir, at}
}

func client(at *url.URL, id, key, token string) *cos.Client {
	c := cos.NewClient(&cos.BaseURL{BucketURL: at}, &http.Client{
		Transport: &cos.AuthorizationTransport{SecretID: id, SecretKey: key, SessionToken: token},
	})
	c.Conf.RetryOpt.Count = 1
	return c
}

func (b *bucket) put(t *testing.T, key string, content []byte) {
	t.Helper()
	if _, err := b.Object.Put(t.Context(), key, bytes.NewReader(content), nil); err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

func (b *bucket) get(t *testing.T, key string) []byte {
	t.Helper()
	res, err := b.Object.Get(t.Context(), key, nil)
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	return body(t, res.Response)
}

// files are what the store holds in one of its folders.
func (b *bucket) files(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(b.dir, folder))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// request is one that is signed by the SDK's own signer, for what the SDK has no method for. Its URL is as given.
func (b *bucket) request(t *testing.T, method, target string, header http.Header, content string) *http.Request {
	t.Helper()
	req := b.unsigned(t, method, target, header, content)
	cos.AddAuthorizationHeader(secretID, secretKey, "", req, cos.NewAuthTime(time.Hour))
	return req
}

func (b *bucket) unsigned(t *testing.T, method, target string, header http.Header, content string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.url.String()+target, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	return req
}

func do(t *testing.T, req *http.Request) *http.Response {
	t.Helper()
	plain := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := plain.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func body(t *testing.T, res *http.Response) []byte {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantStatus checks an answer that is no error.
func wantStatus(t *testing.T, res *http.Response, status int) {
	t.Helper()
	if res.StatusCode != status {
		t.Errorf("status %d, want %d: %s", res.StatusCode, status, body(t, res))
	}
}

// wantRefusal checks a status and the code in the XML of the body, with all that an error must carry.
func wantRefusal(t *testing.T, res *http.Response, status int, code string) {
	t.Helper()
	content := body(t, res)
	var e struct {
		XMLName                  xml.Name `xml:"Error"`
		Code, Message, RequestId string
		Resource                 *string
	}
	if err := xml.Unmarshal(content, &e); err != nil {
		t.Fatalf("status %d, body is no error XML: %v: %q", res.StatusCode, err, content)
	}
	if res.StatusCode != status || e.Code != code {
		t.Errorf("got %d %s, want %d %s (%s)", res.StatusCode, e.Code, status, code, e.Message)
	}
	if e.Message == "" || e.Resource == nil || e.RequestId == "" || e.RequestId != res.Header.Get("x-cos-request-id") {
		t.Errorf("error is incomplete: %s", content)
	}
}

// wantCode checks what the SDK makes of a refusal.
func wantCode(t *testing.T, err error, status int, code string) {
	t.Helper()
	var e *cos.ErrorResponse
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %d %s", err, status, code)
	}
	if e.Response.StatusCode != status || e.Code != code {
		t.Errorf("got %d %s, want %d %s", e.Response.StatusCode, e.Code, status, code)
	}
}

func etag(content []byte) string { return fmt.Sprintf(`"%x"`, md5.Sum(content)) }

func crc(content []byte) string {
	return fmt.Sprint(crc64.Checksum(content, crc64.MakeTable(crc64.ECMA)))
}

// noise is n bytes that are the same for the same seed.
func noise(seed, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}).Read(b)
	return b
}
