package cosd_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/infra/local/cosd"
)

// period is a validity around now.
func period(from, to time.Duration) *cos.AuthTime {
	now := time.Now()
	return &cos.AuthTime{SignStartTime: now.Add(from), SignEndTime: now.Add(to), KeyStartTime: now.Add(from), KeyEndTime: now.Add(to)}
}

// Each case signs a good request with the SDK's signer, then does one thing to it.
func TestSignatureInHeader(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	b.put(t, "dir/k", []byte("content"))
	b.put(t, "dir/other", []byte("other"))
	replace := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			auth := r.Header.Get("Authorization")
			if !strings.Contains(auth, from) {
				panic(fmt.Sprintf("%q is not in %q", from, auth))
			}
			r.Header.Set("Authorization", strings.Replace(auth, from, to, 1))
		}
	}
	sign := func(id, key string, at *cos.AuthTime) func(*http.Request) {
		return func(r *http.Request) { cos.AddAuthorizationHeader(id, key, "", r, at) }
	}
	for _, tt := range []struct {
		name   string
		tamper func(*http.Request)
		code   string // "" is 200
	}{
		{"untouched", func(*http.Request) {}, ""},
		{"unsigned", func(r *http.Request) { r.Header.Del("Authorization") }, "AccessDenied"},
		{"another scheme", func(r *http.Request) { r.Header.Set("Authorization", "Bearer abc") }, "AccessDenied"},
		{"another algorithm", replace("q-sign-algorithm=sha1", "q-sign-algorithm=md5"), "AccessDenied"},
		{"no signature", replace("q-signature=", "q-nothing="), "AccessDenied"},
		{"times that are none", replace("q-key-time=", "q-key-time=soon;"), "AccessDenied"},
		{"another key id", replace(secretID, "AKIDother"), "InvalidAccessKeyId"},
		{"wrong secret", sign(secretID, "guess", cos.NewAuthTime(time.Hour)), "SignatureDoesNotMatch"},
		{"expired", sign(secretID, secretKey, period(-2*time.Hour, -time.Hour)), "AccessDenied"},
		{"not yet", sign(secretID, secretKey, period(time.Hour, 2*time.Hour)), "RequestTimeTooSkewed"},
		{"clock ahead a little", sign(secretID, secretKey, period(time.Minute, time.Hour)), ""},
		{"path", func(r *http.Request) { r.URL.Path = "/dir/other" }, "SignatureDoesNotMatch"},
		{"method", func(r *http.Request) { r.Method = http.MethodDelete }, "SignatureDoesNotMatch"},
		{"parameter", func(r *http.Request) { r.URL.RawQuery = "response-content-type=text%2Fhtml" }, "SignatureDoesNotMatch"},
		{"parameter gone", func(r *http.Request) { r.URL.RawQuery = "" }, "SignatureDoesNotMatch"},
		{"parameter twice", func(r *http.Request) { r.URL.RawQuery += "&" + r.URL.RawQuery }, "SignatureDoesNotMatch"},
		{"header", func(r *http.Request) { r.Header.Set("X-Cos-Meta-A", "3") }, "SignatureDoesNotMatch"},
		{"header gone", func(r *http.Request) { r.Header.Del("X-Cos-Meta-A") }, "SignatureDoesNotMatch"},
		{"header twice", func(r *http.Request) { r.Header.Add("X-Cos-Meta-A", "4") }, "SignatureDoesNotMatch"},
		{"header list shortened", replace("range;", ""), "SignatureDoesNotMatch"},
		{"header list of what is not sent", replace("q-header-list=", "q-header-list=content-type;"), "SignatureDoesNotMatch"},
		{"host", func(r *http.Request) { r.Host = "another.example" }, "SignatureDoesNotMatch"},
		{"range", func(r *http.Request) { r.Header.Set("Range", "bytes=1-") }, "SignatureDoesNotMatch"},
		{"unlisted header", func(r *http.Request) { r.Header.Set("Accept-Language", "zh") }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{"X-Cos-Meta-A": {"2", "1"}, "Range": {"bytes=0-"}}
			req := b.request(t, http.MethodGet, "/dir%2Fk?response-content-type=text%2Fplain%3B+charset%3Dutf-8", header, "")
			tt.tamper(req)
			res := do(t, req)
			if tt.code == "" {
				wantStatus(t, res, http.StatusPartialContent)
				return
			}
			wantRefusal(t, res, http.StatusForbidden, tt.code)
		})
	}
	if got := b.get(t, "dir/k"); string(got) != "content" {
		t.Errorf("after all that the object is %q", got)
	}
}

// The signature's own period may be narrower than its key's.
func TestSignTimeAndKeyTimeApart(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	b.put(t, "k", []byte("content"))
	now := time.Now()
	for name, tt := range map[string]struct {
		signEnd, keyEnd time.Duration
		status          int
	}{
		"both good":         {time.Minute, time.Hour, 200},
		"signature expired": {-time.Minute, time.Hour, 403},
		"key expired":       {time.Minute, -time.Minute, 403},
	} {
		req := b.unsigned(t, http.MethodGet, "/k", nil, "")
		cos.AddAuthorizationHeader(secretID, secretKey, "", req, &cos.AuthTime{
			SignStartTime: now.Add(-time.Hour), SignEndTime: now.Add(tt.signEnd), KeyStartTime: now.Add(-2 * time.Hour), KeyEndTime: now.Add(tt.keyEnd),
		})
		if res := do(t, req); res.StatusCode != tt.status {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, tt.status)
		}
	}
}

func TestPresignedGet(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	key := "dir/photo of ключ+.png"
	b.put(t, key, []byte("content"))
	b.put(t, "other", []byte("other"))
	presign := func(ttl time.Duration, opt *cos.PresignedURLOptions) string {
		u, err := b.Object.GetPresignedURL2(t.Context(), http.MethodGet, key, ttl, opt)
		if err != nil {
			t.Fatal(err)
		}
		return u.String()
	}
	plain := &cos.PresignedURLOptions{}
	query := &url.Values{"response-content-disposition": {`attachment; filename="a;b&c.png"`}}
	for _, tt := range []struct {
		name, url string
		status    int
	}{
		{"as it is", presign(time.Minute, plain), 200},
		{"with raw semicolons", strings.ReplaceAll(presign(time.Minute, plain), "%3B", ";"), 200},
		{"with the slash escaped", strings.Replace(presign(time.Minute, plain), "/dir/", "/dir%2F", 1), 200},
		{"in one parameter", presign(time.Minute, &cos.PresignedURLOptions{SignMerged: true, Query: query}), 200},
		{"with parameters", presign(time.Minute, &cos.PresignedURLOptions{Query: query}), 200},
		{"expired", presign(0, &cos.PresignedURLOptions{AuthTime: period(-2*time.Hour, -time.Hour)}), 403},
		{"another path", strings.Replace(presign(time.Minute, plain), "/dir/", "/dir2/", 1), 403},
		{"another parameter", strings.Replace(presign(time.Minute, &cos.PresignedURLOptions{Query: query}), "attachment", "inline", 1), 403},
		{"a longer life", strings.Replace(presign(time.Minute, plain), "%3B", "%3B9", 2), 403},
		{"without its signature", strings.Split(presign(time.Minute, plain), "&q-signature")[0], 403},
		{"with a query that can't be read", presign(time.Minute, plain) + "&x=%zz", 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tt.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			res := do(t, req)
			got := body(t, res)
			if res.StatusCode != tt.status || tt.status == 200 && string(got) != "content" {
				t.Errorf("%d, want %d: %s", res.StatusCode, tt.status, got)
			}
			if strings.Contains(tt.url, "response-") && tt.status == 200 && res.Header.Get("Content-Disposition") != query.Get("response-content-disposition") {
				t.Errorf("Content-Disposition %q", res.Header.Get("Content-Disposition"))
			}
		})
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, presign(time.Minute, plain), strings.NewReader("overwritten"))
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, do(t, req), 403, "SignatureDoesNotMatch")
}

// A presigned PUT that fixes type and length is held to them.
func TestPresignedPut(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	signed := &cos.PresignedURLOptions{Header: &http.Header{"Content-Type": {"image/png"}, "Content-Length": {"7"}}}
	u, err := b.Object.GetPresignedURL2(t.Context(), http.MethodPut, "incoming/a.png", time.Minute, signed)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, content, contentType string
		chunked                    bool
		status                     int
	}{
		{"longer", "contents", "image/png", false, 403},
		{"shorter", "conten", "image/png", false, 403},
		{"of no stated length", "content", "image/png", true, 403},
		{"of another type", "content", "text/html", false, 403},
		{"of no type", "content", "", false, 403},
		{"as signed", "content", "image/png", false, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var content io.Reader = strings.NewReader(tt.content)
			if tt.chunked {
				content = io.MultiReader(content)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, u.String(), content)
			if err != nil {
				t.Fatal(err)
			}
			if tt.contentType != "" {
				req.Header.Set("Content-Type", tt.contentType)
			}
			res := do(t, req)
			if tt.status != 200 {
				wantRefusal(t, res, tt.status, "SignatureDoesNotMatch")
				return
			}
			wantStatus(t, res, 200)
			if got := b.get(t, "incoming/a.png"); string(got) != tt.content || res.Header.Get("ETag") != etag(got) {
				t.Errorf("stored %q", got)
			}
		})
	}
}

func TestSessionToken(t *testing.T) {
	b := newBucket(t, cosd.Options{SessionToken: "the token"})
	b.put(t, "k", []byte("content"))
	for _, token := range []string{"", "another token"} {
		_, err := client(b.url, secretID, secretKey, token).Object.Get(t.Context(), "k", nil)
		wantCode(t, err, 403, "AccessDenied")
	}
	u, err := b.Object.GetPresignedURL2(t.Context(), http.MethodGet, "k", time.Minute, nil)
	if err != nil {
		t.Fatal(err)
	}
	for target, status := range map[string]int{u.String(): 200, strings.Replace(u.String(), "the+token", "other", 1): 403} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantStatus(t, do(t, req), status)
	}
}

func TestNewNeedsKeys(t *testing.T) {
	for _, opts := range []cosd.Options{{}, {SecretID: "id"}, {SecretKey: "key"}} {
		if _, err := cosd.New(t.TempDir(), opts); err == nil {
			t.Errorf("%+v was accepted", opts)
		}
	}
}
