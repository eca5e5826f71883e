// Package e2e tests the whole product from outside: the built binaries under the local host, a real redis-server, and a
// client that plays browser and worker from the contract alone. Nothing here signs, parses or decides with the product's
// own packages.
package e2e

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// patience bounds a wait for something that has to happen. It is no expectation: a test that meets it has failed anyway.
const patience = 3 * time.Minute

// The binaries are in a folder of this run, named to the tests by these variables, so that there are no globals.
const (
	binEnv  = "E2E_BIN"
	rootEnv = "E2E_ROOT"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	// The tests mostly wait, each for its own tasks.
	if err := flag.Set("test.parallel", "12"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "recon3d-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // a rest in the system's temporary folder harms nobody
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build makes every binary as it is shipped, and tells the tests where they are.
func build(dir string) error {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return fmt.Errorf("find the repository: %w", err)
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir+string(filepath.Separator), "./functions/...", "./infra/local")
	cmd.Dir, cmd.Stderr, cmd.Env = root, os.Stderr, append(os.Environ(), "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the binaries: %w", err)
	}
	site := filepath.Join(dir, "site") // a page that takes no Node to build
	if err := errors.Join(os.Mkdir(site, 0o700), os.WriteFile(filepath.Join(site, "index.html"), []byte("<!doctype html>"), 0o600)); err != nil {
		return err
	}
	if err := os.Setenv(binEnv, dir); err != nil {
		return err
	}
	return os.Setenv(rootEnv, root)
}

// program is the path of a built program.
func program(name string) string { return filepath.Join(os.Getenv(binEnv), name) }
