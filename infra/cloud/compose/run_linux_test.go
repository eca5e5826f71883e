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
	programs  string
	python    string
	data      string
	addresses map[string]string
	running   map[string]*exec.Cmd
	said      map[string]*sandbox.Output
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
	h := &host{
		file: f, programs: build(t), python: python(t), data: t.TempDir(), addresses: map[string]string{}, running: map[string]*exec.Cmd{}, said: map[string]*sandbox.Output{},
	}
	names := map[string]string{}
	for i, name := range services(f) {
		h.addresses[name] = fmt.Sprintf("127.0.1.%d", i+1)
		names[name] = h.addresses[name]
		for _, alias := range f.Services[name].Networks["default"].Aliases {
			names[alias] = h.addresses[name]
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
		h.start(t, name)
	}
	for _, name := range services(f) {
		h.healthy(t, name)
	}
	return h
}

// crash ends a service as a crash does, and starts it again over what it has written, as its `restart` says.
func (h *host) crash(t *testing.T, name string) {
	t.Helper()
	if restart := h.Services[name].Restart; restart != "unless-stopped" {
		t.Fatalf("%s has restart: %q, and would stay down", name, restart)
	}
	if err := h.running[name].Process.Kill(); err != nil {
		t.Fatalf("%s has ended by itself: %v", name, err)
	}
	_ = h.running[name].Wait() // killed
	if name != "timer" && h.ask(name) == nil {
		t.Errorf("%s is dead, and its health check is content", name)
	}
	h.start(t, name)
	h.healthy(t, name)
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
func (h *host) start(t *testing.T, name string) {
	t.Helper()
	s, address := h.Services[name], h.addresses[name]
	env := []string{"HOST=" + address} // in a container all addresses are its own
	for variable, value := range s.Environment {
		env = append(env, variable+"="+value)
	}
	if h.said[name] == nil {
		h.said[name] = &sandbox.Output{}
	}
	folder := filepath.Join(h.data, name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	args := slices.Clone(s.Command)
	for i, arg := range args { // volumes
		if arg == "/data" {
			args[i] = folder
		}
	}
	start := func(dir string, env []string, program string, args ...string) {
		h.running[name] = sandbox.Start(t, "", dir, env, h.said[name], program, args...)
	}
	switch s.Image {
	case "recon3d-functions":
		program := "scf_bootstrap"
		if len(s.Entrypoint) > 0 {
			program = filepath.Base(s.Entrypoint[0])
		}
		start(h.programs, env, filepath.Join(h.programs, program))
	case "recon3d-host":
		start(root, env, filepath.Join(h.programs, "host"), args...)
	case "recon3d-worker":
		start(h.programs, append(env, workerEnv(folder)...), h.python, "-m", "worker")
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
		start(folder, env, path, conf)
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

// ask asks a service as its health check does, at its own address.
func (h *host) ask(name string) error {
	check, address := h.Services[name].Healthcheck.Test, h.addresses[name]
	switch {
	case len(check) == 3 && check[1] == "/probe":
		return listens(net.JoinHostPort(address, check[2]))
	case name == "redis":
		cmd := exec.Command("redis-cli", append([]string{"-h", address}, check[2:]...)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "REDISCLI_AUTH=" + h.Services[name].Environment["REDISCLI_AUTH"]}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
	case name == "worker": // its image's own
		cmd := exec.Command(h.python, "-m", "worker.probe")
		cmd.Dir, cmd.Env = h.programs, workerEnv("")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
	}
	return nil // timer has no check
}

// healthy waits until a service's health check is content.
func (h *host) healthy(t *testing.T, name string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := h.ask(name)
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

// A photo becomes a model, by all services of the file together, though each of them crashes in its turn while it is on its way; and so does
// another one afterwards.
func TestAPictureThroughCompose(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root, "functions", "worker", ".venv", "bin", "python")); err != nil {
		t.Fatal("the worker has no Python environment: run make worker")
	}
	if !sandbox.Isolated(t) {
		return
	}
	env := example(t)
	h := up(t, read(t, env))
	base, err := url.Parse(env["PUBLIC_BASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	// On the host the gateway is at the published port, here at its name.
	base.Host = "gateway:8080"
	c := &client.Client{Base: base, HTTP: http.DefaultClient}
	first := begun(t, c)
	for _, name := range services(h.file) {
		h.crash(t, name)
	}
	completed(t, c, first)
	completed(t, c, begun(t, c))
}

// begun is a task that was just made of a photo.
func begun(t *testing.T, c *client.Client) client.Task {
	t.Helper()
	picture, err := c.Upload(t.Context(), "ball.png", ball())
	if err != nil {
		t.Fatal(err)
	}
	task, err := c.Create(t.Context(), picture.ID)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// completed waits for a task's end, fetches its results, and deletes it.
func completed(t *testing.T, c *client.Client, task client.Task) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
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
