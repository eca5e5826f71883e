package scf

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain makes the test binary a function of its own where a test starts it as one.
func TestMain(m *testing.M) {
	switch os.Getenv("SCF_TEST_PROCESS") {
	case "http":
		Run(func(ctx context.Context) (http.Handler, error) { return handler(ctx), nil })
	case "timer":
		RunTimer(func(context.Context) (func(context.Context) error, error) { return tick, nil })
	case "broken":
		Run(func(context.Context) (http.Handler, error) { return nil, errors.New("OTHER_VARIABLE is not set") })
	}
	os.Exit(m.Run())
}

// seen is what a handler was given.
type seen struct {
	Method, Host, Path, EscapedPath, RequestURI, RemoteAddr string
	Query                                                   map[string][]string
	Header                                                  map[string][]string
	Body                                                    string
	ContentLength                                           int64
	Credentials                                             string
	Limited                                                 bool // its context has a deadline
}

// handler answers with what it was given, or as the path says.
func handler(stopping context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		id, key, token, ok := Credentials(r.Context())
		_, limited := r.Context().Deadline()
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(seen{ //nolint:errcheck // the test sees it
			r.Method, r.Host, r.URL.Path, r.URL.EscapedPath(), r.RequestURI, r.RemoteAddr, r.URL.Query(), r.Header, string(body),
			r.ContentLength, fmt.Sprint(id, " ", key, " ", token, " ", ok), limited,
		})
	})
	mux.HandleFunc("/form", func(w http.ResponseWriter, r *http.Request) {
		file, _, err := r.FormFile("file")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "image/png")
		io.Copy(w, file) //nolint:errcheck // the test sees it
	})
	mux.HandleFunc("/cookies", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.WriteHeader(http.StatusCreated)
		w.Header().Set("X-Late", "not sent")
		w.WriteHeader(http.StatusTeapot)
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for i := range 3 {
			fmt.Fprintf(w, "id: %d\ndata: \xff\n\n", i)
		}
	})
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "id: 1\n\nid: 2\n\n")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		fmt.Fprintln(w, ":", r.Context().Err())
	})
	mux.HandleFunc("/abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/until-told", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "begun")
		http.NewResponseController(w).Flush()
		slog.Info("waiting", "path", r.URL.Path) // tells the test
		select {
		case <-stopping.Done():
			fmt.Fprintln(w, "told to stop")
		case <-r.Context().Done():
			fmt.Fprintln(w, "out of time")
		}
	})
	return mux
}

func tick(ctx context.Context) error {
	id, key, token, ok := Credentials(ctx)
	slog.Info("tick", "credentials", fmt.Sprint(id, " ", key, " ", token, " ", ok))
	if os.Getenv("TICK_FAILS") != "" {
		return errors.New("it was too much")
	}
	return nil
}

// process is a function as a process of its own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func start(t *testing.T, kind string, env ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append([]string{"SCF_TEST_PROCESS=" + kind}, env...)
	stderr, err := p.cmd.StderrPipe()
	must(t, err)
	must(t, p.cmd.Start())
	t.Cleanup(func() {
		p.cmd.Process.Kill() //nolint:errcheck // it may have ended
		p.cmd.Wait()         //nolint:errcheck // likewise
	})
	p.lines = bufio.NewScanner(stderr)
	return p
}

// logged reads the log up to a line with that message.
func (p *process) logged(msg string) map[string]any {
	p.t.Helper()
	var before []string
	for p.lines.Scan() {
		before = append(before, p.lines.Text())
		var line map[string]any
		if err := json.Unmarshal(p.lines.Bytes(), &line); err != nil {
			p.t.Errorf("no line of a log: %s", p.lines.Text()) // a panic, a data race
			continue
		}
		if line["msg"] == msg {
			return line
		}
	}
	p.t.Fatalf("the process ended without %q:\n%s", msg, strings.Join(before, "\n"))
	return nil
}

// exit waits for the end, and tells the exit code.
func (p *process) exit() int {
	p.t.Helper()
	for p.lines.Scan() { // it can't end before its log is read
		continue
	}
	var failed *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &failed) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	must(t, l.Close())
	return port
}

func TestWrongSettingsAreNamedTogether(t *testing.T) {
	for name, row := range map[string]struct {
		kind string
		env  []string
		want []string
	}{
		"mode":           {"broken", []string{"RUN_MODE=cgi", "PORT=70000", "LOG_LEVEL=loud"}, []string{"RUN_MODE", "web, event, lambda", "PORT", "LOG_LEVEL", "OTHER_VARIABLE is not set"}},
		"event":          {"http", []string{"RUN_MODE=event"}, []string{"_LAMBDA_SERVER_PORT is not set"}},
		"lambda":         {"http", []string{"RUN_MODE=lambda"}, []string{"AWS_LAMBDA_RUNTIME_API is not set"}},
		"timer":          {"timer", nil, []string{"_LAMBDA_SERVER_PORT is not set"}},
		"timer as a web": {"timer", []string{"RUN_MODE=web"}, []string{"web functions take no timer"}},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append([]string{"SCF_TEST_PROCESS=" + row.kind}, row.env...)
			out, err := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != 2 {
				t.Errorf("exit %d: %v", code, err)
			}
			for _, want := range row.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("%q is not in:\n%s", want, out)
				}
			}
		})
	}
}

func waitUntil(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never came")
		}
	}
}
