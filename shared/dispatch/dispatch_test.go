package dispatch

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/taskstore"
)

func TestWhatAWorkersAnswerMeans(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		retryAfter string
		body       string
		want       answer
	}{
		"taken, with heartbeats":       {202, "", `{"status":"accepted","heartbeat_seconds":10}`, answer{fate: taskstore.Accepted, beats: true}},
		"taken":                        {202, "", `{"status":"accepted"}`, answer{fate: taskstore.Accepted}},
		"taken, with unreadable words": {202, "", `ok`, answer{fate: taskstore.Accepted}},
		"rejected":                     {422, "", `{"detail":"No object\nfound."}`, answer{fate: taskstore.Rejected, message: "No object found."}},
		"rejected by FastAPI itself":   {422, "", `{"detail":[{"msg":"x"}],"message":"m"}`, answer{fate: taskstore.Rejected, message: "m"}},
		"rejected in plain text":       {400, "", "not a picture", answer{fate: taskstore.Rejected, message: "not a picture"}},
		"rejected without words":       {415, "", "", answer{fate: taskstore.Rejected, message: "No model can be made of this picture."}},
		"too large":                    {413, "", `{}`, answer{fate: taskstore.Rejected, message: "No model can be made of this picture."}},
		"busy":                         {503, "7", "", answer{fate: taskstore.Busy, retryAfter: 7 * time.Second}},
		"too many":                     {429, "1", "", answer{fate: taskstore.Busy, retryAfter: time.Second}},
		"away, says a proxy":           {503, "", "", answer{fate: taskstore.Unknown}},
		"away, says it strangely":      {503, "soon", "", answer{fate: taskstore.Unknown}},
		"broken":                       {500, "", "", answer{fate: taskstore.Unknown}},
		"elsewhere":                    {307, "", "", answer{fate: taskstore.Unknown}},
		"OK is no 202":                 {200, "", `{"status":"accepted"}`, answer{fate: taskstore.Unknown}},
		"our signature is refused":     {401, "", "", answer{fate: taskstore.Unknown}},
	} {
		res := &http.Response{StatusCode: c.status, Header: http.Header{}}
		if c.retryAfter != "" {
			res.Header.Set("Retry-After", c.retryAfter)
		}
		c.want.status = c.status
		if got := judge(res, []byte(c.body), nil); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestPausesGrowAndAreBounded(t *testing.T) {
	for tries := range 100 {
		longest := longestPause
		if n := max(tries-1, 0); n < 6 {
			longest = firstPause << n
		}
		if got := backoff(tries); got < longest/2 || got > longest {
			t.Errorf("%d tries: %s, want up to %s", tries, got, longest)
		}
	}
}

func TestConfigFillsAndChecks(t *testing.T) {
	c := Config{Workers: []string{" http://w/ "}, Timeout: 1, SweepInterval: 1, PublicBaseURL: "https://api/"}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if c.CallbackBaseURL != "https://api/api/reconstruction/callback" || c.Workers[0] != "http://w" {
		t.Errorf("%+v", c)
	}
	bad := Config{Workers: []string{"w:80"}, PublicBaseURL: "ftp://x", ResultURL: "http://x?y", Timeout: 1, SweepInterval: -1}
	err := bad.Validate()
	for _, name := range []string{"WORKER_URLS", "PUBLIC_BASE_URL", "CALLBACK_RESULT_URL", "SWEEP_INTERVAL"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}

func TestAWorkersURLHasNoPassword(t *testing.T) {
	for _, raw := range []string{"http://user:hush@host", "https://hush@host:1/x", "http://user:hush/2@host", "http://user:hush#2@host", "user:hush@host"} {
		c := Config{Workers: []string{raw}, Timeout: time.Second, SweepInterval: time.Second, PublicBaseURL: "https://api"}
		if err := c.Validate(); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
