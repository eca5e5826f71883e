package cosd_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/recon3d/recon3d/infra/local/cosd"
)

// The judge that shares no code with us or with the Go SDK: Tencent's Node SDK, as a process, against a running endpoint.
func TestNodeSDK(t *testing.T) {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: the endpoint is not judged by the Node SDK", tool)
		}
	}
	dir := filepath.Join("..", "..", "e2e", "cos-node")
	// npm writes this file last, so that an install that was interrupted is done again.
	if _, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); errors.Is(err, fs.ErrNotExist) {
		install := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund")
		install.Dir = dir
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	b := newBucket(t, cosd.Options{})
	judge := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=tap", "judge.test.js")
	judge.Dir = dir
	judge.Env = append(os.Environ(), "COS_BUCKET_URL="+b.url.String(), "COS_SECRET_ID="+secretID, "COS_SECRET_KEY="+secretKey)
	out, err := judge.CombinedOutput()
	if err != nil {
		t.Fatalf("node --test: %v\n%s", err, out)
	}
	if !regexp.MustCompile(`(?m)^# pass [1-9]`).Match(out) || !regexp.MustCompile(`(?m)^# skipped 0$`).Match(out) {
		t.Errorf("not all checks ran:\n%s", out)
	}
}
