package e2e

import (
	"bufio"
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
	"time"

	"github.com/recon3d/recon3d/shared/contract/openapi"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
)

// system is the whole product, running on this machine, with the test as its workers.
type system struct {
	browser
	fleet   *fleet
	outbox  outbox
	redis   *redistest.Server // its data is written through to the disk
	host    *os.Process
	dir     string // DATA_DIR
	cosID   string
	cosKey  string
	logFile string
}

// start starts a system with workers workers. env is pairs of variable and value; they win over what is chosen here. It
// ends with the test, which fails if it does not end well.
func start(t *testing.T, workers int, env ...string) *system {
	t.Helper()
	secret := newSecret()
	s := &system{redis: redistest.Start(t), dir: t.TempDir(), cosID: "AKID" + token(), cosKey: token()}
	s.fleet = newFleet(t, workers, secret)
	vars := map[string]string{
		"HOME": s.dir, "PATH": os.Getenv("PATH"), "PORT": "0", "DATA_DIR": s.dir,
		"REDIS_URL": s.redis.URL, "WORKER_URLS": s.fleet.urls(), "CALLBACK_SECRETS": secret,
		"COS_SECRET_ID": s.cosID, "COS_SECRET_KEY": s.cosKey, "TICKET_SECRET": token() + token(),
		"SWEEP_INTERVAL": "200ms", "WEB_ROOT": program("site"),
		"HEARTBEAT_TIMEOUT": "10m", // a test that is slow is no worker that is lost
	}
	for i := 0; i < len(env); i += 2 {
		vars[env[i]] = env[i+1]
		if env[i+1] == "" {
			delete(vars, env[i])
		}
	}
	if vars["AUTH_MODE"] == "" {
		vars["AUTH_MODE"] = "none"
	}
	base := s.up(t, vars)
	// The gateway closes a connection on which nothing ever came after 10 s: not as it is taken into use.
	client := &http.Client{Transport: openapi.Transport(t, &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 5 * time.Second})}
	t.Cleanup(client.CloseIdleConnections)
	s.browser = browser{base: base, http: client}
	s.outbox = outbox{base: base.String() + "/api/reconstruction/callback", secret: secret, http: client}
	return s
}

// up runs the local host until the test ends, and tells its address once it is ready.
func (s *system) up(t *testing.T, vars map[string]string) *url.URL {
	t.Helper()
	s.logFile = filepath.Join(t.TempDir(), "log")
	logs, err := os.Create(s.logFile)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program("local"), "up")
	cmd.Dir, cmd.Stderr = os.Getenv(rootEnv), logs
	for name, value := range vars {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.host = cmd.Process
	ended := make(chan error, 1)
	ready := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if at, found := strings.CutPrefix(lines.Text(), "ready "); found {
				ready <- at
			}
		}
		ended <- cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended, which is told below
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the host ended with: %v", err)
			}
		case <-time.After(patience):
			t.Error("the host does not stop")
			_ = cmd.Process.Kill()
		}
		for _, line := range s.denials(t) {
			t.Errorf("a role in infra/cloud/roles lacks something: %s", line)
		}
		if t.Failed() {
			t.Log("the end of the host's log:\n" + s.logTail())
		}
	})
	select {
	case at := <-ready:
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		return u
	case err := <-ended:
		ended <- err
		t.Fatal("the host ended before it was ready")
	case <-time.After(2 * patience): // a worker's libraries load slowly
		t.Fatal("the host does not get ready")
	}
	return nil
}

// denials are the lines of the host's log that tell of what a function wanted to do to the bucket and its role does not allow. Not all of
// them are an error to the function's caller.
func (s *system) denials(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(s.logFile)
	if err != nil {
		t.Error(err)
	}
	var found []string
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, " may not name/cos:") {
			found = append(found, line)
		}
	}
	return found
}

// logTail is what the host's log says of trouble, and its end.
func (s *system) logTail() string {
	b, err := os.ReadFile(s.logFile)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	end := max(0, len(lines)-15)
	trouble := slices.DeleteFunc(slices.Clone(lines[:end]), func(l string) bool {
		return strings.Contains(l, `"level":"INFO"`) || strings.Contains(l, `"level":"DEBUG"`) || strings.Contains(l, "worker did not take the task")
	})
	return strings.Join(append(trouble[max(0, len(trouble)-25):], lines[end:]...), "\n")
}

// pid finds the one process of that program that the host started, as soon as there is one that is not in old.
func (s *system) pid(t *testing.T, program string, old ...int) int {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		entries, err := filepath.Glob("/proc/[0-9]*")
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range entries {
			stat, err := os.ReadFile(dir + "/stat") // pid (comm) state ppid …, see proc_pid_stat(5)
			if err != nil {
				continue // it has ended
			}
			name, rest, _ := strings.Cut(string(stat), ") ")
			_, name, _ = strings.Cut(name, "(")
			fields := strings.Fields(rest)
			n, _ := strconv.Atoi(filepath.Base(dir))
			if parent, _ := strconv.Atoi(fields[1]); name == program && fields[0] != "Z" && parent == s.host.Pid && !slices.Contains(old, n) {
				return n
			}
		}
	}
	t.Fatalf("the host runs no %s", program)
	return 0
}

// kill ends a function's process at once, and tells its pid.
func (s *system) kill(t *testing.T, program string) int {
	t.Helper()
	pid := s.pid(t, program)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return pid
}

// eventually waits until what is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if so() {
			return
		}
	}
	t.Fatalf("not within %v: %s", patience, what)
}

// order is a task as its user and its worker see it.
type order struct {
	*system
	t       *testing.T
	job     *job
	picture picture
	data    []byte // the picture
	created
	events *stream
}

// order uploads a new picture, makes a task of it that the workers answer as said, and listens to its events.
func (s *system) order(t *testing.T, reply func(dispatch) reply) *order {
	t.Helper()
	o := s.orderUnheard(t, reply)
	o.events = s.listen(t, o.SseURL, "")
	return o
}

// orderUnheard is order without a listener.
func (s *system) orderUnheard(t *testing.T, reply func(dispatch) reply) *order {
	t.Helper()
	o := &order{system: s, t: t, data: drawing()}
	o.job = s.fleet.expect(o.data, reply)
	o.picture = s.upload(t, o.data)
	o.created = s.create(t, o.picture.ID)
	return o
}

// status sends a status of the task.
func (o *order) status(attempt int, status string, more ...any) answer {
	o.t.Helper()
	return o.outbox.send(o.t, statusHook(o.TaskID, attempt, status, more...))
}

// file sends a small result of the task.
func (o *order) file(attempt int, name string, data []byte, more ...part) answer {
	o.t.Helper()
	return o.outbox.send(o.t, fileHook(o.TaskID, attempt, name, data, more...))
}

// document reads what the user sees of the task.
func (o *order) document() document {
	o.t.Helper()
	return o.task(o.t, o.TaskID)
}

// required are the results without which no task completes.
func required() []string { return []string{"pixel_images.png", "xyz_images.png", "output3d.zip"} }

// finish does the worker's work: the required results and the final status.
func (o *order) finish(attempt int) {
	o.t.Helper()
	for _, name := range required() {
		o.file(attempt, name, []byte(name+" of "+strconv.Itoa(attempt))).want(o.t, http.StatusOK)
	}
	o.status(attempt, "completed").want(o.t, http.StatusOK)
}
