package main

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// metric reads one number from the text that Prometheus would get.
func metric(t *testing.T, text, name string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^recon3d_relay_` + regexp.QuoteMeta(name) + ` (\d+)$`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in:\n%s", name, text)
	}
	return m[1]
}

func TestMetrics(t *testing.T) {
	eachWay(t, func(t *testing.T, by way) {
		w := newWorld(t, byHTTP, nil)
		env := []string{"RUN_MODE=web", "HOST=127.0.0.1", "PORT=0", "METRICS_ADDR=127.0.0.1:0"}
		if by == leanly {
			env = append(env, "RELAY_LEAN=1")
		}
		_, lines := startProcess(t, w, env...)
		metrics := "http://" + logged(t, lines, "metrics", "address") + "/metrics"
		api := "http://" + logged(t, lines, "listening", "address")
		scrape := func() string {
			body, err := io.ReadAll(get(t, metrics).Body)
			must(t, err)
			return string(body)
		}
		if resp := get(t, api+"/metrics"); resp.StatusCode != http.StatusNotFound {
			t.Errorf("the API's port answers for /metrics with %d", resp.StatusCode)
		}
		j := w.newJob().accept()
		sseURL := api + "/api/reconstruction/events/" + j.id + "?ticket=" + ticketsOf().Issue(j.id)
		c := watch(t, sseURL)
		c.events(2)
		j.progress(50)
		c.events(1)
		again := watch(t, sseURL, "Last-Event-ID", "1")
		again.events(2)
		text := scrape()
		for name, want := range map[string]string{
			"clients": "2", "topics": "1", "ready": "1", "events_sent_total": "5", `joins_total{from="redis"}`: "1", `joins_total{from="memory"}`: "1",
			"slow_clients_cut_total": "0", "gaps_repaired_total": "0", "redis_reconnects_total": "0", "probe_failures_total": "0",
		} {
			if got := metric(t, text, name); got != want {
				t.Errorf("%s is %s, want %s", name, got, want)
			}
		}
		for line := range strings.Lines(text) {
			if !regexp.MustCompile(`^(# (HELP|TYPE) recon3d_relay_\w+ .+|recon3d_relay_\w+({from="\w+"})? \d+)\n$`).MatchString(line) {
				t.Errorf("line %q", line)
			}
		}
		again.close()
		waitUntil(t, func() bool { return metric(t, scrape(), "clients") == "1" })
	})
}
