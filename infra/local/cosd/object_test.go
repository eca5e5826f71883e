package cosd_test

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/infra/local/cosd"
)

func TestObjectKeepsWhatItWasGiven(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	content := noise(1, 100_000)
	put, err := b.Object.Put(t.Context(), "dir/photo.png", bytes.NewReader(content), &cos.ObjectPutOptions{
		ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{
			ContentType: "image/png", CacheControl: "max-age=60", ContentDisposition: `attachment; filename="p.png"`,
			ContentEncoding: "identity", ContentLanguage: "zh", Expires: "Thu, 01 Dec 2033 16:00:00 GMT",
			XCosMetaXXX: &http.Header{"X-Cos-Meta-User": {"me & you"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	get, err := b.Object.Get(t.Context(), "dir/photo.png", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := body(t, get.Response); !bytes.Equal(got, content) {
		t.Error("other bytes than were put")
	}
	head, err := b.Object.Head(t.Context(), "dir/photo.png", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Content-Type": "image/png", "Cache-Control": "max-age=60", "Content-Disposition": `attachment; filename="p.png"`,
		"Content-Encoding": "identity", "Content-Language": "zh", "Expires": "Thu, 01 Dec 2033 16:00:00 GMT",
		"X-Cos-Meta-User": "me & you", "Content-Length": "100000", "Accept-Ranges": "bytes",
		"ETag": etag(content), "X-Cos-Hash-Crc64ecma": crc(content),
	}
	for _, res := range []*cos.Response{get, head} {
		for name, value := range want {
			if got := res.Header.Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", res.Request.Method, name, got, value)
			}
		}
		if _, err := http.ParseTime(res.Header.Get("Last-Modified")); err != nil {
			t.Errorf("Last-Modified: %v", err)
		}
	}
	for _, res := range []*cos.Response{put, get, head} {
		if res.Header.Get("x-cos-request-id") == "" {
			t.Errorf("%s: no x-cos-request-id", res.Request.Method)
		}
	}
	if put.Header.Get("ETag") != etag(content) || put.Header.Get("x-cos-hash-crc64ecma") != crc(content) {
		t.Errorf("put answered %v", put.Header)
	}
	b.put(t, "dir/photo.png", nil)
	if head, err = b.Object.Head(t.Context(), "dir/photo.png", nil); err != nil {
		t.Fatal(err)
	}
	if got := head.Header; got.Get("Content-Length") != "0" || got.Get("Content-Type") != "application/octet-stream" || got.Get("X-Cos-Meta-User") != "" {
		t.Errorf("an overwrite kept something: %v", got)
	}
}

func TestOddKeysAreObjectsOfTheirOwn(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	keys := []string{
		"a", "a/b", "a/b/", "a//b", "/a", "a/../b", "b", "a/./b", "../b", "a%2Fb", "a%252Fb", "a b", "a+b", "a?b=c&d", "a#b",
		"a;b", "a\\b", "ключ/图片 😀.png", "tab\there", `quote"'<>&`, "*!'()~-_.", strings.Repeat("k", 850), strings.Repeat("图", 283),
		"con", "A", "é", "e\u0301", " ", "~", "-", "a\x00b",
	}
	for i, key := range keys {
		b.put(t, key, fmt.Appendf(nil, "content %d", i))
	}
	// Keys that the SDK would clean away in its URL.
	for _, key := range []string{".", "..", "./a", "a/.."} {
		res := do(t, b.request(t, http.MethodPut, "/"+strings.ReplaceAll(key, ".", "%2E"), nil, fmt.Sprintf("content %d", len(keys))))
		wantStatus(t, res, http.StatusOK)
		keys = append(keys, key)
	}
	for round := range 2 {
		for i, key := range keys {
			escaped := strings.ReplaceAll(cos.EncodeURIComponent(key), ".", "%2E")
			res := do(t, b.request(t, http.MethodGet, "/"+escaped, nil, ""))
			if got, want := string(body(t, res)), fmt.Sprintf("content %d", i); got != want {
				t.Errorf("round %d, key %q: %q, want %q", round, key, got, want)
			}
		}
		b = openBucket(t, b.dir, cosd.Options{}) // once more as after a restart
	}
	list, _, err := b.Bucket.Get(t.Context(), &cos.BucketGetOptions{EncodingType: "url"})
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, object := range list.Contents {
		key, err := cos.DecodeURIComponent(object.Key)
		if err != nil {
			t.Fatal(err)
		}
		listed[key] = true
	}
	for _, key := range keys {
		if !listed[key] {
			t.Errorf("%q is not listed", key)
		}
		if res := do(t, b.request(t, http.MethodDelete, "/"+strings.ReplaceAll(cos.EncodeURIComponent(key), ".", "%2E"), nil, "")); res.StatusCode != http.StatusNoContent {
			t.Errorf("delete %q: %d", key, res.StatusCode)
		}
	}
	if left := b.files(t, "objects"); len(left) > 0 || len(listed) != len(keys) {
		t.Errorf("%d listed of %d, %d left after all were deleted", len(listed), len(keys), len(left))
	}
}

func TestPutIsRefused(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	b.put(t, "k", []byte("before"))
	sum := md5.Sum([]byte("content"))
	good := base64.StdEncoding.EncodeToString(sum[:])
	for _, tt := range []struct {
		name, target string
		header       http.Header
		status       int
		code         string
	}{
		{"digest of another body", "/k", http.Header{"Content-Md5": {base64.StdEncoding.EncodeToString(make([]byte, 16))}}, 400, "BadDigest"},
		{"digest that is none", "/k", http.Header{"Content-Md5": {"x" + good}}, 400, "InvalidDigest"},
		{"digest too short", "/k", http.Header{"Content-Md5": {"AAAA"}}, 400, "InvalidDigest"},
		{"SHA-1 of another body", "/k", http.Header{"X-Cos-Content-Sha1": {fmt.Sprintf("%x", sha1.Sum(nil))}}, 400, "InvalidSHA1Digest"},
		{"SHA-1 that is none", "/k", http.Header{"X-Cos-Content-Sha1": {"zz"}}, 400, "InvalidSHA1Digest"},
		{"key too long", "/" + strings.Repeat("k", 851), nil, 400, "KeyTooLong"},
		{"key not UTF-8", "/%ff%fe", nil, 400, "InvalidURI"},
		{"an ACL", "/k?acl", nil, 501, "NotImplemented"},
		{"an append", "/k?append&position=0", nil, 501, "NotImplemented"},
		{"public", "/k", http.Header{"X-Cos-Acl": {"public-read"}}, 501, "NotImplemented"},
		{"encrypted", "/k", http.Header{"X-Cos-Server-Side-Encryption-Customer-Key": {"k"}}, 501, "NotImplemented"},
		{"forbidden to overwrite", "/k", http.Header{"X-Cos-Forbid-Overwrite": {"true"}}, 409, "FileAlreadyExists"},
		{"the bucket", "/", nil, 405, "MethodNotAllowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantRefusal(t, do(t, b.request(t, http.MethodPut, tt.target, tt.header, "content")), tt.status, tt.code)
		})
	}
	if got := b.get(t, "k"); string(got) != "before" {
		t.Errorf("a refused put left %q", got)
	}
	if left := b.files(t, "temp"); len(left) > 0 {
		t.Errorf("refused puts left %v", left)
	}
	ok := http.Header{"Content-Md5": {good}, "X-Cos-Content-Sha1": {fmt.Sprintf("%x", sha1.Sum([]byte("content")))}, "X-Cos-Forbid-Overwrite": {"true"}}
	wantStatus(t, do(t, b.request(t, http.MethodPut, "/new", ok, "content")), http.StatusOK)
	res := do(t, b.request(t, http.MethodPatch, "/k", nil, ""))
	if wantRefusal(t, res, 405, "MethodNotAllowed"); res.Header.Get("Allow") != "DELETE, GET, HEAD, PUT" {
		t.Errorf("Allow: %q", res.Header.Get("Allow"))
	}
}

// A body that ends early, or never says how long it is, must leave nothing.
func TestPutOfCutBody(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	req := b.request(t, http.MethodPut, "/cut", nil, strings.Repeat("x", 1000))
	for name, head := range map[string]string{"IncompleteBody": "Content-Length: 1000\r\n", "MissingContentLength": ""} {
		conn, err := net.Dial("tcp", b.url.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "PUT /cut HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\n%s\r\nonly this", b.url.Host, req.Header.Get("Authorization"), head)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), req)
		if err != nil {
			t.Fatal(err)
		}
		status := map[string]int{"IncompleteBody": 400, "MissingContentLength": 411}[name]
		wantRefusal(t, res, status, name)
	}
	if left := append(b.files(t, "temp"), b.files(t, "objects")...); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	chunked := b.unsigned(t, http.MethodPut, "/chunked", nil, "")
	chunked.Body, chunked.ContentLength = io.NopCloser(strings.NewReader("of unknown length")), -1
	cos.AddAuthorizationHeader(secretID, secretKey, "", chunked, cos.NewAuthTime(time.Hour))
	wantStatus(t, do(t, chunked), http.StatusOK)
	if got := b.get(t, "chunked"); string(got) != "of unknown length" {
		t.Errorf("chunked: %q", got)
	}
}

func TestCopy(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	content := noise(2, 50_000)
	source := "from/ключ + %2F?.png"
	if _, err := b.Object.Put(t.Context(), source, bytes.NewReader(content), &cos.ObjectPutOptions{
		ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{ContentType: "image/png", XCosMetaXXX: &http.Header{"X-Cos-Meta-N": {"1"}}},
	}); err != nil {
		t.Fatal(err)
	}
	escaped := b.url.Host + "/" + cos.EncodeURIComponent(source)
	past, future := time.Now().Add(-time.Hour).Format(http.TimeFormat), time.Now().Add(time.Hour).Format(http.TimeFormat)
	for _, tt := range []struct {
		name   string
		header map[string]string
		status int
		code   string
	}{
		{"plain", nil, 200, ""},
		{"with metadata", map[string]string{"x-cos-metadata-directive": "Copy", "content-type": "text/plain"}, 200, ""},
		{"of this version", map[string]string{"x-cos-copy-source-If-Match": etag(content)}, 200, ""},
		{"of another version", map[string]string{"x-cos-copy-source-If-Match": `"0"`}, 412, "PreconditionFailed"},
		{"unless this version", map[string]string{"x-cos-copy-source-If-None-Match": etag(content)}, 412, "PreconditionFailed"},
		{"unless another version", map[string]string{"x-cos-copy-source-If-None-Match": `"0"`}, 200, ""},
		{"if newer than the future", map[string]string{"x-cos-copy-source-If-Modified-Since": future}, 412, "PreconditionFailed"},
		{"if newer than the past", map[string]string{"x-cos-copy-source-If-Modified-Since": past}, 200, ""},
		{"if older than the past", map[string]string{"x-cos-copy-source-If-Unmodified-Since": past}, 412, "PreconditionFailed"},
		{"of nothing", map[string]string{"x-cos-copy-source": b.url.Host + "/nothing"}, 404, "NoSuchKey"},
		{"of no source", map[string]string{"x-cos-copy-source": "host"}, 400, "InvalidCopySource"},
		{"of no key", map[string]string{"x-cos-copy-source": "host/"}, 400, "InvalidCopySource"},
		{"of a bad escape", map[string]string{"x-cos-copy-source": "host/%zz"}, 400, "InvalidCopySource"},
		{"of a version", map[string]string{"x-cos-copy-source": escaped + "?versionId=1"}, 501, "NotImplemented"},
		{"with a wrong directive", map[string]string{"x-cos-metadata-directive": "Perhaps"}, 400, "InvalidArgument"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{"X-Cos-Copy-Source": {escaped}}
			for name, value := range tt.header {
				header.Set(name, value)
			}
			target := "/to/" + cos.EncodeURIComponent(tt.name)
			res := do(t, b.request(t, http.MethodPut, target, header, ""))
			if tt.code != "" {
				wantRefusal(t, res, tt.status, tt.code)
				wantStatus(t, do(t, b.request(t, http.MethodHead, target, nil, "")), http.StatusNotFound)
				return
			}
			wantStatus(t, res, 200)
			got := do(t, b.request(t, http.MethodGet, target, nil, ""))
			if !bytes.Equal(body(t, got), content) || got.Header.Get("Content-Type") != "image/png" || got.Header.Get("X-Cos-Meta-N") != "1" {
				t.Errorf("copied to %v", got.Header)
			}
		})
	}

	b.put(t, "plain name", content)
	replaced, _, err := b.Object.Copy(t.Context(), "plain name", b.url.Host+"/plain name", &cos.ObjectCopyOptions{
		ObjectCopyHeaderOptions: &cos.ObjectCopyHeaderOptions{XCosMetadataDirective: "Replaced", ContentType: "text/x"},
	})
	if err != nil || replaced.ETag != etag(content) || replaced.CRC64 != crc(content) {
		t.Errorf("replace metadata in place: %+v, %v", replaced, err)
	}
	if res, err := b.Object.Head(t.Context(), "plain name", nil); err != nil || res.Header.Get("Content-Type") != "text/x" {
		t.Errorf("replaced metadata: %v, %v", res, err)
	}
	_, _, err = b.Object.Copy(t.Context(), "plain name", b.url.Host+"/plain name", nil)
	wantCode(t, err, 400, "InvalidRequest")
}

// Whoever reads, at any moment, gets bytes and ETag of one and the same put.
func TestReadersNeverSeeTornObjects(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	versions := map[string]bool{}
	var contents [][]byte
	for i := range 8 {
		contents = append(contents, noise(i, 10_000+i*30_000))
		versions[etag(contents[i])] = true
	}
	b.put(t, "hot", contents[0])
	stop := make(chan struct{})
	var writers, readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				res, err := b.Object.Get(t.Context(), "hot", nil)
				if cos.IsNotFoundError(err) { // deleted for a moment
					continue
				}
				if err != nil {
					t.Errorf("get: %v", err)
					return
				}
				content, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if tag := res.Header.Get("ETag"); err != nil || !versions[tag] || etag(content) != tag || crc(content) != res.Header.Get("x-cos-hash-crc64ecma") {
					t.Errorf("torn: %v, ETag %s of %d bytes", err, tag, len(content))
					return
				}
			}
		})
	}
	for w := range 2 {
		writers.Go(func() {
			for i := range 25 {
				if _, err := b.Object.Put(t.Context(), "hot", bytes.NewReader(contents[(w*3+i)%len(contents)]), nil); err != nil {
					t.Errorf("put: %v", err)
				}
			}
		})
	}
	writers.Go(func() {
		for i := range 25 {
			if _, _, err := b.Object.Copy(t.Context(), "copy", b.url.Host+"/hot", nil); err != nil && !cos.IsNotFoundError(err) {
				t.Errorf("copy: %v", err)
			}
			if i%5 == 0 {
				if _, err := b.Object.Delete(t.Context(), "hot"); err != nil {
					t.Errorf("delete: %v", err)
				}
			}
		}
	})
	writers.Wait()
	close(stop)
	readers.Wait()
	res, err := b.Object.Get(t.Context(), "copy", nil)
	if err != nil {
		t.Fatal(err)
	}
	if tag := res.Header.Get("ETag"); !versions[tag] || etag(body(t, res.Response)) != tag {
		t.Error("the copy is torn")
	}
}
