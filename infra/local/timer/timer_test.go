package timer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tencentyun/scf-go-lib/cloudfunction"
	"github.com/tencentyun/scf-go-lib/events"
	"github.com/tencentyun/scf-go-lib/functioncontext"

	"github.com/recon3d/recon3d/infra/local/console"
	"github.com/recon3d/recon3d/infra/local/supervise"
)

// The test binary is its own event function: a real process of scf-go-lib.
func TestMain(m *testing.M) {
	if os.Getenv("_LAMBDA_SERVER_PORT") == "" {
		os.Exit(m.Run())
	}
	cloudfunction.Start(func(ctx context.Context, e events.TimerEvent) (string, error) {
		switch e.Message {
		case "fail":
			return "", errors.New("no Redis")
		case "panic":
			panic("boom")
		case "hang":
			<-ctx.Done()
			select {} // it does not even stop when it should
		case "block": // until somebody takes the other end
			conn, err := net.Dial("tcp", e.TriggerName)
			if err != nil {
				return "", err
			}
			_, err = io.Copy(io.Discard, conn)
			return "unblocked", err
		}
		fc, _ := functioncontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return fmt.Sprint(e, fc.FunctionName, fc.MemoryLimitInMb, fc.TimeLimitInMs, time.Until(deadline) > 0, " ", os.Getenv("TENCENTCLOUD_SECRETID")), nil
	})
}

// run starts the event function.
func run(t *testing.T) Function {
	t.Helper()
	port, release, err := supervise.ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	f := Function{Name: "sweeper", Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Memory: 128 << 20, Timeout: time.Minute}
	f.Environment = map[string]string{"TENCENTCLOUD_SECRETID": "of the role"}
	p := supervise.Start(supervise.Spec{
		Name: "sweeper", Path: os.Args[0], Env: []string{"_LAMBDA_SERVER_PORT=" + strconv.Itoa(port)}, Probe: f.Ping,
	}, console.New(io.Discard, false, slog.LevelInfo))
	t.Cleanup(p.Kill)
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestInvoke(t *testing.T) {
	f := run(t)
	got, err := f.Invoke(t.Context(), []byte(`{"Type":"Timer","TriggerName":"sweep","Time":"2019-02-21T11:49:00Z","Message":"hi"}`))
	want := strconv.Quote(fmt.Sprint(events.TimerEvent{Type: "Timer", TriggerName: "sweep", Time: "2019-02-21T11:49:00Z", Message: "hi"}, "sweeper", 128, 60000, true, " ", "of the role"))
	if string(got) != want || err != nil {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}

	for message, want := range map[string]Failure{"fail": {"errorString", "no Redis"}, "panic": {"string", "boom"}} {
		_, err := f.Invoke(t.Context(), []byte(`{"Message":"`+message+`"}`))
		var failed *Failure
		if !errors.As(err, &failed) || *failed != want {
			t.Errorf("%s: got %v", message, err)
		}
	}
	if _, err := f.Invoke(t.Context(), []byte(`no JSON`)); err == nil {
		t.Error("garbage was taken as an event")
	}

	f.Timeout = 50 * time.Millisecond
	if _, err := f.Invoke(t.Context(), []byte(`{"Message":"hang"}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("hang: got %v", err)
	}
	f.Address = "127.0.0.1:1"
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); err == nil || !strings.Contains(err.Error(), "call sweeper: ") {
		t.Errorf("down: got %v", err)
	}
}

// A tick does not wait for the one before it, and Run ends when all of them have.
func TestTicksOverlap(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f := run(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		Timer{Name: l.Addr().String(), Message: "block", Every: 20 * time.Millisecond, Function: f, Log: slog.New(slog.DiscardHandler)}.Run(ctx)
		close(ended)
	}()
	first, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	second, err := l.Accept() // while the first call is still held
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if err := errors.Join(first.Close(), second.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	<-ended
}
