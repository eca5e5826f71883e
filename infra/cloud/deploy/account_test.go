package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	bucketHost = "recon3d-prod-1250000000.cos.ap-guangzhou.myqcloud.com"
	siteHost   = "recon3d.example.com"
)

// account is an account at the vendor's (judge/account.js), a process that checks signatures by the vendor's own SDK, and the network to
// it. The deployed address is an API that says what a rehearsal's does.
type account struct {
	t    *testing.T
	url  *url.URL
	site *httptest.Server
}

// call is one call that the account got.
type call struct {
	Action  string          `json:"action"`
	Payload json.RawMessage `json:"payload"`
	Refused string          `json:"refused"`
}

// changes tells whether the call was to change something.
func (c call) changes() bool {
	return !strings.HasPrefix(c.Action, "Get") && !strings.HasPrefix(c.Action, "List") && !strings.HasPrefix(c.Action, "GET")
}

// fault is trouble that the account makes, for the next calls of that name.
type fault struct {
	At      string `json:"at"`
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
	Status  int    `json:"status,omitempty"` // of the bucket
	Times   int    `json:"times"`
}

// scene is what the account has.
type scene struct {
	Calls     []call                     `json:"calls"`
	Functions []deployed                 `json:"functions"`
	Domains   map[string]json.RawMessage `json:"domains"`
	Bucket    map[string]string          `json:"bucket"`
}

const judgeFolder = "judge"

// install gets the judges' packages.
func install(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: what is called is not judged by the vendor's SDKs", tool)
		}
	}
	// npm writes this file last, so that an install that was interrupted is done again.
	if _, err := os.Stat(filepath.Join(judgeFolder, "node_modules", ".package-lock.json")); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund")
	cmd.Dir = judgeFolder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
}

// node starts a judge.
func node(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Dir, cmd.Stderr = judgeFolder, os.Stderr
	cmd.Env = append(os.Environ(), "SECRET_ID="+keyID, "SECRET_KEY="+key)
	return cmd
}

// newAccount starts an account with nothing in it.
func newAccount(t *testing.T) *account {
	t.Helper()
	install(t)
	cmd := node(t, "account.js")
	lives, err := cmd.StdinPipe() // it ends with this pipe
	if err != nil {
		t.Fatal(err)
	}
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lives.Close(); _ = cmd.Wait() })
	port, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal("the account does not start:", err)
	}
	a := &account{t: t, url: &url.URL{Scheme: "http", Host: "127.0.0.1:" + strings.TrimSpace(port)}}
	a.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, kind, body := atAPI(r, &url.URL{Scheme: "https", Host: bucketHost})
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	t.Cleanup(a.site.Close)
	return a
}

// RoundTrip is the network: every name leads here.
func (a *account) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	to := a.url
	if r.URL.Host == siteHost {
		to, _ = url.Parse(a.site.URL)
	}
	r.URL.Scheme, r.URL.Host = to.Scheme, to.Host
	return http.DefaultTransport.RoundTrip(r)
}

// set changes the scene, and tells it.
func (a *account) set(change any) scene {
	a.t.Helper()
	body, err := json.Marshal(change)
	if err != nil {
		a.t.Fatal(err)
	}
	res, err := http.Post(a.url.JoinPath("/judge").String(), "application/json", bytes.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	var s scene
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		a.t.Fatal(err)
	}
	return s
}

// has is the scene.
func (a *account) has() scene { a.t.Helper(); return a.set(struct{}{}) }

// changes are the calls since the last time that were to change something.
func (a *account) changes() []string {
	a.t.Helper()
	var names []string
	for _, c := range a.has().Calls {
		if c.changes() {
			names = append(names, c.Action)
		}
	}
	a.set(map[string]bool{"forget": true})
	return names
}
