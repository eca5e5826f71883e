package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

// target is what SCF's runtime Go1 runs: static programs for Linux, of any amd64. GOFLAGS and the like of the builder's own would change
// the bytes.
var target = []string{"GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off"}

// build builds all functions of d, and what starts them, into folder. Those that make build makes are of the builder's machine.
func build(ctx context.Context, folder string, d manifest.Deployment) error {
	if err := os.Mkdir(folder, 0o755); err != nil { //nolint:gosec // an image has it as it is, and its user is not the owner
		return err
	}
	// Without -trimpath the folder of the sources, and without -buildvcs=false the state of the checkout would be in the bytes.
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", folder + string(os.PathSeparator), "./infra/cloud/bundle/scf_bootstrap"}
	for _, f := range d.Functions {
		args = append(args, "./functions/"+f.Name)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env, cmd.Stderr = append(os.Environ(), target...), os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the functions: %w", err)
	}
	return nil
}
