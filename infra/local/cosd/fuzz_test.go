package cosd

import (
	"bytes"
	"encoding/xml"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"
)

const fuzzID, fuzzKey = "AKIDlocal", "known-to-tests-only"

func newFuzzed(f *testing.F) *Server {
	f.Helper()
	s, err := New(f.TempDir(), Options{SecretID: fuzzID, SecretKey: fuzzKey, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	return s
}

// authorization is how the vendor's SDK signs a request, always for the same years: a fuzzer's inputs outlive the run that found them.
func authorization(r *http.Request) string {
	from, to := time.Unix(1_500_000_000, 0), time.Unix(4_000_000_000, 0)
	cos.AddAuthorizationHeader(fuzzID, fuzzKey, "", r, &cos.AuthTime{SignStartTime: from, SignEndTime: to, KeyStartTime: from, KeyEndTime: to})
	return r.Header.Get("Authorization")
}

// Only what the key signed is let in: the signature that was made for this request, whatever is written around it.
func FuzzSignature(f *testing.F) {
	s := newFuzzed(f)
	get := func(target string) *request {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		query, err := parseQuery(r.URL.RawQuery)
		if err != nil {
			f.Fatal(err)
		}
		return &request{Request: r, key: strings.TrimPrefix(r.URL.Path, "/"), query: query}
	}
	signed := authorization(get("http://bucket/k?x=1").Request)
	_, mac, _ := strings.Cut(signed, "q-signature=")
	f.Add(signed)
	f.Add(strings.Replace(signed, "q-header-list=host", "q-header-list=", 1))
	f.Add(strings.Replace(signed, "q-url-param-list=x", "q-url-param-list=x;x", 1))
	f.Add("q-sign-algorithm=sha1&q-ak=" + fuzzID + "&q-key-time=;&q-signature=")
	f.Fuzz(func(t *testing.T, header string) {
		r := get("http://bucket/k?x=1")
		r.Header.Set("Authorization", header)
		if err := s.authenticate(r); err == nil && !strings.Contains(strings.ToLower(header), mac) {
			t.Errorf("%q is let in", header)
		}
	})
}

// Whatever an owner sends is answered or refused in XML, and is no fault of the endpoint's.
func FuzzRequest(f *testing.F) {
	s := newFuzzed(f)
	f.Add("PUT", "/a%2Fb", "Range: bytes=0-1", []byte("content"))
	f.Add("GET", "/?prefix=a&delimiter=%2F&max-keys=1&encoding-type=url", "", []byte(nil))
	f.Add("GET", "/a%2Fb", "Range: bytes=-9223372036854775808", []byte(nil))
	f.Add("PUT", "/c", "X-Cos-Copy-Source: bucket/a%2Fb", []byte(nil))
	f.Add("POST", "/?delete", "", []byte("<Delete><Object><Key>a/b</Key></Object></Delete>"))
	f.Add("POST", "/a?uploads", "", []byte(nil))
	f.Add("POST", "/a?uploadId=x", "", []byte("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>"))
	f.Add("PUT", "/a?uploadId=../x&partNumber=1", "Content-Md5: x", []byte("x"))
	f.Add("POST", "/", "Content-Type: multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=key\r\n\r\nk\r\n--b--"))
	f.Fuzz(func(t *testing.T, method, target, header string, body []byte) {
		u, err := url.ParseRequestURI(target)
		if err != nil || method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || !strings.HasPrefix(u.Path, "/") {
			return // net/http's server lets nothing like that through
		}
		r := httptest.NewRequest(http.MethodGet, "http://bucket/", bytes.NewReader(body))
		r.Method, r.URL, r.RequestURI = method, u, target
		if name, value, found := strings.Cut(header, ": "); found && !strings.ContainsAny(header, "\r\n\x00") {
			r.Header.Set(name, value)
		}
		authorization(r)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%s %s: %s", method, target, w.Body)
		}
		if refused := w.Code >= 400 && method != http.MethodHead; refused {
			var e errorBody
			if err := xml.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Code == "" {
				t.Errorf("%s %s is refused with %d %q: %v", method, target, w.Code, w.Body, err)
			}
		}
	})
}

// XML that is read is read within the time that it takes to look at it, and holds what it says.
func FuzzXML(f *testing.F) {
	f.Add([]byte("<Delete><Quiet>true</Quiet><Object><Key>a&amp;b</Key></Object></Delete>"))
	f.Add([]byte(`<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Delete><Object><Key>&b;</Key></Object></Delete>`))
	f.Add([]byte("<CompleteMultipartUpload><Part><PartNumber>99999999999999999999</PartNumber></Part></CompleteMultipartUpload>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := &request{Request: httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))}
		var want completeRequest
		if err := readXML(r, &want); err == nil && want.XMLName.Local != "CompleteMultipartUpload" {
			t.Errorf("taken for %+v", want)
		}
	})
}

// What a policy's document says narrows what it allows, however it is written.
func FuzzPolicy(f *testing.F) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Add([]byte(`{"expiration":"2026-01-02T00:00:00Z","conditions":[{"key":"a"},["starts-with","$Content-Type","image/"],["content-length-range",1,10]]}`), "a")
	f.Add([]byte(`{"expiration":"2025-01-02T00:00:00Z","conditions":[["eq","$key",""]]}`), "")
	f.Add([]byte(`{"expiration":"2027-01-02T00:00:00Z","conditions":[["content-length-range",-5,null]]}`), "x")
	f.Fuzz(func(t *testing.T, document []byte, key string) {
		p, err := parsePolicy(document)
		if err != nil {
			return
		}
		if p.minSize < 0 || p.maxSize > maxObject {
			t.Errorf("allows %d to %d bytes", p.minSize, p.maxSize)
		}
		if p.permits(map[string]string{"key": key}, now) != nil {
			return
		}
		for _, c := range p.conditions {
			if c.field == "key" && key != c.value && (!c.prefix || !strings.HasPrefix(key, c.value)) {
				t.Errorf("%q is allowed against %+v", key, c)
			}
		}
		if now.After(p.expiration) {
			t.Error("is allowed for ever")
		}
	})
}

// A range is within its object.
func FuzzRange(f *testing.F) {
	f.Add("bytes=0-9", int64(5))
	f.Add("bytes=-9223372036854775807", int64(5))
	f.Add("bytes=9223372036854775807-", int64(0))
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 0 {
			return
		}
		if r, ok := parseRange(header, size); ok && (r.start < 0 || r.length < 0 || r.start > size || r.length > size-r.start) {
			t.Errorf("%q of %d bytes is %+v", header, size, r)
		}
	})
}

// A query is what net/url reads, but for its semicolons.
func FuzzQuery(f *testing.F) {
	f.Add("q-sign-time=1;2&a=b%3B+c&&d")
	f.Add("%zz=1")
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := parseQuery(raw)
		want, wrong := url.ParseQuery(strings.ReplaceAll(raw, ";", "%3B"))
		if (err == nil) != (wrong == nil) || err == nil && got.Encode() != want.Encode() {
			t.Errorf("%q: %v (%v), net/url says %v (%v)", raw, got, err, want, wrong)
		}
	})
}
