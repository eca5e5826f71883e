package compose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recon3d/recon3d/infra/cloud/sandbox"
	"github.com/recon3d/recon3d/infra/local/client"
)

// patience bounds a wait for something that has to happen.
const patience = 2 * time.Minute

// host runs the services of compose.yaml as processes of a machine of its own: each at the name that it has among the containers, from what
// its image holds, with the environment and the command of the file.
type host struct {
	file
	programs string
	data     string
	said     map[string]*sandbox.Output
}

// build makes the programs of the images.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./functions/...", "./infra/cloud/bundle/scf_bootstrap", "./infra/cloud/images/probe", "./infra/cloud/compose/host")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the programs: %v\n%s", err, out)
	}
	site := filepath.Join(dir, "site")
	err := errors.Join(
		os.Mkdir(site, 0o700),
		os.WriteFile(filepath.Join(site, "index.html"), []byte("<!doctype html>"), 0o600),
		os.CopyFS(filepath.Join(dir, "worker"), os.DirFS(filepath.Join(root, "functions", "worker", "worker"))),
	)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// up starts all services, and returns when each one's own health check is content.
func up(t *testing.T, f file) *host {
	t.Helper()
	h := &host{file: f, programs: build(t), data: t.TempDir(), said: map[string]*sandbox.Output{}}
	names, addresses := map[string]string{}, map[string]string{}
	for i, name := range services(f) {
		addresses[name] = fmt.Sprintf("127.0.1.%d", i+1)
		names[name] = addresses[name]
		for _, alias := range f.Services[name].Networks["default"].Aliases {
			names[alias] = addresses[name]
		}
	}
	sandbox.Names(t, names)
	sandbox.ReadOnly(t) // as the containers: they write to their volumes and to /tmp
	t.Cleanup(func() {
		for name, said := range h.said {
			if t.Failed() {
				t.Logf("%s said:\n%s", name, said)
			}
		}
	})
	for _, name := range services(f) {
		h.start(t, name, addresses[name])
	}
	for _, name := range services(f) {
		h.healthy(t, name, addresses[name])
	}
	return h
}

// services are redis first, and the rest by their names.
func services(f file) []string {
	var names []string
	for name := range f.Services {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if a == "redis" || b == "redis" {
			return map[bool]int{true: -1, false: 1}[a == "redis"]
		}
		return strings.Compare(a, b)
	})
	return names
}

// start starts the program of a service's image, as the image's Dockerfile in infra/cloud/images starts it.
func (h *host) start(t *testing.T, name, address string) {
	t.Helper()
	s := h.Services[name]
	env := []string{"HOST=" + address} // in a container all addresses are its own
	for variable, value := range s.Environment {
		env = append(env, variable+"="+value)
	}
	said := &sandbox.Output{}
	h.said[name] = said
	folder := filepath.Join(h.data, name)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	args := slices.Clone(s.Command)
	for i, arg := range args { // volumes
		if arg == "/data" {
			args[i] = folder
		}
	}
	switch s.Image {
	case "recon3d-functions":
		program := "scf_bootstrap"
		if len(s.Entrypoint) > 0 {
			program = filepath.Base(s.Entrypoint[0])
		}
		sandbox.Start(t, "", h.programs, env, said, filepath.Join(h.programs, program))
	case "recon3d-host":
		sandbox.Start(t, "", root, env, said, filepath.Join(h.programs, "host"), args...)
	case "recon3d-worker":
		sandbox.Start(t, "", h.programs, append(env, workerEnv(folder)...), said, python(t), "-m", "worker")
	default:
		path, err := exec.LookPath(s.Command[0])
		if err != nil {
			t.Fatal("no redis-server on this machine: install Debian's package redis-server (`make test` does where it may)")
		}
		conf := filepath.Join(h.data, "redis.conf")
		content := strings.ReplaceAll(h.Configs["redis"].Content, "/data", folder) + "bind " + address + "\n"
		if err := os.WriteFile(conf, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		sandbox.Start(t, "", folder, env, said, path, conf)
	}
}

// python is what the image's step, infra/local/setup/venv, makes of the worker's packages.
func python(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, "functions", "worker", ".venv", "bin", "python"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// workerEnv is what the worker's image sets, with another folder.
func workerEnv(data string) []string {
	return []string{"HOST=0.0.0.0", "PORT=8000", "DATA_DIR=" + data, "PYTHONDONTWRITEBYTECODE=1"}
}

// healthy waits for a service: as its health check asks, of its own address.
func (h *host) healthy(t *testing.T, name, address string) {
	t.Helper()
	check := h.Services[name].Healthcheck.Test
	ask := func() error { return nil } // timer: it has none
	switch {
	case len(check) == 3 && check[1] == "/probe":
		ask = func() error { return listens(net.JoinHostPort(address, check[2])) }
	case name == "redis":
		ask = func() error { return listens(net.JoinHostPort(address, "6379")) }
	case name == "worker": // its image's own
		ask = func() error {
			cmd := exec.Command(python(t), "-m", "worker.probe")
			cmd.Dir, cmd.Env = h.programs, workerEnv("")
			out, err := cmd.CombinedOutput()
			if err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			return nil
		}
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not healthy: %v", name, err)
		}
	}
}

func listens(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// A photo becomes a model, by all services of the file together.
func TestAPictureThroughCompose(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root, "functions", "worker", ".venv", "bin", "python")); err != nil {
		t.Fatal("the worker has no Python environment: run make worker")
	}
	if !sandbox.Isolated(t) {
		return
	}
	env := example(t)
	up(t, read(t, env))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	base, err := url.Parse(env["PUBLIC_BASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	// On the host the gateway is at the published port, here at its name.
	base.Host = "gateway:8080"
	c := &client.Client{Base: base, HTTP: http.DefaultClient}
	picture, err := c.Upload(ctx, "ball.png", ball())
	if err != nil {
		t.Fatal(err)
	}
	task, err := c.Create(ctx, picture.ID)
	if err != nil {
		t.Fatal(err)
	}
	status := ""
	for e, err := range c.Events(ctx, task) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == "status" {
			status = e.Status
		}
		if e.Error != nil {
			t.Fatal(e.Error)
		}
	}
	done, err := c.Task(ctx, task.ID)
	if err != nil || status != "COMPLETED" || len(done.Results) < 3 {
		t.Fatalf("%s, %d results, %v", status, len(done.Results), err)
	}
	for _, r := range done.Results {
		var file bytes.Buffer
		if err := c.Download(ctx, r, &file); err != nil || file.Len() == 0 {
			t.Errorf("%s: %d bytes, %v", r.Name, file.Len(), err)
		}
	}
	if err := c.DeleteTask(ctx, task.ID); err != nil {
		t.Error(err)
	}
}

// ball is a photo of one, on white.
func ball() []byte {
	img := image.NewNRGBA(image.Rect(0, 0, 160, 160))
	for y := range 160 {
		for x := range 160 {
			dx, dy := x-80, y-80
			c := color.NRGBA{255, 255, 255, 255}
			if r := dx*dx + dy*dy; r < 60*60 {
				c = color.NRGBA{uint8(220 - r/40), 80, uint8(60 + y/2), 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}
