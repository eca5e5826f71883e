package cosd_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/infra/local/cosd"
)

func TestGetOfRange(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	b.put(t, "ten", []byte("0123456789"))
	b.put(t, "none", nil)
	for _, tt := range []struct {
		key, asked, want string
		status           int
		contentRange     string
	}{
		{"ten", "bytes=0-3", "0123", 206, "bytes 0-3/10"},
		{"ten", "bytes=9-9", "9", 206, "bytes 9-9/10"},
		{"ten", "bytes=5-", "56789", 206, "bytes 5-9/10"},
		{"ten", "bytes=5-999999999999", "56789", 206, "bytes 5-9/10"},
		{"ten", "bytes=-3", "789", 206, "bytes 7-9/10"},
		{"ten", "bytes=-99", "0123456789", 206, "bytes 0-9/10"},
		{"ten", "bytes=10-", "", 416, "bytes */10"},
		{"ten", "bytes=10-20", "", 416, "bytes */10"},
		{"ten", "bytes=-0", "", 416, "bytes */10"},
		{"none", "bytes=0-", "", 416, "bytes */0"},
		{"none", "", "", 200, ""},
		{"ten", "bytes=3-2", "0123456789", 200, ""},
		{"ten", "bytes=a-b", "0123456789", 200, ""},
		{"ten", "bytes=-", "0123456789", 200, ""},
		{"ten", "bytes=+1-2", "0123456789", 200, ""},
		{"ten", "lines=1-2", "0123456789", 200, ""},
		{"ten", "bytes=0-1,3-4", "0123456789", 200, ""},
		{"ten", "bytes=99999999999999999999-", "0123456789", 200, ""},
	} {
		t.Run(tt.key+" "+tt.asked, func(t *testing.T) {
			res := do(t, b.request(t, http.MethodGet, "/"+tt.key, http.Header{"Range": {tt.asked}}, ""))
			if got := res.Header.Get("Content-Range"); got != tt.contentRange {
				t.Errorf("Content-Range %q, want %q", got, tt.contentRange)
			}
			if tt.status == 416 {
				wantRefusal(t, res, 416, "InvalidRange")
				return
			}
			wantStatus(t, res, tt.status)
			if got := string(body(t, res)); got != tt.want || res.ContentLength != int64(len(tt.want)) {
				t.Errorf("%q of length %d, want %q", got, res.ContentLength, tt.want)
			}
		})
	}
}

func TestGetUnderConditions(t *testing.T) {
	now := time.Date(2024, 5, 6, 7, 8, 9, 500e6, time.UTC)
	b := newBucket(t, cosd.Options{Now: func() time.Time { return now }})
	auth := &cos.AuthTime{SignStartTime: now, SignEndTime: now.Add(time.Hour), KeyStartTime: now, KeyEndTime: now.Add(time.Hour)}
	send := func(t *testing.T, method string, header http.Header, content string) *http.Response {
		req := b.unsigned(t, method, "/k", header, content)
		cos.AddAuthorizationHeader(secretID, secretKey, "", req, auth)
		return do(t, req)
	}
	content := "0123456789"
	wantStatus(t, send(t, http.MethodPut, nil, content), http.StatusOK)
	tag, other := etag([]byte(content)), `"d41d8cd98f00b204e9800998ecf8427e"`
	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for _, tt := range []struct {
		header http.Header
		status int
	}{
		{http.Header{"If-Match": {tag}}, 200},
		{http.Header{"If-Match": {strings.Trim(tag, `"`)}}, 200},
		{http.Header{"If-Match": {other + ", " + tag}}, 200},
		{http.Header{"If-Match": {"*"}}, 200},
		{http.Header{"If-Match": {other}}, 412},
		{http.Header{"If-None-Match": {tag}}, 304},
		{http.Header{"If-None-Match": {"W/" + tag}}, 304},
		{http.Header{"If-None-Match": {other}}, 200},
		{http.Header{"If-Modified-Since": {at(0)}}, 304},
		{http.Header{"If-Modified-Since": {at(-time.Second)}}, 200},
		{http.Header{"If-Modified-Since": {"yesterday"}}, 200},
		{http.Header{"If-Unmodified-Since": {at(0)}}, 200},
		{http.Header{"If-Unmodified-Since": {at(-time.Second)}}, 412},
		{http.Header{"If-Match": {tag}, "If-Unmodified-Since": {at(-time.Hour)}}, 200},
		{http.Header{"If-None-Match": {other}, "If-Modified-Since": {at(time.Hour)}}, 200},
		{http.Header{"If-Match": {tag}, "Range": {"bytes=1-2"}}, 206},
		{http.Header{"If-Range": {tag}, "Range": {"bytes=1-2"}}, 206},
		{http.Header{"If-Range": {other}, "Range": {"bytes=1-2"}}, 200},
		{http.Header{"If-Range": {at(0)}, "Range": {"bytes=1-2"}}, 206},
		{http.Header{"If-Range": {at(-time.Hour)}, "Range": {"bytes=1-2"}}, 200},
	} {
		t.Run(fmt.Sprint(tt.header), func(t *testing.T) {
			res := send(t, http.MethodGet, tt.header, "")
			switch tt.status {
			case 412:
				wantRefusal(t, res, 412, "PreconditionFailed")
			case 304:
				if wantStatus(t, res, 304); res.Header.Get("ETag") != tag || len(body(t, res)) > 0 {
					t.Errorf("304 with %v", res.Header)
				}
			default:
				wantStatus(t, res, tt.status)
			}
		})
	}
}

func TestGetOfOverriddenHeaders(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	b.put(t, "k", []byte("content"))
	res, err := b.Object.Get(t.Context(), "k", &cos.ObjectGetOptions{
		ResponseContentType: "text/x", ResponseContentLanguage: "fr", ResponseExpires: "Thu, 01 Dec 2033 16:00:00 GMT",
		ResponseCacheControl: "no-store", ResponseContentDisposition: `attachment; filename="a b.txt"`, ResponseContentEncoding: "identity",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, name := range []string{"Content-Type", "Content-Language", "Expires", "Cache-Control", "Content-Disposition", "Content-Encoding"} {
		got[name] = res.Header.Get(name)
	}
	want := map[string]string{
		"Content-Type": "text/x", "Content-Language": "fr", "Expires": "Thu, 01 Dec 2033 16:00:00 GMT", "Cache-Control": "no-store",
		"Content-Disposition": `attachment; filename="a b.txt"`, "Content-Encoding": "identity",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAbsentObject(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	_, err := b.Object.Get(t.Context(), "nothing", nil)
	wantCode(t, err, 404, "NoSuchKey")
	res := do(t, b.request(t, http.MethodHead, "/nothing", nil, ""))
	if wantStatus(t, res, 404); len(body(t, res)) > 0 {
		t.Error("HEAD has a body")
	}
	for range 2 {
		if res, err := b.Object.Delete(t.Context(), "nothing"); err != nil || res.StatusCode != http.StatusNoContent {
			t.Errorf("delete: %v", err)
		}
	}
	if exists, err := b.Object.IsExist(t.Context(), "nothing"); err != nil || exists {
		t.Errorf("exists: %v, %v", exists, err)
	}
	if ok, err := b.Bucket.IsExist(t.Context()); err != nil || !ok {
		t.Errorf("bucket: %v, %v", ok, err)
	}
	if _, err := b.Bucket.Delete(t.Context()); err == nil {
		t.Error("the bucket was deleted")
	}
}
