package supervise

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/recon3d/recon3d/infra/local/console"
)

// The test binary is its own child: ROLE says which.
func TestMain(m *testing.M) {
	switch os.Getenv("ROLE") {
	case "":
		os.Exit(m.Run())
	case "server": // answers on PORT until SIGTERM
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		listen()
		<-stop
		fmt.Fprintln(os.Stderr, `{"msg":"drained"}`)
	case "deaf": // answers on PORT, and to no SIGTERM
		signal.Ignore(syscall.SIGTERM)
		listen()
		select {}
	case "broken":
		fmt.Fprintln(os.Stderr, `{"msg":"can't start","error":"REDIS_URL is not set"}`)
		os.Exit(2)
	case "hungry": // answers, then takes 256 MB
		listen()
		hog := bytes.Repeat([]byte("x"), 256<<20)
		<-make(chan struct{})
		runtime.KeepAlive(hog)
	case "host": // supervises a server and a grandchild of it, until killed
		p := Start(spec("server", os.Getenv("PORT")), console.New(io.Discard, false, slog.LevelInfo))
		if err := p.Wait(context.Background()); err != nil {
			panic(err)
		}
		fmt.Println(p.Pid())
		select {}
	}
}

func listen() {
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
}

func spec(role, port string) Spec {
	return Spec{
		Name: role, Path: os.Args[0], Env: []string{"ROLE=" + role, "PORT=" + port},
		Probe: func(ctx context.Context) error {
			c, err := new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:"+port)
			if err == nil {
				err = c.Close()
			}
			return err
		},
	}
}

func start(t *testing.T, role string, memory int64) (*Process, *output) {
	t.Helper()
	port, release, err := ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	s := spec(role, strconv.Itoa(port))
	s.Memory = memory
	out := &output{changed: make(chan struct{})}
	p := Start(s, console.New(out, false, slog.LevelDebug))
	t.Cleanup(func() {
		p.Kill()
		<-p.done
		release()
	})
	return p, out
}

// output is what a console printed, to be waited for.
type output struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(p)
}

// wait returns when the output holds n times text.
func (o *output) wait(t *testing.T, text string, n int) {
	t.Helper()
	for {
		o.mu.Lock()
		all, changed := o.text.String(), o.changed
		o.mu.Unlock()
		if strings.Count(all, text) >= n {
			return
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatalf("never printed %q, but:\n%s", text, all)
		}
	}
}

func TestRestartsWhatDies(t *testing.T) {
	p, out := start(t, "server", 0)
	for n := range 3 {
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		pid := p.Pid()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		out.wait(t, `"reason":"signal: killed"`, n+1)
	}
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestStopDrains(t *testing.T) {
	p, out := start(t, "server", 0)
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Stop(t.Context())
	out.wait(t, `"msg":"drained"`, 1)
	if p.Pid() != 0 {
		t.Error("it still runs")
	}
	if err := p.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "was stopped") {
		t.Errorf("got %v", err)
	}
}

func TestStopKillsTheDeaf(t *testing.T) {
	p, out := start(t, "deaf", 0)
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	p.Stop(over)
	out.wait(t, "did not stop in time, killed", 1)
	out.wait(t, `"reason":"signal: killed"`, 1)
}

func TestSaysWhyItDoesNotComeUp(t *testing.T) {
	p, _ := start(t, "broken", 0)
	err := p.Wait(t.Context())
	if err == nil || err.Error() != "broken does not come up: exit status 2, last line: can't start: REDIS_URL is not set" {
		t.Errorf("got %v", err)
	}
}

func TestSaysThatABinaryIsMissing(t *testing.T) {
	p := Start(Spec{Name: "tasks", Path: "/nowhere/tasks"}, console.New(io.Discard, false, slog.LevelInfo))
	defer p.Kill()
	if err := p.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	p := Start(Spec{Name: "mute", Path: os.Args[0], Env: []string{"ROLE=deaf"}, Probe: func(context.Context) error { return errors.New("no answer") }}, console.New(io.Discard, false, slog.LevelInfo))
	defer p.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestHoldsMemory(t *testing.T) {
	_, out := start(t, "hungry", 128<<20)
	out.wait(t, `"reason":"out of memory: `, 1)
}

// A host that is killed with SIGKILL can't clean up: the kernel does.
func TestDiesWithItsHost(t *testing.T) {
	port, release, err := ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	host := exec.Command(os.Args[0])
	host.Env = []string{"ROLE=host", "PORT=" + strconv.Itoa(port)}
	host.Stderr = os.Stderr
	said, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	child, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Signal(syscall.Signal(0)); err != nil {
		t.Fatalf("the child does not run: %v", err)
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait() // "signal: killed"
	for gone := false; !gone; {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if gone = err != nil; !gone {
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	}
}

func TestBackoff(t *testing.T) {
	var b backoff
	for i, c := range []struct{ ran, want time.Duration }{
		{0, 50 * time.Millisecond},
		{0, 100 * time.Millisecond},
		{9 * time.Second, 200 * time.Millisecond},
		{10 * time.Second, 50 * time.Millisecond},
	} {
		if got := b.next(c.ran); got != c.want {
			t.Errorf("pause %d: got %s, want %s", i, got, c.want)
		}
	}
	for range 20 {
		b.next(0)
	}
	if got := b.next(0); got != 5*time.Second {
		t.Errorf("most: got %s", got)
	}
}

func TestReservedPortIsOursAlone(t *testing.T) {
	port, release, err := ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for range 2 { // as before and after a restart
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if l.Addr().(*net.TCPAddr).Port == port {
			t.Error("the system gave the reserved port away")
		}
		defer l.Close()
	}
}
