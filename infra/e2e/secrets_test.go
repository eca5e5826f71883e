package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/recon3d/recon3d/shared/redisdb/redistest"
)

// spellings are the forms in which a secret could be told. Of base64 it is what is the same wherever in a text the secret stands.
func spellings(secret string) map[string]string {
	all := map[string]string{
		"plain": secret, "hex": hex.EncodeToString([]byte(secret)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"in a query": url.QueryEscape(secret), "in a path": url.PathEscape(secret), "in JSON": strings.Trim(string(mustJSON(secret)), `"`),
	}
	for shift := range 3 {
		text := append(bytes.Repeat([]byte{'x'}, shift), secret...)
		text = text[:len(text)/3*3]
		for name, encoding := range map[string]*base64.Encoding{"base64": base64.StdEncoding, "base64url": base64.URLEncoding} {
			all[name+strconv.Itoa(shift)] = encoding.EncodeToString(text)[4:]
		}
	}
	return all
}

// overheard is a transport that keeps all that is answered.
type overheard struct {
	http.RoundTripper
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *overheard) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *overheard) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := o.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if err := res.Header.Write(o); err != nil {
		return nil, err
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(res.Body, o), res.Body}
	return res, nil
}

// A whole run of the system, real worker and all, at the most talkative level, with things going well and badly: no secret that it was
// given is in what it writes, answers or keeps.
func TestNoSecretIsTold(t *testing.T) {
	t.Parallel()
	secret := func() string { return token() + "+/ %é" + token() }
	first, second := newSecret(), newSecret()
	secrets := map[string]string{
		"JWT_SECRET": secret(), "JWT_SECRET_ALSO": secret(), "TICKET_SECRET": secret(), "TICKET_SECRET_ALSO": secret(),
		"COS_SECRET_KEY": token() + token(), "the first of CALLBACK_SECRETS": strings.TrimPrefix(first, "whsec_"), "the second": strings.TrimPrefix(second, "whsec_"),
		"the first key": string(keyOf(t, first)), "the second key": string(keyOf(t, second)),
		"the password of REDIS_URL": secret(), "OTEL_EXPORTER_OTLP_HEADERS": secret(),
	}
	var exports atomic.Int32
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if exports.Add(1)%2 == 0 {
			http.Error(w, "no", http.StatusInternalServerError)
		}
	}))
	t.Cleanup(collector.Close)

	redis := redistest.Start(t)
	password := secrets["the password of REDIS_URL"]
	lock := func() (dataDir string) {
		client := redis.Client()
		defer func() { _ = client.Close() }()
		dataDir = client.ConfigGet(t.Context(), "dir").Val()[1].(string)
		if err := client.ConfigSet(t.Context(), "requirepass", password).Err(); err != nil {
			t.Fatal(err)
		}
		return dataDir
	}
	dataDir := lock()
	redisURL := strings.Replace(redis.URL, "://", "://:"+url.PathEscape(password)+"@", 1)
	s := start(t, 0, "LOG_LEVEL", "DEBUG", "AUTH_MODE", "jwt", "WORKER_URLS", "", "REDIS_URL", redisURL,
		"JWT_SECRET", secrets["JWT_SECRET"], "JWT_SECRET_ALSO", secrets["JWT_SECRET_ALSO"],
		"TICKET_SECRET", secrets["TICKET_SECRET"], "TICKET_SECRET_ALSO", secrets["TICKET_SECRET_ALSO"],
		"COS_SECRET_KEY", secrets["COS_SECRET_KEY"], "CALLBACK_SECRETS", first+" "+second,
		"OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL, "OTEL_EXPORTER_OTLP_HEADERS", "authorization="+url.PathEscape(secrets["OTEL_EXPORTER_OTLP_HEADERS"]))
	s.cosKey, s.outbox.secret = secrets["COS_SECRET_KEY"], first
	answers := &overheard{RoundTripper: s.http.Transport}
	s.http.Transport = answers
	s.token = hs256([]byte(secrets["JWT_SECRET"]), claims("ann"))

	// What goes well.
	p := s.upload(t, ball())
	c := s.create(t, p.ID)
	tickets := []string{ticketOf(t, c)}
	s.listen(t, c.SseURL, "").until(t, "COMPLETED")
	d := s.task(t, c.TaskID)
	fetch(t, d.Results[0].URL).want(t, http.StatusOK)
	c = s.create(t, p.ID)
	s.post(t, "/api/reconstruction/cancel/"+c.TaskID, nil).want(t, http.StatusOK)
	s.get(t, "/picture/list/page").want(t, http.StatusOK)

	// What goes badly: strangers, forgeries, a picture of nothing, Redis away.
	s.call(t, http.MethodGet, "/api/reconstruction/list", nil, "Authorization", "Bearer "+s.token+"x").problem(t, http.StatusUnauthorized, "unauthorized")
	s.get(t, "/api/reconstruction/events/"+c.TaskID+"?ticket="+tickets[0]).problem(t, http.StatusUnauthorized, "unauthorized")
	h := statusHook(c.TaskID, 1, "processing")
	h.secret = newSecret()
	s.outbox.send(t, h).problem(t, http.StatusUnauthorized, "signature_invalid")
	s.send(t, bomb(60000, 60000)).problem(t, http.StatusUnprocessableEntity, "image_too_large")
	redis.Kill()
	s.get(t, "/api/reconstruction/list").problem(t, http.StatusServiceUnavailable, "unavailable")
	s.post(t, "/api/reconstruction/create-from-image", map[string]any{"imageId": p.ID}).problem(t, http.StatusServiceUnavailable, "unavailable")
	redis.Run()
	s.get(t, "/api/reconstruction/list").want(t, http.StatusInternalServerError) // the Redis has no password now, which is not what was configured
	lock()
	eventually(t, "the system has its Redis again", func() bool {
		a, err := s.do(t.Context(), http.MethodGet, "/api/reconstruction/list", nil)
		return err == nil && a.status == http.StatusOK
	})

	places := map[string]string{"the command lines": s.commandLines(t)}
	if err := s.host.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the host stops", func() bool { return s.host.Signal(syscall.Signal(0)) != nil })
	places["what was answered"] = answers.text.String()
	places["the log"] = contents(t, filepath.Dir(s.logFile))
	places["Redis, all that was ever written"] = contents(t, dataDir)
	if err := os.Remove(filepath.Join(s.dir, "secrets.json")); err != nil { // where the host keeps what it chose itself
		t.Error(err)
	}
	places["the host's folder: objects, outbox"] = contents(t, s.dir)
	for _, want := range []struct{ place, text string }{
		{"the log", `"level":"DEBUG"`},
		{"the log", c.TaskID},
		{"what was answered", "COMPLETED"},
		{"Redis, all that was ever written", c.TaskID},
		{"the host's folder: objects, outbox", "\x89PNG"},
		{"the command lines", program("relay")},
	} {
		if !strings.Contains(places[want.place], want.text) {
			t.Errorf("%s is not what was looked for: no %q in it", want.place, want.text)
		}
	}
	for place, text := range places {
		for name, secret := range secrets {
			for how, spelt := range spellings(secret) {
				if at := strings.Index(text, spelt); at >= 0 {
					t.Errorf("%s tells %s, %s: %q", place, name, how, text[max(0, at-200):at])
				}
			}
		}
	}
	// Grants are no secrets of the system and are in answers; logs, Redis and files would tell them to others.
	grants := regexp.MustCompile(`\bticket=[A-Za-z0-9_-]{20}|q-signature=[0-9a-f]{40}|\bv1,[A-Za-z0-9+/]{43}=|\bwhsec_|Bearer [A-Za-z0-9]|eyJ[A-Za-z0-9_-]{10,}\.`)
	for place, text := range places {
		if place != "what was answered" {
			if at := grants.FindStringIndex(text); at != nil {
				t.Errorf("%s tells a grant: %q", place, text[max(0, at[0]-300):min(len(text), at[1]+20)])
			}
		}
	}
}

// commandLines are the arguments of the processes that the host started, which all users of a machine can see.
func (s *system) commandLines(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		all.Write(b)
	}
	return all.String()
}

// contents is all that the files below a folder hold.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		all.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// Who mistypes a secret is told which one, and not what it was: what is printed at start ends up in logs.
func TestAMistypedSecretIsNotRepeated(t *testing.T) {
	t.Parallel()
	root := os.Getenv(rootEnv)
	python := filepath.Join(root, "functions", "worker", ".venv", "bin", "python")
	commands := map[string][]string{"local": {program("local"), "up"}, "worker": {python, "-m", "worker"}}
	for _, f := range []string{"picture", "create-task", "tasks", "callback-result", "callback-status", "relay", "web", "sweeper"} {
		commands[f] = []string{program(f)}
	}
	const hush = "hu5hhu5h"
	wrong := []string{
		"REDIS_URL=redis://:" + hush + "/2@host", "CALLBACK_SECRETS=whsec_" + hush + "!", "TICKET_SECRET=" + hush, "TICKET_SECRET_ALSO=" + hush, "JWT_SECRET_ALSO=" + hush,
		"COS_SECRET_KEY=" + hush, "COS_SECRET_ID=", "COS_BUCKET_URL=http://user:" + hush + "@host", "OTEL_EXPORTER_OTLP_ENDPOINT=http://user:" + hush + "@host",
		"OTEL_EXPORTER_OTLP_HEADERS=" + hush, "WORKER_URLS=http://user:" + hush + "@host", "PUBLIC_BASE_URL=http://user:" + hush + "@host",
		"CALLBACK_BASE_URL=ftp://user:" + hush + "@host", "JWT_JWKS_URL=ftp://user:" + hush + "@host", "CSP_ORIGINS=http://user:" + hush + "@host",
		"CORS_ORIGINS=http://user:" + hush + "@host",
		"AUTH_MODE=jwt", "RUN_MODE=web", "HOST=127.0.0.1", "PORT=0", "PATH=" + os.Getenv("PATH"),
	}
	for name, command := range commands {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, command[0], command[1:]...)
			cmd.Dir = root
			if name == "worker" {
				cmd.Dir = filepath.Join(root, "functions", "worker")
			}
			cmd.Env = with(wrong, "DATA_DIR="+t.TempDir(), "HOME="+t.TempDir())
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() <= 0 || len(out) == 0 {
				t.Fatalf("it starts, or does not say why not: %v\n%s", err, out)
			}
			if strings.Contains(string(out), hush) {
				t.Errorf("it says\n%s", out)
			}
		})
	}
}
