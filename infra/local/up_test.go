package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/recon3d/recon3d/infra/local/client"
)

// The tests drive the built binaries from outside, as a person does.
func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "recon3d-local-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+"/", "./functions/...", "./infra/local")
	build.Dir, build.Stderr, build.Env = root, os.Stderr, append(os.Environ(), "CGO_ENABLED=0")
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the binaries:", err)
		return 1
	}
	// A page beside the binaries, as in the bundle: the tests need no Node.
	if err := errors.Join(os.Mkdir(dir+"/site", 0o700), os.WriteFile(dir+"/site/index.html", []byte(page), 0o600)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Setenv("TEST_BIN", dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

const (
	root = "../.."
	page = "<!doctype html>"
)

// local is a run of the host.
type local struct {
	*exec.Cmd
	url  string // empty if it did not get ready
	logs *bytes.Buffer
}

func command(t *testing.T, env []string, args ...string) local {
	t.Helper()
	l := local{Cmd: exec.CommandContext(t.Context(), filepath.Join(os.Getenv("TEST_BIN"), "local"), args...), logs: &bytes.Buffer{}}
	l.Dir, l.Stderr = root, l.logs
	l.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PORT=0", "WEB_ROOT=" + filepath.Join(os.Getenv("TEST_BIN"), "site")}, env...)
	return l
}

// ready starts `up` and waits until it says that it is ready.
func ready(t *testing.T, env ...string) local {
	t.Helper()
	return readyIn(t, root, env...)
}

func readyIn(t *testing.T, dir string, env ...string) local {
	t.Helper()
	l := command(t, append([]string{"WORKER_URLS=http://127.0.0.1:1"}, env...))
	l.Dir = dir
	l.Cancel = func() error { return l.Process.Signal(syscall.SIGTERM) }
	out, err := l.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if !ok {
		_ = l.Wait()
		t.Fatalf("it printed %q (%v) and not that it is ready:\n%s", line, err, l.logs)
	}
	l.url = url
	return l
}

// stop sends the signal of Ctrl-C and wants a clean end.
func (l local) stop(t *testing.T) {
	t.Helper()
	if err := l.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := l.Wait(); err != nil {
		t.Errorf("it ended with %v:\n%s", err, l.logs)
	}
}

// children tells the processes that the host started, by name.
func (l local) children(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		before, after, _ := strings.Cut(string(stat), ") ") // pid (comm) state ppid …, proc_pid_stat(5)
		pid, name, _ := strings.Cut(before, " (")
		if fields := strings.Fields(after); fields[1] == strconv.Itoa(l.Process.Pid) && fields[0] != "Z" {
			if found[name], err = strconv.Atoi(pid); err != nil {
				t.Fatal(err)
			}
		}
	}
	return found
}

// picture is a PNG of a disc on white.
func picture(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 256, 256))
	for y := range 256 {
		for x := range 256 {
			img.Set(x, y, color.White)
			if dx, dy := x-128, y-128; dx*dx+dy*dy < 80*80 {
				img.Set(x, y, color.RGBA{R: 200, G: uint8(x), B: uint8(y), A: 255})
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func upload(t *testing.T, api string) client.Picture {
	t.Helper()
	c, err := client.New(api)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Upload(t.Context(), "disc.png", picture(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func get(t *testing.T, url string) (status int, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body
}

// What was stored is there in the next run, however the last one ended, and the URLs that were given out stay good.
func TestDataOutlivesARun(t *testing.T) {
	dir := t.TempDir()
	l := ready(t, "DATA_DIR="+dir)
	first := upload(t, l.url)
	second := command(t, []string{"DATA_DIR=" + dir, "WORKER_URLS=http://127.0.0.1:1"})
	if err := second.Run(); err == nil || !strings.Contains(second.logs.String(), fmt.Sprintf("is in use by process %d", l.Process.Pid)) {
		t.Errorf("a second host over the same folder: %v, %s", err, second.logs)
	}
	l.stop(t)

	l = ready(t, "DATA_DIR="+dir)
	if status, body := get(t, first.URL); status != http.StatusOK || !bytes.Equal(body, picture(t)) {
		t.Errorf("the URL of the last run: %d, %d bytes", status, len(body))
	}
	children := l.children(t)
	for _, name := range []string{"picture", "create-task", "tasks", "callback-result", "callback-status", "relay", "web", "sweeper", "redis-server"} {
		if children[name] == 0 {
			t.Errorf("%s is no process of its own: %v", name, children)
		}
	}
	if err := l.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = l.Wait() // "signal: killed"

	l = ready(t, "DATA_DIR="+dir)
	status, body := get(t, l.url+"/picture/list/page")
	var page struct{ Items []client.Picture }
	if err := json.Unmarshal(body, &page); status != http.StatusOK || err != nil || len(page.Items) != 1 || page.Items[0].ID != first.ID {
		t.Errorf("after a kill: %d, %s", status, body)
	}
	l.stop(t)
	for name, pid := range children {
		if state, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil && !strings.Contains(string(state), "State:\tZ") { // proc_pid_status(5)
			t.Errorf("%s outlived its host", name)
		}
	}
}

func TestWithoutARedisServer(t *testing.T) {
	l := ready(t, "DATA_DIR="+t.TempDir(), "PATH=/nowhere")
	upload(t, l.url)
	l.stop(t)
	if !strings.Contains(l.logs.String(), "Redis is embedded: its data is gone at exit") {
		t.Errorf("it does not say so:\n%s", l.logs)
	}
}

// The page comes from the same origin as the API, and may use it and the bucket, by either of the machine's names.
func TestPage(t *testing.T) {
	l := ready(t, "DATA_DIR="+t.TempDir(), "CSP_ORIGINS=https://login.example")
	p := upload(t, l.url)
	bucket, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/": 200, "/app/tasks": 200, "/assets/nothing.js": 404, "/picture/list/page": 200} {
		status, body := get(t, l.url+path)
		if isPage := string(body) == page; status != want || isPage != (path == "/" || path == "/app/tasks") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	res, err := http.Get(l.url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	beside := " http://" + bucket.Host + " https://login.example;"
	policy := res.Header.Get("Content-Security-Policy")
	for _, directive := range []string{"script-src 'self';", "connect-src 'self' blob:" + beside, "img-src 'self' blob: data:" + beside} {
		if !strings.Contains(policy, directive) {
			t.Errorf("no %s in %s", directive, policy)
		}
	}
	for origin, allowed := range map[string]bool{l.url: true, strings.Replace(l.url, "localhost", "127.0.0.1", 1): true, "https://login.example": false} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, p.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", http.MethodPut)
		r.Header.Set("Access-Control-Request-Headers", "content-type")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		h := res.Header
		if may := h.Get("Access-Control-Allow-Origin") == origin && strings.Contains(h.Get("Access-Control-Allow-Methods"), "PUT") && h.Get("Access-Control-Allow-Headers") == "content-type"; may != allowed {
			t.Errorf("a page of %s: %d %v", origin, res.StatusCode, h)
		}
	}
	l.stop(t)
}

// On a machine without Node there is no page, and all else works. It is run in a folder where none was built.
func TestWithoutAPage(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{deploymentFile, routesFile} {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700), os.WriteFile(filepath.Join(dir, name), data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	l := readyIn(t, dir, "DATA_DIR="+t.TempDir(), "WEB_ROOT=")
	upload(t, l.url)
	for _, path := range []string{"/", "/app/tasks", "/assets/x.js"} {
		if status, body := get(t, l.url+path); status != http.StatusNotFound || !strings.Contains(string(body), `"code":"not_found"`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if n := l.children(t)["web"]; n != 0 {
		t.Error("the function runs without a page")
	}
	l.stop(t)
	if !strings.Contains(l.logs.String(), "there is no page: make web builds it") {
		t.Errorf("it does not say so:\n%s", l.logs)
	}
}

// Whoever is killed is back, and the log says why it was away.
func TestRestartsAFunction(t *testing.T) {
	l := ready(t, "DATA_DIR="+t.TempDir())
	for range 3 {
		if err := syscall.Kill(l.children(t)["picture"], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		upload(t, l.url)
	}
	l.stop(t)
	if !strings.Contains(l.logs.String(), `"function":"picture"`) || !strings.Contains(l.logs.String(), `"reason":"signal: killed`) {
		t.Errorf("it does not say why:\n%s", l.logs)
	}
}

func TestSaysWhyItDoesNotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"port in use":        {[]string{"PORT=" + strconv.Itoa(port)}, fmt.Sprintf("port %d is in use: stop what uses it, or take another one: PORT=%d make up\n", port, port+1)},
		"open to everybody":  {[]string{"HOST=0.0.0.0"}, "configuration:\n  HOST=0.0.0.0 would open the system to the network while AUTH_MODE=none lets everybody in: leave HOST out, or set AUTH_MODE=jwt\n"},
		"two wrong values":   {[]string{"PORT=x", "SWEEP_INTERVAL=fast"}, "SWEEP_INTERVAL"},
		"a wrong Redis URL":  {[]string{"REDIS_URL=localhost:6379"}, "REDIS_URL: is not of the form redis://host:port/db\n"},
		"a function refuses": {[]string{"AUTH_MODE=jwt"}, " does not come up: exit status 2, last line: start failed: configuration:\n  JWT_SECRET and JWT_JWKS_URL are not set: AUTH_MODE=jwt needs one of them\n"},
		"no page there":      {[]string{"WEB_ROOT=/nowhere"}, "web does not come up: exit status 2, last line: start failed: WEB_ROOT: the page in /nowhere can't be served: there is no index.html, which make web builds"},
		"half a credential":  {[]string{"COS_SECRET_ID=AKIDx"}, "COS_SECRET_ID and COS_SECRET_KEY go together"},
	} {
		t.Run(name, func(t *testing.T) {
			l := command(t, append([]string{"DATA_DIR=" + t.TempDir(), "WORKER_URLS=http://127.0.0.1:1"}, c.env...), "up")
			err := l.Run()
			if err == nil || l.ProcessState.ExitCode() != 1 || !strings.Contains(l.logs.String(), c.want) {
				t.Errorf("%v, want exit code 1 and %q in:\n%s", err, c.want, l.logs)
			}
		})
	}
}

// The demo, with the real worker.
func TestDemo(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root, workerPython)); err != nil {
		t.Fatal("the worker has no Python environment: make worker makes it")
	}
	image, out := filepath.Join(t.TempDir(), "disc.png"), filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(image, picture(t), 0o600); err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	l := command(t, []string{"TMPDIR=" + tmp}, "demo", image, out)
	said, err := l.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, l.logs)
	}
	files, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(said), "100 %  done\n") || !strings.Contains(string(said), fmt.Sprintf("\n%d files, ", len(files))) {
		t.Errorf("of %d files it said:\n%s", len(files), said)
	}
	for _, name := range []string{"model.glb", "output3d.zip", "pixel_images.png", "xyz_images.png", "report.json", "thumbnail.png"} {
		if !slices.ContainsFunc(files, func(f os.DirEntry) bool { return f.Name() == name }) {
			t.Errorf("no %s", name)
		}
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// The demo says in one sentence what is wrong, before it starts anything.
func TestDemoRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, text := file("a.png", picture(t)), file("a.txt", []byte("hello"))
	huge := file("huge.png", nil)
	if err := os.Truncate(huge, largestPicture+1); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ image, out, want string }{
		"no picture":     {"", "out", "demo needs a picture and a folder for the results: make demo IMAGE=photo.png OUT=out/\n"},
		"missing":        {filepath.Join(dir, "b.png"), dir, "the picture can't be read: stat " + dir + "/b.png: no such file or directory\n"},
		"a folder":       {dir, dir, dir + " is a folder, not a picture\n"},
		"text":           {text, dir, text + " is no JPEG, PNG or WebP picture\n"},
		"huge":           {huge, dir, huge + " is larger than the 50 MiB that a picture may have\n"},
		"out is a file":  {good, text, "the folder for the results can't be made: mkdir " + text + ": not a directory\n"},
		"out of nowhere": {good, "/proc/out", "the folder for the results can't be made: mkdir /proc/out: no such file or directory\n"},
	} {
		t.Run(name, func(t *testing.T) {
			l := command(t, nil, "demo", c.image, c.out)
			if err := l.Run(); err == nil || l.ProcessState.ExitCode() != 1 || l.logs.String() != c.want {
				t.Errorf("%v: got %q, want %q", err, l.logs, c.want)
			}
		})
	}

	// What only the API can tell is told too, and its fault is no reason to look at logs.
	cut := file("cut.png", picture(t)[:400])
	l := command(t, []string{"WORKER_URLS=http://127.0.0.1:1"}, "demo", cut, filepath.Join(dir, "out"))
	if err := l.Run(); err == nil || !strings.HasPrefix(l.logs.String(), "the picture was not taken: ") || strings.Contains(l.logs.String(), "the log of all parts") {
		t.Errorf("%v: %s", err, l.logs)
	}
}

func TestInterruptedDemo(t *testing.T) {
	image := filepath.Join(t.TempDir(), "disc.png")
	if err := os.WriteFile(image, picture(t), 0o600); err != nil {
		t.Fatal(err)
	}
	l := command(t, []string{"WORKER_URLS=http://127.0.0.1:1", "TMPDIR=" + t.TempDir()}, "demo", image, filepath.Join(t.TempDir(), "out"))
	out, err := l.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), "uploading") { // no worker will ever take it
			break
		}
	}
	if err := l.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := l.Wait(); err == nil || l.logs.String() != "stopped\n" {
		t.Errorf("%v: %q", err, l.logs)
	}
}

// readiness tells the first part that does not come up.
func TestReadiness(t *testing.T) {
	var r readiness
	r.add(func(context.Context) error { return nil })
	r.add(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	r.add(func(context.Context) error { return fmt.Errorf("relay does not come up") })
	if err := r.wait(t.Context(), comeUp); err == nil || err.Error() != "relay does not come up" {
		t.Errorf("got %v", err)
	}
}
