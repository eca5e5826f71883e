package main

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"net/rpc"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/auth"
)

const ticketSecret = "the secret of a process's tickets"

// startProcess runs the relay as its own process, and returns it with the lines of its log.
func startProcess(t *testing.T, w *world, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append([]string{
		"RELAY_TEST_PROCESS=1", "REDIS_URL=" + w.redis.URL, "COS_BUCKET_URL=http://127.0.0.1:1", "COS_SECRET_ID=id", "COS_SECRET_KEY=key",
		"AUTH_MODE=none", "TICKET_SECRET=" + ticketSecret,
	}, env...)
	stderr, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // likewise
	})
	return cmd, bufio.NewScanner(stderr)
}

// logged reads the log up to a line with that message, and tells one of its attributes.
func logged(t *testing.T, lines *bufio.Scanner, msg, attribute string) string {
	t.Helper()
	for lines.Scan() {
		var line map[string]any
		must(t, json.Unmarshal(lines.Bytes(), &line))
		if line["msg"] == msg {
			s, _ := line[attribute].(string)
			return s
		}
	}
	t.Fatalf("the process ended without %q", msg)
	return ""
}

// startWeb runs the relay as a container does, and tells how a task's stream is asked for.
func startWeb(t *testing.T, w *world, by way) (cmd *exec.Cmd, lines *bufio.Scanner, sseURL func(taskID string) string) {
	t.Helper()
	env := []string{"RUN_MODE=web", "HOST=127.0.0.1", "PORT=0"}
	if by == leanly {
		env = append(env, "RELAY_LEAN=true")
	}
	cmd, lines = startProcess(t, w, env...)
	addr := logged(t, lines, "listening", "address")
	return cmd, lines, func(taskID string) string {
		return "http://" + addr + "/api/reconstruction/events/" + taskID + "?ticket=" + ticketsOf().Issue(taskID)
	}
}

// ticketsOf makes those that a process takes.
func ticketsOf() *auth.Tickets {
	return auth.NewTickets(auth.TicketConfig{Secret: ticketSecret, TTL: time.Hour})
}

func TestAProcessIsToldToStop(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, byHTTP, nil)
		cmd, lines, sseURL := startWeb(t, w, by)
		const many = 100
		var clients []*client
		for range many {
			j := w.newJob().accept()
			c := watch(t, sseURL(j.id))
			expectNumbers(t, c.events(2), 1, 2)
			clients = append(clients, c)
		}
		must(t, cmd.Process.Signal(syscall.SIGTERM))
		for _, c := range clients {
			m, ok := c.next()
			if ms, err := strconv.Atoi(m.retry); !ok || err != nil || ms < 1000 || ms > 4000 {
				t.Errorf("when told to stop: %+v", m)
			}
			if m, ok := c.next(); ok {
				t.Errorf("and then %+v", m)
			}
		}
		for range many {
			if why := logged(t, lines, "stream ended", "why"); why != endStopping {
				t.Errorf("ended because %s", why)
			}
		}
		for lines.Scan() { // the rest of the log, so that the process can end
			continue
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsMissingIsNamedTogether(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"RELAY_TEST_PROCESS=1", "RUN_MODE=cgi", "STREAM_MAX=-1s", "PORT=x", "COS_SECRET_ID=id"}
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 2 {
		t.Errorf("exit %v", err)
	}
	for _, name := range []string{"RUN_MODE", "web, event, lambda", "PORT", "STREAM_MAX", "REDIS_URL", "COS_BUCKET_URL", "COS_SECRET_KEY", "AUTH_MODE", "TICKET_SECRET"} {
		if !strings.Contains(string(out), name) {
			t.Errorf("%s is not named in:\n%s", name, out)
		}
	}
}

// An event function can't stream: its answer leaves whole, and so ends with what there is. The client comes back for the rest.
func TestAsAnEventFunction(t *testing.T) {
	w := newWorld(t, byHTTP, nil)
	j := w.newJob().accept().result()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	must(t, l.Close())
	startProcess(t, w, "RUN_MODE=event", "_LAMBDA_SERVER_PORT="+port)
	var platform *rpc.Client
	waitUntil(t, func() bool {
		platform, err = rpc.Dial("tcp", "127.0.0.1:"+port)
		return err == nil
	})
	defer platform.Close()

	ticket := ticketsOf().Issue(j.id)
	payload, err := json.Marshal(map[string]any{
		"httpMethod": "GET", "path": "/api/reconstruction/events/" + j.id, "headers": map[string]string{"last-event-id": "1"},
		"queryString": map[string]any{"ticket": ticket},
	})
	must(t, err)
	var answered struct{ Payload []byte }
	must(t, platform.Call("Function.Invoke", struct {
		Payload   []byte
		RequestId string
	}{payload, "r-1"}, &answered))
	var answer struct {
		StatusCode      int
		Headers         map[string]string
		Body            string
		IsBase64Encoded bool
	}
	must(t, json.Unmarshal(answered.Payload, &answer))
	if answer.StatusCode != http.StatusOK || answer.IsBase64Encoded || answer.Headers["X-Request-Id"] != "r-1" {
		t.Errorf("answer %+v", answer)
	}
	c := &client{t: t, lines: bufio.NewReader(strings.NewReader(answer.Body))}
	expectNumbers(t, c.rest(), 2, 3)
}
