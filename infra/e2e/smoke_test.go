package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What make deploy ends with, the smoke test, goes well against the whole product, real worker and all, and leaves nothing behind.
func TestTheSmokeTestOfADeployment(t *testing.T) {
	t.Parallel()
	root := os.Getenv(rootEnv)
	if _, err := os.Stat(filepath.Join(root, "functions", "worker", ".venv", "bin", "python")); err != nil {
		t.Fatal("the worker has no Python environment: run make worker")
	}
	deploy := filepath.Join(t.TempDir(), "deploy")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", deploy, "./infra/cloud/deploy")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	s := start(t, 0, "WORKER_URLS", "")
	out, err := exec.CommandContext(t.Context(), deploy, "smoke", s.base.String()).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "result output3d.zip") || !strings.Contains(string(out), "COMPLETED") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, list := range []string{"/picture/list/page", "/api/reconstruction/list"} {
		if left := s.get(t, list).want(t, http.StatusOK).object(t)["items"]; len(left.([]any)) != 0 {
			t.Errorf("%s: %v", list, left)
		}
	}
	out, err = exec.CommandContext(t.Context(), deploy, "-wait", "1ms", "smoke", "http://127.0.0.1:1").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "connection refused") || !strings.Contains(string(out), "step 1 of 1, smoke") {
		t.Errorf("of an address where nobody is: %v\n%s", err, out)
	}
}
