// Package console prints what all processes log as one stream: one line an event, the function's name first.
//
// What the processes write is JSON lines by log/slog (`time`, `level`, `msg`, attributes). On a terminal they become text for
// a person, elsewhere they stay the lines they are with a `"function"` in front. A line that is no JSON (a panic, a message
// of a library) is wrapped, never dropped.
package console

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// longestLine is where a line without an end is cut, so that a process that never writes one can't take all memory.
const longestLine = 64 << 10

// Console is one output that many processes share. Its methods can be called at the same time.
type Console struct {
	mu       sync.Mutex
	out      io.Writer
	readable bool
	level    slog.Level
}

// New makes a console over out, readable for a person or as JSON lines, that prints what the host itself logs from level
// on. What the other processes log is theirs to choose (LOG_LEVEL) and always printed.
func New(out io.Writer, readable bool, level slog.Level) *Console {
	return &Console{out: out, readable: readable, level: level}
}

// Logger logs as function.
func (c *Console) Logger(function string) *slog.Logger {
	return slog.New(slog.NewJSONHandler(c.Stream(function), &slog.HandlerOptions{Level: c.level}))
}

// Stream takes what a process of function writes on its standard error or output.
func (c *Console) Stream(function string) *Stream {
	return &Stream{console: c, function: function}
}

// print writes one line. An output that can't be written has nobody who reads it, and nowhere else to say so.
func (c *Console) print(line []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.out.Write(line)
}

// Stream cuts what one process writes into lines and prints them.
type Stream struct {
	console  *Console
	function string

	mu   sync.Mutex
	rest []byte // the begun line
	last string // the last whole line in short
}

// Write never fails: a console that is gone must not stop a function.
func (s *Stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = append(s.rest, p...)
	for {
		line, rest, whole := bytes.Cut(s.rest, []byte("\n"))
		if !whole {
			if len(s.rest) < longestLine {
				return len(p), nil
			}
			line, rest = s.rest[:longestLine], s.rest[longestLine:]
		}
		s.line(line)
		s.rest = rest
	}
}

// Flush prints a last line that has no end.
func (s *Stream) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rest) > 0 {
		s.line(s.rest)
		s.rest = nil
	}
}

// Last tells the last line in short: for a line of JSON its message and error.
func (s *Stream) Last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *Stream) line(line []byte) {
	line = bytes.TrimRight(line, "\r")
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	fields, ok := parse(line)
	if !ok {
		s.last = string(line)
		line, fields = wrap(line)
	} else {
		s.last = fields.get("msg")
		if e := fields.get("error"); e != "" {
			s.last += ": " + e
		}
	}
	if s.console.readable {
		s.console.print(readable(s.function, fields))
		return
	}
	name, err := json.Marshal(s.function)
	if err != nil {
		panic(err) // a string always marshals
	}
	out := append([]byte(`{"function":`), name...)
	out = append(append(out, ','), bytes.TrimLeft(line, " {")...)
	s.console.print(append(out, '\n'))
}

// wrap makes a log event of a line that is none.
func wrap(line []byte) ([]byte, fields) {
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info(strings.ToValidUTF8(string(line), "�"))
	wrapped := bytes.TrimSpace(b.Bytes())
	f, _ := parse(wrapped)
	return wrapped, f
}

// fields are the members of a JSON object in their order. Strings are decoded, all else is as it was written.
type fields []field

type field struct{ key, value string }

func (f fields) get(key string) string {
	for _, x := range f {
		if x.key == key {
			return x.value
		}
	}
	return ""
}

// parse reads a log event: a JSON object with a msg.
func parse(line []byte) (fields, bool) {
	if trimmed := bytes.TrimSpace(line); len(trimmed) < 2 || trimmed[0] != '{' || !json.Valid(line) {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	if _, err := dec.Token(); err != nil { // the brace
		return nil, false
	}
	var all fields
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, false
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, false
		}
		value := string(raw)
		var text string
		if json.Unmarshal(raw, &text) == nil {
			value = text
		}
		all = append(all, field{key.(string), value})
	}
	return all, all.get("msg") != ""
}

// readable is a line for a person: time, function, level, message, attributes.
func readable(function string, all fields) []byte {
	at, err := time.Parse(time.RFC3339Nano, all.get("time"))
	if err != nil {
		at = time.Now()
	}
	var b strings.Builder
	b.WriteString(at.Local().Format("15:04:05.000"))
	b.WriteString(" " + pad(function, 15) + "  " + pad(strings.ToLower(all.get("level")), 5) + "  " + oneLine(all.get("msg")))
	gap := "  "
	for _, f := range all {
		switch f.key {
		case "time", "level", "msg", "function":
			continue
		}
		value := oneLine(f.value)
		if value == "" || strings.ContainsAny(value, " =\"") && !strings.HasPrefix(value, "{") && !strings.HasPrefix(value, "[") {
			quoted, err := json.Marshal(f.value)
			if err != nil {
				panic(err) // a string always marshals
			}
			value = string(quoted)
		}
		b.WriteString(gap + f.key + "=" + value)
		gap = " "
	}
	b.WriteByte('\n')
	return []byte(b.String())
}

func pad(s string, width int) string {
	if len(s) >= width {
		return s
	}
	return s + strings.Repeat(" ", width-len(s))
}

// oneLine keeps an event on its line, and control codes from the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return '⏎'
		case r < ' ' || r == 0x7f:
			return ' '
		}
		return r
	}, s)
}
