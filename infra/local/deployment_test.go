package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/recon3d/recon3d/infra/local/console"
	"github.com/recon3d/recon3d/infra/local/manifest"
	"github.com/recon3d/recon3d/infra/local/supervise"
	"github.com/recon3d/recon3d/infra/local/timer"
)

// Each function starts with nothing but the variables that serverless.yml gives it. The local host passes everything to
// everyone, so that only the cloud would show that one is missing.
func TestTheCloudGivesEachFunctionWhatItNeeds(t *testing.T) {
	stage, err := manifest.ReadStage(filepath.Join(root, "infra/cloud/env.example"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := manifest.ReadDeployment(filepath.Join(root, deploymentFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range d.Expand(stage.Map()).Functions {
		t.Run(f.Name, func(t *testing.T) {
			port, release, err := supervise.ReservePort()
			if err != nil {
				t.Fatal(err)
			}
			defer release()
			env := environ{}
			for _, v := range f.Environment {
				env[v.Name] = v.Value
			}
			address := "127.0.0.1:" + strconv.Itoa(port)
			probe := func(ctx context.Context) error { return accepts(ctx, address) }
			if f.Kind == manifest.Web { // as the bootstrap does
				env["RUN_MODE"], env["HOST"], env["PORT"] = "web", "127.0.0.1", strconv.Itoa(port)
				if env["FUNCTION"] != f.Name {
					t.Errorf("FUNCTION is %q: the bootstrap would start another one", env["FUNCTION"])
				}
			} else {
				env["_LAMBDA_SERVER_PORT"] = strconv.Itoa(port) // as the platform does
				probe = timer.Function{Name: f.Name, Address: address}.Ping
			}
			p := supervise.Start(supervise.Spec{
				Name: f.Name, Path: filepath.Join(os.Getenv("TEST_BIN"), f.Name), Env: env.list(), Probe: probe,
			}, console.New(io.Discard, false, slog.LevelInfo))
			defer p.Kill()
			if err := p.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
