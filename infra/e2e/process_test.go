package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/recon3d/recon3d/infra/local/supervise"
)

// environ is the environment that the host gave to a function.
func (s *system) environ(t *testing.T, function string) []string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", s.pid(t, function)))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
}

// credentials are what the platform gives an event function with each event, as JSON. The tests give the bucket's owner's: only the
// host knows those of a role.
func (s *system) credentials() string {
	return string(mustJSON(map[string]string{"TENCENTCLOUD_SECRETID": s.cosID, "TENCENTCLOUD_SECRETKEY": s.cosKey}))
}

// with is an environment with some variables set.
func with(environ []string, vars ...string) []string {
	return slices.Concat(environ, vars) // the last of equal names counts, os/exec sees to it
}

// launch starts one more process of a function, which ends with the test.
func launch(t *testing.T, function string, environ []string) *exec.Cmd {
	t.Helper()
	return launchFrom(t, program(function), environ)
}

// launchFrom is launch of a binary that was not built for all tests.
func launchFrom(t *testing.T, binary string, environ []string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(binary)
	cmd.Env, cmd.Stderr = environ, os.Stderr
	if !testing.Verbose() {
		cmd.Stderr = nil
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // however
	})
	return cmd
}

// ownPort is a port of this test's: whoever asks the system for any is given another.
func ownPort(t *testing.T) string {
	t.Helper()
	port, release, err := supervise.ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return strconv.Itoa(port)
}
