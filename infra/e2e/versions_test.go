package e2e

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// former is the version beside which this one has to run: the last before ended tasks had an index of their own. Whoever changes a
// format again puts the commit before that here (infra/docs/operations.md, "Upgrade and rollback").
const former = "db0b80fdd801d1e966919962b14575c801a351cf"

// During an upgrade, and during a rollback, each function runs in two versions over one Redis: any call of a task may be answered by
// either, and both sweep. No task is lost, no event is missing or comes twice, and nothing is left behind.
func TestTwoVersions(t *testing.T) {
	t.Parallel()
	bin := buildFormer(t)
	s := start(t, 2)
	var asked [2]atomic.Int64 // how often each version was
	proxies := map[string]*httputil.ReverseProxy{"": proxyTo(s.base)}
	for _, function := range []string{"picture", "create-task", "tasks", "callback-result", "callback-status", "relay"} {
		port := ownPort(t)
		// What stands in the environment counts more than a role's credentials, which only the gateway brings.
		launchFrom(t, filepath.Join(bin, function), with(s.environ(t, function), "PORT="+port, "COS_SECRET_ID="+s.cosID, "COS_SECRET_KEY="+s.cosKey))
		eventually(t, "the former "+function+" listens", func() bool {
			conn, err := net.Dial("tcp", "127.0.0.1:"+port)
			if err == nil {
				_ = conn.Close()
			}
			return err == nil
		})
		proxies[function] = proxyTo(&url.URL{Scheme: "http", Host: "127.0.0.1:" + port})
	}
	var turns sync.Map // by function: each alternates
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		function := functionOf(r.URL.Path)
		turn, _ := turns.LoadOrStore(function, new(atomic.Int64))
		version := turn.(*atomic.Int64).Add(1) % 2
		if version == 0 {
			function = "" // by the gateway
		}
		asked[version].Add(1)
		proxies[function].ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	base, err := url.Parse(front.URL)
	if err != nil {
		t.Fatal(err)
	}

	port := ownPort(t)
	launchFrom(t, filepath.Join(bin, "sweeper"), with(s.environ(t, "sweeper"), "_LAMBDA_SERVER_PORT="+port))
	other := sweeper{"127.0.0.1:" + port, s.credentials()}
	eventually(t, "the former sweeper answers", func() bool { return other.run(t.Context()) == nil })
	ctx, stop := context.WithCancel(t.Context())
	var timer sync.WaitGroup
	timer.Go(func() {
		for ctx.Err() == nil {
			if err := other.run(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("the former sweeper: %v", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond): // the timer's interval
			}
		}
	})

	both := *s
	both.base = base
	both.outbox.base = base.String() + "/api/reconstruction/callback"
	both.traffic(t, func() {
		eventually(t, "there is traffic", func() bool { return len(s.fleet.seen()) >= 30 })
	})
	bucket := s.bucket(t)
	both.everythingDeleted(t, func() { eventually(t, "no object is left", func() bool { return len(s.orphans(t, bucket)) == 0 }) })
	stop()
	timer.Wait()
	if today, before := asked[0].Load(), asked[1].Load(); today < 100 || before < 100 {
		t.Errorf("asked %d times and, of the former version, %d times", today, before)
	}
}

// functionOf is the function that a path belongs to.
func functionOf(path string) string {
	for prefix, function := range map[string]string{
		"/picture/":                             "picture",
		"/api/reconstruction/create-from-image": "create-task",
		"/api/reconstruction/status/":           "tasks",
		"/api/reconstruction/list":              "tasks",
		"/api/reconstruction/cancel/":           "tasks",
		"/api/reconstruction/events/":           "relay",
		"/api/reconstruction/callback/result/":  "callback-result",
		"/api/reconstruction/callback/upload":   "callback-result",
		"/api/reconstruction/callback/status":   "callback-status",
	} {
		if strings.HasPrefix(path, prefix) {
			return function
		}
	}
	return "" // of none: the gateway answers
}

func proxyTo(u *url.URL) *httputil.ReverseProxy {
	p := httputil.NewSingleHostReverseProxy(u)
	p.FlushInterval = -1 // at once
	p.ErrorLog = log.New(io.Discard, "", 0)
	return p
}

// buildFormer builds the former version's functions, and tells where they are.
func buildFormer(t *testing.T) string {
	t.Helper()
	root, source, bin := os.Getenv(rootEnv), t.TempDir(), t.TempDir()
	if err := exec.Command("git", "-C", root, "cat-file", "-e", former+"^{commit}").Run(); err != nil {
		t.Skip("this clone lacks the former version's commit: `git fetch --unshallow` brings it")
	}
	archive := filepath.Join(source, "former.tar")
	for _, command := range [][]string{
		{"git", "-C", root, "archive", "-o", archive, former, "functions", "shared", "infra/local", "go.mod", "go.sum"},
		{"tar", "-xf", archive, "-C", source},
		{"go", "build", "-C", source, "-trimpath", "-ldflags", "-s -w", "-o", bin + string(filepath.Separator), "./functions/..."},
	} {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", strings.Join(command, " "), err, out)
		}
	}
	return bin
}
