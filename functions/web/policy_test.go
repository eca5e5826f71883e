package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// directives reads a policy as a browser does (CSP3, section 2.2.1): of two of one name the second is ignored.
func directives(t *testing.T, policy string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for directive := range strings.SplitSeq(policy, ";") {
		words := strings.Fields(directive)
		if len(words) == 0 || found[words[0]] != nil {
			t.Fatalf("%q in %s", directive, policy)
		}
		found[words[0]] = words[1:]
	}
	return found
}

func TestContentSecurityPolicy(t *testing.T) {
	c := policyConfig{BucketURL: "http://127.0.0.1:40123/", Origins: []string{"https://files.example", " https://login.example:8443"}}
	got := directives(t, c.contentSecurityPolicy())
	beside := []string{"http://127.0.0.1:40123", "https://files.example", "https://login.example:8443"}
	want := map[string][]string{
		"default-src":     {"'none'"},
		"script-src":      {"'self'"},
		"style-src":       {"'self'"},
		"font-src":        {"'self'"},
		"img-src":         append([]string{"'self'", "blob:", "data:"}, beside...),
		"connect-src":     append([]string{"'self'", "blob:"}, beside...),
		"worker-src":      {"'self'"},
		"manifest-src":    {"'self'"},
		"base-uri":        {"'none'"},
		"form-action":     {"'self'"},
		"frame-ancestors": {"'none'"},
		"object-src":      {"'none'"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

func TestOrigins(t *testing.T) {
	for origin, good := range map[string]bool{
		"https://recon3d-1250000000.cos.ap-guangzhou.myqcloud.com":  true,
		"https://recon3d-1250000000.cos.ap-guangzhou.myqcloud.com/": true,
		"http://127.0.0.1:9000":                true,
		"http://[::1]:9000":                    true,
		"https://b.example/path":               false,
		"https://b.example//":                  false,
		"https://b.example?x":                  false,
		"https://user@b.example":               false,
		"https://*.example":                    false,
		"https://b.example;script-src *":       false,
		"https://b.example; script-src *":      false,
		"https://b.example https://c.example":  false,
		"https://b.example:x":                  false,
		"https://":                             false,
		"b.example":                            false,
		"ftp://b.example":                      false,
		"*":                                    false,
		"'unsafe-inline'":                      false,
		"data:":                                false,
		"https://b.example\r\nSet-Cookie: a=b": false,
	} {
		for _, c := range []policyConfig{{BucketURL: origin}, {BucketURL: "https://b.example", Origins: []string{"https://c.example", origin}}} {
			if err := c.Validate(); (err == nil) != good {
				t.Errorf("%q: %v", origin, err)
			}
		}
	}
}

func TestEveryAnswerIsProtected(t *testing.T) {
	for _, path := range []string{"/", "/app/tasks", "/assets/index-BabGqf5W.js", "/assets/logo-DM9xCWY2.svg", "/assets/nothing.js", "/nothing"} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			res := ask(t, method, path)
			for name, want := range map[string]string{
				"Cross-Origin-Opener-Policy":   "same-origin",
				"Cross-Origin-Resource-Policy": "same-origin",
				"Permissions-Policy":           "camera=(self), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()",
				"Referrer-Policy":              "same-origin",
				"X-Content-Type-Options":       "nosniff",
			} {
				if got := res.Header.Get(name); got != want {
					t.Errorf("%s %s: %s: %s", method, path, name, got)
				}
			}
			policy := directives(t, res.Header.Get("Content-Security-Policy"))
			if diff := cmp.Diff([]string{"'self'"}, policy["script-src"]); diff != "" {
				t.Errorf("%s %s: %s", method, path, diff)
			}
			var size counter
			if err := res.Header.Write(&size); err != nil || size > 2<<10 { // the platform passes on 4 kB
				t.Errorf("%s %s: a header of %d bytes, %v", method, path, size, err)
			}
		}
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
