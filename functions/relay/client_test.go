package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// message is what a client is told: an event, or a comment (all fields empty), or a retry time.
type message struct {
	id, event, data, retry string
}

func (m message) number() int {
	n, err := strconv.Atoi(m.id)
	if err != nil {
		return 0
	}
	return n
}

// fields is the event's data.
func (m message) fields(t *testing.T) map[string]any {
	t.Helper()
	var f map[string]any
	if err := json.Unmarshal([]byte(m.data), &f); err != nil {
		t.Fatalf("data of %+v: %v", m, err)
	}
	return f
}

// client reads one stream, as an EventSource does.
type client struct {
	t        *testing.T
	response *http.Response
	lines    *bufio.Reader
}

// watch opens a stream, which has to be one.
func watch(t *testing.T, url string, header ...string) *client {
	t.Helper()
	resp := get(t, url, header...)
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("status %d: %s", resp.StatusCode, body)
	}
	return &client{t: t, response: resp, lines: bufio.NewReader(resp.Body)}
}

// next reads a message; ok is false at the clean end of the stream.
func (c *client) next() (m message, ok bool) {
	c.t.Helper()
	m, err := c.read()
	if err == io.EOF { //nolint:errorlint // a stream that is cut is io.ErrUnexpectedEOF, or wraps io.EOF
		return m, false
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return m, true
}

func (c *client) read() (m message, err error) {
	for {
		line, err := c.lines.ReadString('\n')
		if err != nil {
			return m, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			m.id = value
		case "event":
			m.event = value
		case "data":
			m.data += value
		case "retry":
			m.retry = value
		case "":
			if line == "\n" {
				return m, nil
			}
		default:
			c.t.Errorf("line %q", line)
		}
	}
}

// events reads what is no comment until n events have come.
func (c *client) events(n int) []message {
	c.t.Helper()
	var got []message
	for len(got) < n {
		m, ok := c.next()
		if !ok {
			c.t.Fatalf("the stream ended after %d of %d events: %+v", len(got), n, got)
		}
		if m.event != "" {
			got = append(got, m)
		}
	}
	return got
}

// rest reads to the clean end of the stream.
func (c *client) rest() []message {
	c.t.Helper()
	var got []message
	for {
		m, ok := c.next()
		if !ok {
			return got
		}
		if m.event != "" {
			got = append(got, m)
		}
	}
}

// comments reads until n comments have come, and expects no event before.
func (c *client) comments(n int) {
	c.t.Helper()
	for n > 0 {
		m, ok := c.next()
		switch {
		case !ok:
			c.t.Fatal("the stream ended")
		case m.event != "":
			c.t.Fatalf("event %+v", m)
		case m == message{}:
			n--
		}
	}
}

func (c *client) close() { c.response.Body.Close() }

// numbers lists the ids of the durable events.
func numbers(messages []message) []int {
	var ids []int
	for _, m := range messages {
		if m.id != "" {
			ids = append(ids, m.number())
		}
	}
	return ids
}

func expectNumbers(t *testing.T, messages []message, first, last int) {
	t.Helper()
	var want []int
	for n := first; n <= last; n++ {
		want = append(want, n)
	}
	if got := numbers(messages); !slices.Equal(got, want) {
		t.Errorf("got events %v, want %d to %d", got, first, last)
	}
}

// problemCode is the code of a problem document, "" where the answer is none.
func problemCode(t *testing.T, resp *http.Response) string {
	t.Helper()
	if resp.Header.Get("Content-Type") != "application/problem+json" {
		return ""
	}
	var p struct{ Code string }
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	return p.Code
}

// token is a bearer token of user.
func token(t *testing.T, user string) string {
	t.Helper()
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Subject: user, ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour)),
	}).SignedString([]byte(jwtSecret))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}
