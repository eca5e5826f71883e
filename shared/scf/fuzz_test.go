package scf

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An event that is taken is a request as net/http's server would have made it: with a method, a rooted path, headers in their canonical
// form, and the body that the event holds. What is answered can be told as JSON.
func FuzzEvent(f *testing.F) {
	recorded, err := filepath.Glob("testdata/*.json")
	if err != nil || len(recorded) == 0 {
		f.Fatal(recorded, err)
	}
	for _, name := range recorded {
		payload, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Add([]byte(`{"httpMethod":"GET","path":"/a%2Fb/%zz?x","queryString":{"a":["1",true],"b":2},"headers":{"x\r\ny":"z"}}`))
	f.Add([]byte(`{"httpMethod":"POST","path":"//host/x","body":"!","isBase64Encoded":true}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var e event
		if json.Unmarshal(payload, &e) != nil {
			return
		}
		r, err := e.request(context.Background())
		if err != nil {
			return
		}
		if r.Method == "" || strings.ContainsAny(r.Method, " \r\n") || !strings.HasPrefix(r.URL.Path, "/") || r.URL.Host != "" || r.URL.Scheme != "" {
			t.Errorf("%s %#v", r.Method, r.URL)
		}
		for name := range r.Header {
			if name != http.CanonicalHeaderKey(name) || name == "Host" || strings.ContainsAny(name+strings.Join(r.Header[name], ""), "\r\n") {
				t.Errorf("header %q: %q", name, r.Header[name])
			}
		}
		body, err := io.ReadAll(r.Body)
		want := []byte(e.Body)
		if e.IsBase64Encoded {
			decoded, wrong := base64.StdEncoding.DecodeString(e.Body)
			if (wrong == nil) != (err == nil) {
				t.Errorf("base64 says %v, the body %v", wrong, err)
			}
			want = decoded
		}
		if err == nil && (!bytes.Equal(body, want) || r.ContentLength != int64(len(body))) {
			t.Errorf("a body of %d bytes, stated %d, is %d", len(want), r.ContentLength, len(body))
		}
		hidePlatformHeaders(r.Header)
		for name := range r.Header {
			if strings.HasPrefix(strings.ToLower(name), "x-scf-") && name != "X-Scf-Request-Id" {
				t.Errorf("a handler sees %s", name)
			}
		}
		http.NewServeMux().Handler(r)
		if _, err := json.Marshal(newAnswer(200, http.Header{"X": {e.Path, "b"}}, body)); err != nil {
			t.Error(err)
		}
	})
}
