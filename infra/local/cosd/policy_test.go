package cosd_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/recon3d/recon3d/infra/local/cosd"
)

// postForm is a form upload. Each test changes one thing of a good one.
type postForm struct {
	expiration time.Time
	conditions []any
	fields     map[string]string
	file       string
	secret     string
	keyTime    string
	end        string // what follows the file; by default the closing boundary
}

func goodForm() postForm {
	now := time.Now()
	keyTime := fmt.Sprintf("%d;%d", now.Unix(), now.Add(time.Hour).Unix())
	return postForm{
		expiration: now.Add(time.Hour),
		conditions: []any{
			map[string]string{"q-sign-algorithm": "sha1"},
			map[string]string{"q-ak": secretID},
			map[string]string{"q-sign-time": keyTime},
			map[string]string{"bucket": "local-1250000000"},
			[]any{"starts-with", "$key", "incoming/"},
			[]any{"eq", "$Content-Type", "image/png"},
			[]any{"content-length-range", 3, 10},
		},
		fields:  map[string]string{"key": "incoming/${filename}", "Content-Type": "image/png", "x-cos-meta-a": "b"},
		file:    "content",
		secret:  secretKey,
		keyTime: keyTime,
	}
}

func hmacSHA1(key, text string) string {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func (f postForm) send(t *testing.T, b *bucket) *http.Response {
	t.Helper()
	document, err := json.Marshal(map[string]any{"expiration": f.expiration.UTC().Format("2006-01-02T15:04:05.000Z"), "conditions": f.conditions})
	if err != nil {
		t.Fatal(err)
	}
	digest := sha1.Sum(document)
	fields := map[string]string{
		"policy": base64.StdEncoding.EncodeToString(document), "q-sign-algorithm": "sha1", "q-ak": secretID, "q-key-time": f.keyTime,
		"q-signature": hmacSHA1(hmacSHA1(f.secret, f.keyTime), hex.EncodeToString(digest[:])),
	}
	for name, value := range f.fields {
		fields[name] = value
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	file, err := w.CreateFormFile("file", "photo.png")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte(f.file)); err != nil {
		t.Fatal(err)
	}
	form.WriteString(strings.ReplaceAll(f.end, "BOUNDARY", w.Boundary()))
	if f.end == "" {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return do(t, b.unsigned(t, http.MethodPost, "/", http.Header{"Content-Type": {w.FormDataContentType()}}, form.String()))
}

func TestPostObject(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	f := goodForm()
	res := f.send(t, b)
	wantStatus(t, res, http.StatusNoContent)
	if res.Header.Get("ETag") != etag([]byte("content")) || res.Header.Get("Location") != b.url.String()+"/incoming/photo.png" {
		t.Errorf("%v", res.Header)
	}
	got := do(t, b.request(t, http.MethodGet, "/incoming/photo.png", nil, ""))
	if got.Header.Get("Content-Type") != "image/png" || got.Header.Get("X-Cos-Meta-A") != "b" || string(body(t, got)) != "content" {
		t.Errorf("%v", got.Header)
	}

	f.fields["success_action_status"] = "201"
	res = f.send(t, b)
	if wantStatus(t, res, http.StatusCreated); !strings.Contains(string(body(t, res)), "<Key>incoming/photo.png</Key>") {
		t.Error("201 has no PostResponse")
	}
	f.fields["success_action_status"] = "200"
	wantStatus(t, f.send(t, b), http.StatusOK)

	f.fields["success_action_redirect"] = b.url.String() + "/done?a=b"
	res = f.send(t, b)
	if wantStatus(t, res, http.StatusSeeOther); !strings.HasPrefix(res.Header.Get("Location"), b.url.String()+"/done?a=b&bucket=local-1250000000&etag=") {
		t.Errorf("Location %q", res.Header.Get("Location"))
	}
}

func TestPostObjectIsRefused(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	for _, tt := range []struct {
		name   string
		change func(*postForm)
		status int
		code   string
	}{
		{"too large", func(f *postForm) { f.file = "content too long" }, 400, "EntityTooLarge"},
		{"too small", func(f *postForm) { f.file = "co" }, 400, "EntityTooSmall"},
		{"expired", func(f *postForm) { f.expiration = time.Now().Add(-time.Minute) }, 403, "AccessDenied"},
		{"key expired", func(f *postForm) { f.keyTime = "1;2" }, 403, "AccessDenied"},
		{"wrong secret", func(f *postForm) { f.secret = "guess" }, 403, "SignatureDoesNotMatch"},
		{"another key id", func(f *postForm) { f.fields["q-ak"] = "AKIDother" }, 403, "InvalidAccessKeyId"},
		{"key outside", func(f *postForm) { f.fields["key"] = "elsewhere/x" }, 403, "AccessDenied"},
		{"another type", func(f *postForm) { f.fields["Content-Type"] = "text/html" }, 403, "AccessDenied"},
		{"no type", func(f *postForm) { delete(f.fields, "Content-Type") }, 403, "AccessDenied"},
		{"another bucket", func(f *postForm) { f.conditions = append(f.conditions, map[string]string{"bucket": "other-1"}) }, 403, "AccessDenied"},
		{"unsigned", func(f *postForm) { f.fields["q-signature"] = "" }, 403, "AccessDenied"},
		{"no policy", func(f *postForm) { f.fields["policy"] = "" }, 403, "AccessDenied"},
		{"policy not base64", func(f *postForm) { f.fields["policy"] = "{}" }, 400, "InvalidPolicyDocument"},
		{"no conditions", func(f *postForm) { f.conditions = nil }, 400, "InvalidPolicyDocument"},
		{"unknown operator", func(f *postForm) { f.conditions = []any{[]any{"ends-with", "$key", "x"}} }, 400, "InvalidPolicyDocument"},
		{"range of words", func(f *postForm) { f.conditions = []any{[]any{"content-length-range", "a", "b"}} }, 400, "InvalidPolicyDocument"},
		{"no key", func(f *postForm) { f.fields["key"] = "" }, 400, "InvalidArgument"},
		{"digest", func(f *postForm) { f.fields["Content-MD5"] = "AAAAAAAAAAAAAAAAAAAAAA==" }, 400, "BadDigest"},
		{"cut in the file", func(f *postForm) { f.end = " " }, 400, "IncompleteBody"},
		{"cut behind the file", func(f *postForm) { f.end = "\r\n--BOUNDARY\r\nContent-Dis" }, 400, "MalformedPOSTRequest"},
		{"two files", func(f *postForm) {
			f.end = "\r\n--BOUNDARY\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--BOUNDARY--\r\n"
		}, 400, "IncorrectNumberOfFilesInPostRequest"},
		{"too many fields", func(f *postForm) { f.fields["x-ignore"] = strings.Repeat("x", 1<<20) }, 400, "MalformedPOSTRequest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := goodForm()
			tt.change(&f)
			wantRefusal(t, f.send(t, b), tt.status, tt.code)
		})
	}
	wantRefusal(t, do(t, b.unsigned(t, http.MethodPost, "/", nil, "x")), 400, "MalformedPOSTRequest")
	noFile := http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}
	wantRefusal(t, do(t, b.unsigned(t, http.MethodPost, "/", noFile, "--b--\r\n")), 400, "IncorrectNumberOfFilesInPostRequest")
	if left := append(b.files(t, "objects"), b.files(t, "temp")...); len(left) > 0 {
		t.Errorf("refused forms left %v", left)
	}
}
