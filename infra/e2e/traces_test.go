package e2e

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/recon3d/recon3d/shared/telemetry/telemetrytest"
)

// One trace from a browser's request to the end of its task, over three processes and two languages.
func TestATaskIsOneTrace(t *testing.T) {
	t.Parallel()
	python := filepath.Join(os.Getenv(rootEnv), "functions", "worker", ".venv", "bin", "python")
	if err := exec.Command(python, "-c", "import opentelemetry.sdk").Run(); err != nil {
		t.Skip("the worker can't export traces here: its requirements-traces.txt are not installed")
	}
	const trace, page = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	to := telemetrytest.Start(t)
	s := start(t, 0, "WORKER_URLS", "", "OTEL_EXPORTER_OTLP_ENDPOINT", to.URL, "OTEL_EXPORTER_OTLP_TIMEOUT", "60000", "OTEL_BSP_SCHEDULE_DELAY", "100")
	p := s.upload(t, ball())
	var c created
	s.post(t, "/api/reconstruction/create-from-image", map[string]any{"imageId": p.ID}, "Traceparent", "00-"+trace+"-"+page+"-01").
		want(t, http.StatusAccepted).into(t, &c)
	s.listen(t, c.SseURL, "").until(t, "COMPLETED")

	const create, dispatch, accept = "POST /api/reconstruction/create-from-image", "POST /generate3d", "POST /generate3d"
	const result, status = "POST /api/reconstruction/callback/result/{taskId}", "POST /api/reconstruction/callback/status"
	var spans []telemetrytest.Span
	named := func(service, name string) (found []telemetrytest.Span) {
		for _, s := range spans {
			if s.Service == service && s.Name == name {
				found = append(found, s)
			}
		}
		return found
	}
	final := func(s telemetrytest.Span) bool { return s.Attributes["taskStatus"] == "COMPLETED" }
	callbacks := func() []telemetrytest.Span { // as the functions tell of them
		ended := slices.DeleteFunc(named("recon3d-callback-status", status), func(s telemetrytest.Span) bool { return !final(s) })
		return slices.Concat(named("recon3d-callback-result", result), ended)
	}
	told := func(id string) bool { // by the worker, which exports on its own time
		return slices.ContainsFunc(slices.Concat(named("recon3d-worker", "POST result"), named("recon3d-worker", "POST status")), func(s telemetrytest.Span) bool { return s.ID == id })
	}
	// Whose spans have come from the functions, so have those of all that was before: the last callback's are made last.
	eventually(t, "the trace is whole", func() bool {
		spans = slices.DeleteFunc(to.Spans(), func(s telemetrytest.Span) bool { return s.Trace != trace })
		return slices.ContainsFunc(named("recon3d-callback-status", status), final) && len(named("recon3d-callback-result", result)) >= 3 &&
			!slices.ContainsFunc(callbacks(), func(s telemetrytest.Span) bool { return !told(s.Parent) }) &&
			len(named("recon3d-worker", "reconstruct")) == 1
	})
	one := func(service, name, parent string) telemetrytest.Span {
		t.Helper()
		found := named(service, name)
		if len(found) != 1 || found[0].Parent != parent {
			t.Fatalf("%s of %s: %+v, want one below %s", name, service, found, parent)
		}
		return found[0]
	}
	made := one("recon3d-create-task", create, page)
	accepted := one("recon3d-worker", accept, one("recon3d-create-task", dispatch, made.ID).ID)
	one("recon3d-worker", "reconstruct", accepted.ID)
	if made.Attributes["taskId"] != c.TaskID || made.Attributes["redis"] == "0" || made.Attributes["cos"] == "0" {
		t.Errorf("create: %+v", made.Attributes)
	}
	for _, s := range slices.Concat(named("recon3d-worker", "POST result"), named("recon3d-worker", "POST status")) {
		if s.Parent != accepted.ID {
			t.Errorf("%s is below %s, not %s", s.Name, s.Parent, accepted.ID)
		}
	}
	for _, s := range callbacks() {
		if s.Attributes["taskId"] != c.TaskID || s.Attributes["attempt"] != "1" {
			t.Errorf("%s: %+v", s.Name, s.Attributes)
		}
	}
	line := s.logLine(t, `"msg":"request served"`, `"path":"/api/reconstruction/create-from-image"`)
	if !strings.Contains(line, `"traceId":"`+trace+`"`) {
		t.Errorf("the log does not lead to the trace: %s", line)
	}
}

// A receiver that takes connections and says nothing costs no task and no attempt.
func TestTracesThatCantBeExported(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	s := start(t, 1, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+silent.Addr().String())
	o := s.order(t, taken)
	o.job.next(t)
	o.finish(1)
	o.events.until(t, "COMPLETED")
	s.logLine(t, `"msg":"traces not exported"`, `"function":"create-task"`)
}

// logLine waits for a line of the host's log with all these parts.
func (s *system) logLine(t *testing.T, parts ...string) (found string) {
	t.Helper()
	eventually(t, strings.Join(parts, " ")+" is logged", func() bool {
		b, err := os.ReadFile(s.logFile)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
				found = line
				return true
			}
		}
		return false
	})
	return found
}
