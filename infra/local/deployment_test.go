package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/recon3d/recon3d/infra/local/console"
	"github.com/recon3d/recon3d/infra/local/manifest"
	"github.com/recon3d/recon3d/infra/local/supervise"
	"github.com/recon3d/recon3d/infra/local/timer"
)

// Each function starts with nothing but the variables that serverless.yml gives it. The local host passes everything to
// everyone, so that only the cloud would show that one is missing.
func TestTheCloudGivesEachFunctionWhatItNeeds(t *testing.T) {
	stage := map[string]string{ // what ${env:…} stands for; the others may be empty
		"REDIS_URL": "redis://127.0.0.1:1/0", "COS_BUCKET_URL": "https://recon3d-1250000000.cos.ap-guangzhou.myqcloud.com",
		"JWT_SECRET": strings.Repeat("s", 32), "TICKET_SECRET": strings.Repeat("t", 32), "CALLBACK_SECRETS": "whsec_" + strings.Repeat("A", 44),
		"PUBLIC_BASE_URL": "https://recon3d.example", "WORKER_URLS": "https://worker.example", "LOG_LEVEL": "info",
	}
	d, err := manifest.ReadDeployment(filepath.Join(root, deploymentFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range d.Functions {
		t.Run(f.Name, func(t *testing.T) {
			port, release, err := supervise.ReservePort()
			if err != nil {
				t.Fatal(err)
			}
			defer release()
			env := environ{}
			for name, value := range f.Environment {
				if of, ok := strings.CutPrefix(value, "${env:"); ok {
					value = stage[strings.TrimSuffix(of, "}")]
				}
				env[name] = value
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
