package e2e

import (
	"bytes"
	"errors"
	"net"
	"os/exec"
	"syscall"
	"testing"
)

// What is missing in a function's environment is named all at once, and ends it with 2.
func TestMissingConfiguration(t *testing.T) {
	t.Parallel()
	for function, names := range map[string][]string{
		"picture":         {"REDIS_URL", "COS_BUCKET_URL", "AUTH_MODE"},
		"create-task":     {"REDIS_URL", "COS_BUCKET_URL", "AUTH_MODE", "TICKET_SECRET", "CALLBACK_SECRETS", "PUBLIC_BASE_URL", "WORKER_URLS"},
		"tasks":           {"REDIS_URL", "COS_BUCKET_URL", "AUTH_MODE", "TICKET_SECRET", "CALLBACK_SECRETS"},
		"callback-result": {"REDIS_URL", "COS_BUCKET_URL", "CALLBACK_SECRETS"},
		"callback-status": {"REDIS_URL", "CALLBACK_SECRETS"},
		"relay":           {"REDIS_URL", "COS_BUCKET_URL", "AUTH_MODE", "TICKET_SECRET"},
		"web":             {"COS_BUCKET_URL"},
		"sweeper":         {"REDIS_URL", "COS_BUCKET_URL", "CALLBACK_SECRETS", "PUBLIC_BASE_URL", "WORKER_URLS"},
	} {
		t.Run(function, func(t *testing.T) {
			cmd := exec.Command(program(function))
			cmd.Env = []string{"PORT=0", "HOST=127.0.0.1", "_LAMBDA_SERVER_PORT=1", "HEARTBEAT_TIMEOUT=soon"}
			out, err := cmd.CombinedOutput()
			var ended *exec.ExitError
			if !errors.As(err, &ended) || ended.ExitCode() != 2 {
				t.Errorf("ended with %v: %s", err, out)
			}
			for _, name := range names {
				if !bytes.Contains(out, []byte(name)) {
					t.Errorf("%s is not named in %s", name, out)
				}
			}
		})
	}
}

// SIGTERM lets what runs end, and then the function exits with 0.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	o := s.order(t, taken)
	o.job.next(t)
	port := ownPort(t)
	cmd := exec.Command(program("relay"))
	cmd.Env = with(s.environ(t, "relay"), "PORT="+port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	eventually(t, "it listens", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	direct := s.browser
	u := *s.base
	u.Host = "127.0.0.1:" + port
	direct.base = &u
	st := direct.listen(t, o.SseURL, "")
	st.until(t, "PROCESSING")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	st.ended(t)
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	o.finish(1)
	o.events.until(t, "COMPLETED")
}
