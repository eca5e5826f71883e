package main

import (
	"flag"
	"io"
	"log/slog"
	"os"
	"testing"

	"github.com/recon3d/recon3d/shared/scf"
)

// TestMain makes the test binary the function itself where a test starts it as one, and else keeps logs to go test -v.
func TestMain(m *testing.M) {
	if os.Getenv("WEB_TEST_PROCESS") != "" {
		scf.Run(build)
	}
	flag.Parse()
	if !testing.Verbose() {
		slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	}
	os.Exit(m.Run())
}
