package console

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

func TestJSONLines(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"event":          {`{"time":"2026-01-02T03:04:05Z","level":"INFO","msg":"request served","status":201}` + "\n", `{"function":"picture","time":"2026-01-02T03:04:05Z","level":"INFO","msg":"request served","status":201}`},
		"carriage":       {`{"msg":"a"}` + "\r\n", `{"function":"picture","msg":"a"}`},
		"without an end": {`{"msg":"a"}`, `{"function":"picture","msg":"a"}`},
		"empty lines":    {"\n \n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			s := New(&out, false, slog.LevelInfo).Stream("picture")
			_, _ = s.Write([]byte(c.in))
			s.Flush()
			if got := strings.TrimSuffix(out.String(), "\n"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Whatever a process writes, every line of the console is one JSON object that carries it.
func TestOtherLinesAreWrapped(t *testing.T) {
	for _, line := range []string{"panic: boom", `{"no":"message"}`, "{", "[1]", "null", "{}", "\x1b[31mred", "not \xff UTF-8", `{"msg":"a"} tail`} {
		var out bytes.Buffer
		s := New(&out, false, slog.LevelInfo).Stream("worker")
		_, _ = s.Write([]byte(line + "\n"))
		var event struct{ Function, Level, Msg string }
		if err := json.Unmarshal(out.Bytes(), &event); err != nil {
			t.Errorf("%q became %q: %v", line, out.String(), err)
		}
		if want := strings.ToValidUTF8(line, "�"); event.Function != "worker" || event.Level != "INFO" || event.Msg != want {
			t.Errorf("%q became %+v", line, event)
		}
	}
}

func TestReadable(t *testing.T) {
	var out bytes.Buffer
	s := New(&out, true, slog.LevelInfo).Stream("picture")
	_, _ = s.Write([]byte(`{"time":"nonsense","level":"WARN","msg":"request\nserved","method":"POST","ms":12,"error":"a b","none":"","list":[1,"2 3"]}` + "\n"))
	_, got, _ := strings.Cut(out.String(), " ")
	if want := "picture          warn   request⏎served  method=POST ms=12 error=\"a b\" none=\"\" list=[1,\"2 3\"]\n"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestLast(t *testing.T) {
	s := New(&bytes.Buffer{}, false, slog.LevelInfo).Stream("relay")
	_, _ = s.Write([]byte(`{"msg":"no Redis","error":"connection refused"}` + "\n" + "half"))
	if got := s.Last(); got != "no Redis: connection refused" {
		t.Errorf("got %q", got)
	}
	s.Flush()
	if got := s.Last(); got != "half" {
		t.Errorf("got %q", got)
	}
}

func TestALineWithoutEndIsCut(t *testing.T) {
	var out bytes.Buffer
	s := New(&out, false, slog.LevelInfo).Stream("worker")
	for range 4 {
		_, _ = s.Write(bytes.Repeat([]byte("x"), longestLine/2))
	}
	if got := bytes.Count(out.Bytes(), []byte("\n")); got != 2 {
		t.Errorf("%d lines, want 2", got)
	}
}

func TestLinesOfManyProcessesStayWhole(t *testing.T) {
	var out bytes.Buffer
	c := New(&out, false, slog.LevelInfo)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			log := c.Logger("a")
			for range 50 {
				log.Info("said", "n", 1)
			}
			log.Debug("not said")
		})
	}
	all.Wait()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 400 {
		t.Fatalf("%d lines, want 400", len(lines))
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) || !strings.HasPrefix(line, `{"function":"a","time":`) {
			t.Fatalf("broken line %q", line)
		}
	}
}
