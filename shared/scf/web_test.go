package scf

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

func startWeb(t *testing.T, env ...string) (p *process, url string) {
	t.Helper()
	p = start(t, "http", append([]string{"HOST=127.0.0.1", "PORT=0"}, env...)...)
	addr, _ := p.logged("listening")["address"].(string)
	return p, "http://" + addr
}

func do(t *testing.T, method, url string, header http.Header) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("body"))
	must(t, err)
	r.Header = header
	resp, err := http.DefaultClient.Do(r)
	must(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestWebTakesCredentialsOffTheRequest(t *testing.T) {
	_, url := startWeb(t, "TENCENTCLOUD_SECRETID=of-the-environment", "TENCENTCLOUD_SECRETKEY=x")
	ask := func(header http.Header) seen {
		var s seen
		must(t, json.NewDecoder(do(t, "POST", url+"/a?b=c", header).Body).Decode(&s))
		return s
	}
	s := ask(http.Header{
		"X-Scf-Secret-Id": {"i"}, "X-Scf-Secret-Key": {"k"}, "X-Scf-Session-Token": {"t"}, "X-Scf-Remote-Addr": {"1.2.3.4"},
		"X-Scf-Request-Id": {"r"}, "X-Other": {"o"},
	})
	if s.Credentials != "i k t true" {
		t.Errorf("credentials %q", s.Credentials)
	}
	for name := range s.Header {
		if strings.HasPrefix(name, "X-Scf-") && name != "X-Scf-Request-Id" {
			t.Errorf("the handler sees %s", name)
		}
	}
	if s.Header["X-Scf-Request-Id"] == nil || s.Header["X-Other"] == nil || s.Body != "body" || s.Path != "/a" {
		t.Errorf("the handler sees %+v", s)
	}
	if s := ask(http.Header{"X-Scf-Secret-Id": {"i"}}); !strings.HasSuffix(s.Credentials, "false") {
		t.Errorf("half of the credentials: %q", s.Credentials)
	}
}

func TestWebLetsASlowRequestEnd(t *testing.T) {
	p, url := startWeb(t)
	resp := do(t, "GET", url+"/until-told", nil)
	body := bufio.NewReader(resp.Body)
	if line, err := body.ReadString('\n'); err != nil || line != "begun\n" {
		t.Fatalf("%q %v", line, err)
	}
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	if rest, err := io.ReadAll(body); err != nil || string(rest) != "told to stop\n" {
		t.Errorf("the rest of the answer: %q %v", rest, err)
	}
	if code := p.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")); err == nil {
		t.Error("somebody still listens")
	}
}

func TestWebOnATakenPort(t *testing.T) {
	_, url := startWeb(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
	p := start(t, "http", "HOST=127.0.0.1", "PORT="+port)
	if line := p.logged("host failed"); !strings.Contains(line["error"].(string), "address already in use") {
		t.Errorf("logged %v", line)
	}
	if code := p.exit(); code != 1 {
		t.Errorf("exit %d", code)
	}
}
