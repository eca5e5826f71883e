// Package schema holds the files of infra/cloud that other programs read against those programs' own readers: compose.yaml, the Dockerfiles,
// the manifests for Kubernetes, the Terraform module. It is a module of its own, for these readers are large.
package schema

import (
	"bufio"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = "../../.."

// variables reads a file of NAME=value lines.
func variables(t *testing.T, path string) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok && !strings.HasPrefix(name, "#") {
			found[name] = value
		}
	}
	return found
}

func composeProject(t *testing.T, env map[string]string) (*types.Project, error) {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("..", "compose"))
	if err != nil {
		return nil, err
	}
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  folder,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(folder, "compose.yaml")}},
		Environment: env,
	}, func(o *loader.Options) { o.Profiles = strings.Split(env["COMPOSE_PROFILES"], ",") })
}

// compose.yaml is right by the Compose specification's schema, as docker compose reads it.
func TestCompose(t *testing.T) {
	env := variables(t, "../compose/env.example")
	p, err := composeProject(t, env)
	if err != nil {
		t.Fatal(err)
	}
	volumes := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		s := p.Services[name]
		if s.Restart != "unless-stopped" {
			t.Errorf("%s is not started again", name)
		}
		if s.Privileged || s.NetworkMode == "host" || name != "redis" && (!s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"})) {
			t.Errorf("%s may more than it needs", name)
		}
		for _, v := range s.Volumes {
			if v.Type != "volume" || volumes[v.Source] {
				t.Errorf("%s: %s is no volume of its own", name, v.Source)
			}
			volumes[v.Source] = true
		}
		if s.Build == nil {
			if !strings.Contains(s.Image, ":") || strings.HasSuffix(s.Image, ":latest") {
				t.Errorf("%s has the image %s of whatever version", name, s.Image)
			}
			continue
		}
		if d := dockerfile(t, filepath.Join(root, s.Build.Dockerfile)); d.stage(s.Build.Target) == nil {
			t.Errorf("%s is built to %s, which %s does not have", name, s.Build.Target, s.Build.Dockerfile)
		}
		if context, err := filepath.Abs(root); err != nil || s.Build.Context != context {
			t.Errorf("%s is built in %s, not in the project's root, %v", name, s.Build.Context, err)
		}
	}
	if len(volumes) != len(p.Volumes) {
		t.Errorf("volumes %v, of %v", volumes, p.VolumeNames())
	}
	if _, there := p.Services["cos"]; !there {
		t.Error("with the example there is no bucket")
	}
}

// A secret that is not set is told, and not made empty; with a bucket of COS there is no other one.
func TestComposeWithout(t *testing.T) {
	for _, name := range []string{"REDIS_PASSWORD", "TICKET_SECRET", "CALLBACK_SECRETS", "COS_SECRET_KEY", "AUTH_MODE"} {
		env := variables(t, "../compose/env.example")
		env[name] = ""
		if _, err := composeProject(t, env); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	env := variables(t, "../compose/env.example")
	env["COMPOSE_PROFILES"] = ""
	p, err := composeProject(t, env)
	if err != nil {
		t.Fatal(err)
	}
	if _, there := p.Services["cos"]; there {
		t.Error("the bucket's container is there though its profile is not asked for")
	}
}
