package cosd_test

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/infra/local/cosd"
)

const mib = 1 << 20

// multipartETag is the MD5 of the parts' MD5s, and their number.
func multipartETag(parts ...[]byte) string {
	all := md5.New()
	for _, part := range parts {
		sum := md5.Sum(part)
		all.Write(sum[:])
	}
	return fmt.Sprintf(`"%x-%d"`, all.Sum(nil), len(parts))
}

func (b *bucket) initiate(t *testing.T, key string) string {
	t.Helper()
	res, _, err := b.Object.InitiateMultipartUpload(t.Context(), key, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res.UploadID
}

func (b *bucket) part(t *testing.T, key, id string, number int, content []byte) cos.Object {
	t.Helper()
	res, err := b.Object.UploadPart(t.Context(), key, id, number, bytes.NewReader(content), nil)
	if err != nil {
		t.Fatal(err)
	}
	return cos.Object{PartNumber: number, ETag: res.Header.Get("ETag")}
}

// The SDK's own Upload splits a file, sends the parts in threads, and checks their CRCs and that of the whole.
func TestUploadAndDownloadOf20MB(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	content := noise(3, 20*mib+12345)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	res, _, err := b.Object.Upload(t.Context(), "big/файл.zip", file, &cos.MultiUploadOptions{
		PartSize: 1, ThreadPoolSize: 4,
		OptIni: &cos.InitiateMultipartUploadOptions{ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{ContentType: "application/zip"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var parts [][]byte
	for rest := content; len(rest) > 0; rest = rest[min(mib, len(rest)):] {
		parts = append(parts, rest[:min(mib, len(rest))])
	}
	if res.ETag != multipartETag(parts...) || res.Key != "big/файл.zip" || res.Bucket == "" || !strings.HasPrefix(res.Location, b.url.String()) {
		t.Errorf("%+v", res)
	}
	back := filepath.Join(t.TempDir(), "back")
	if _, err := b.Object.Download(t.Context(), "big/файл.zip", back, &cos.MultiDownloadOptions{PartSize: 3, ThreadPoolSize: 4}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, content) {
		t.Errorf("other bytes came back: %v", err)
	}
	head, err := b.Object.Head(t.Context(), "big/файл.zip", nil)
	if err != nil || head.Header.Get("ETag") != res.ETag || head.Header.Get("x-cos-hash-crc64ecma") != crc(content) || head.Header.Get("Content-Type") != "application/zip" {
		t.Errorf("%v, %v", head, err)
	}
	if left := append(b.files(t, "uploads"), b.files(t, "temp")...); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestMultipartByHand(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	first, second, last := noise(1, mib), noise(2, mib), []byte("end")
	b.put(t, "source", append([]byte("skip"), second...))
	id := b.initiate(t, "k")
	p7 := b.part(t, "k", id, 7, last)
	b.part(t, "k", id, 1, []byte("replaced by what follows"))
	p1 := b.part(t, "k", id, 1, first)
	copied, _, err := b.Object.CopyPart(t.Context(), "k", id, 3, b.url.Host+"/source", &cos.ObjectCopyPartOptions{
		XCosCopySourceRange: fmt.Sprintf("bytes=4-%d", mib+3), XCosCopySourceIfMatch: etag(append([]byte("skip"), second...)),
	})
	if err != nil || copied.ETag != etag(second) || copied.LastModified == "" {
		t.Fatalf("copy part: %+v, %v", copied, err)
	}

	b = openBucket(t, b.dir, cosd.Options{}) // an upload outlives a restart
	var listed []string
	for marker := ""; ; {
		res, _, err := b.Object.ListParts(t.Context(), "k", id, &cos.ObjectListPartsOptions{MaxParts: "2", PartNumberMarker: marker})
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range res.Parts {
			listed = append(listed, fmt.Sprint(part.PartNumber, part.ETag, part.Size))
		}
		if !res.IsTruncated {
			break
		}
		marker = res.NextPartNumberMarker
	}
	want := []string{fmt.Sprint(1, etag(first), mib), fmt.Sprint(3, etag(second), mib), fmt.Sprint(7, etag(last), 3)}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Error(diff)
	}
	if _, err := b.Object.Get(t.Context(), "k", nil); !cos.IsNotFoundError(err) {
		t.Errorf("an unfinished upload is visible: %v", err)
	}
	done, _, err := b.Object.CompleteMultipartUpload(t.Context(), "k", id, &cos.CompleteMultipartUploadOptions{
		Parts: []cos.Object{p1, {PartNumber: 3, ETag: copied.ETag}, p7},
	})
	if err != nil || done.ETag != multipartETag(first, second, last) {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := b.get(t, "k"); !bytes.Equal(got, append(append(append([]byte{}, first...), second...), last...)) {
		t.Error("parts are not joined in order")
	}
	_, _, err = b.Object.CompleteMultipartUpload(t.Context(), "k", id, &cos.CompleteMultipartUploadOptions{Parts: []cos.Object{p1}})
	wantCode(t, err, 404, "NoSuchUpload")
	copyOf, _, err := b.Object.Copy(t.Context(), "copy", b.url.Host+"/k", nil)
	if err != nil || copyOf.ETag != etag(b.get(t, "k")) {
		t.Errorf("copy of a multipart object: %+v, %v", copyOf, err)
	}
}

func TestMultipartIsRefused(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	id := b.initiate(t, "k")
	small, big := b.part(t, "k", id, 1, []byte("small")), b.part(t, "k", id, 2, noise(1, mib))
	for _, tt := range []struct {
		name   string
		parts  []cos.Object
		status int
		code   string
	}{
		{"none", nil, 400, "MalformedXML"},
		{"order", []cos.Object{big, small}, 400, "InvalidPartOrder"},
		{"twice", []cos.Object{big, big}, 400, "InvalidPartOrder"},
		{"absent", []cos.Object{big, {PartNumber: 3, ETag: big.ETag}}, 400, "InvalidPart"},
		{"other ETag", []cos.Object{{PartNumber: 2, ETag: small.ETag}}, 400, "InvalidPart"},
		{"too small", []cos.Object{small, big}, 400, "EntityTooSmall"},
	} {
		_, _, err := b.Object.CompleteMultipartUpload(t.Context(), "k", id, &cos.CompleteMultipartUploadOptions{Parts: tt.parts})
		t.Run(tt.name, func(t *testing.T) { wantCode(t, err, tt.status, tt.code) })
	}
	absent := strings.Repeat("0", 32)
	for _, tt := range []struct {
		name, method, target string
		header               http.Header
		status               int
		code                 string
	}{
		{"part 0", http.MethodPut, "/k?partNumber=0&uploadId=" + id, nil, 400, "InvalidArgument"},
		{"part 10001", http.MethodPut, "/k?partNumber=10001&uploadId=" + id, nil, 400, "InvalidArgument"},
		{"no part number", http.MethodPut, "/k?uploadId=" + id, nil, 400, "InvalidArgument"},
		{"another key", http.MethodPut, "/other?partNumber=1&uploadId=" + id, nil, 404, "NoSuchUpload"},
		{"no such upload", http.MethodPut, "/k?partNumber=1&uploadId=" + absent, nil, 404, "NoSuchUpload"},
		{"id that is a path", http.MethodPut, "/k?partNumber=1&uploadId=..%2Fobjects", nil, 404, "NoSuchUpload"},
		{"list of none", http.MethodGet, "/k?uploadId=" + absent, nil, 404, "NoSuchUpload"},
		{"abort of none", http.MethodDelete, "/k?uploadId=", nil, 404, "NoSuchUpload"},
		{"digest", http.MethodPut, "/k?partNumber=1&uploadId=" + id, http.Header{"Content-Md5": {"AAAAAAAAAAAAAAAAAAAAAA=="}}, 400, "BadDigest"},
		{"range", http.MethodPut, "/k?partNumber=1&uploadId=" + id, http.Header{"X-Cos-Copy-Source": {"h/source"}, "X-Cos-Copy-Source-Range": {"bytes=9-"}}, 416, "InvalidRange"},
		{"no range", http.MethodPut, "/k?partNumber=1&uploadId=" + id, http.Header{"X-Cos-Copy-Source": {"h/source"}, "X-Cos-Copy-Source-Range": {"all"}}, 400, "InvalidArgument"},
		{"complete without XML", http.MethodPost, "/k?uploadId=" + id, nil, 400, "MalformedXML"},
		{"begin on the bucket", http.MethodPost, "/?uploads", nil, 405, "MethodNotAllowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.put(t, "source", []byte("source"))
			wantRefusal(t, do(t, b.request(t, tt.method, tt.target, tt.header, "body")), tt.status, tt.code)
		})
	}
	if parts, _, err := b.Object.ListParts(t.Context(), "k", id, nil); err != nil || len(parts.Parts) != 2 || parts.Parts[0].ETag != small.ETag {
		t.Errorf("refusals changed the upload: %+v, %v", parts, err)
	}
	if _, err := b.Object.AbortMultipartUpload(t.Context(), "k", id); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Object.Get(t.Context(), "k", nil); !cos.IsNotFoundError(err) {
		t.Errorf("aborted, and there: %v", err)
	}
	if left := append(b.files(t, "uploads"), b.files(t, "temp")...); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestListUploads(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	want := map[string]string{}
	for _, key := range []string{"b/1", "a/1", "a/2", "a/1"} {
		want[b.initiate(t, key)] = key
	}
	got := map[string]string{}
	var order []string
	opt := &cos.ListMultipartUploadsOptions{MaxUploads: 1}
	for {
		res, _, err := b.Bucket.ListMultipartUploads(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range res.Uploads {
			got[u.UploadID] = u.Key
			order = append(order, u.Key)
		}
		if !res.IsTruncated {
			break
		}
		opt.KeyMarker, opt.UploadIDMarker = res.NextKeyMarker, res.NextUploadIDMarker
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a/1", "a/1", "a/2", "b/1"}, order); diff != "" {
		t.Error(diff)
	}
	res, _, err := b.Bucket.ListMultipartUploads(t.Context(), &cos.ListMultipartUploadsOptions{Prefix: "a/2"})
	if err != nil || len(res.Uploads) != 1 || res.Uploads[0].Initiated == "" {
		t.Errorf("prefix: %+v, %v", res, err)
	}
}

// Parts that arrive while their upload is completed or aborted are in it or get NoSuchUpload; nothing stays behind.
func TestPartsRaceTheEndOfTheirUpload(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	for round := range 10 {
		key := "k" + strconv.Itoa(round)
		id := b.initiate(t, key)
		p1 := b.part(t, key, id, 1, []byte("one"))
		var racers sync.WaitGroup
		for n := range 4 {
			racers.Go(func() {
				_, err := b.Object.UploadPart(t.Context(), key, id, n+2, strings.NewReader("late"), nil)
				if e, ok := cos.IsCOSError(err); err != nil && (!ok || e.Code != "NoSuchUpload") {
					t.Errorf("late part: %v", err)
				}
			})
		}
		racers.Go(func() {
			if round%2 == 0 {
				if _, err := b.Object.AbortMultipartUpload(t.Context(), key, id); err != nil {
					t.Errorf("abort: %v", err)
				}
				return
			}
			if _, _, err := b.Object.CompleteMultipartUpload(t.Context(), key, id, &cos.CompleteMultipartUploadOptions{Parts: []cos.Object{p1}}); err != nil {
				t.Errorf("complete: %v", err)
			}
		})
		racers.Wait()
	}
	if left := append(b.files(t, "uploads"), b.files(t, "temp")...); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
