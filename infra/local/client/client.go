// Package client is a client of the public API: what a browser does, for programs. It resumes broken streams, retries what
// the API says is passing, and checks every byte that it downloads.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

const (
	// tries is how often a request is sent that could not be served for a passing reason.
	tries = 5
	// longestWait bounds what a Retry-After can ask of a caller who waits.
	longestWait = 10 * time.Second
	// largestAnswer bounds a JSON answer.
	largestAnswer = 6 << 20
)

// Client calls the API at Base. It can be used by many goroutines.
type Client struct {
	Base  *url.URL
	Token string       // sent as bearer token, where set
	HTTP  *http.Client // must not have a Timeout: streams last
}

// New makes a client of the API at base, such as http://localhost:8080.
func New(base string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("the API's address: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("the API's address %q is no http(s) URL", base)
	}
	return &Client{Base: u, HTTP: &http.Client{}}, nil
}

// Problem is an answer that says what is wrong (RFC 9457).
type Problem struct {
	Status    int      `json:"status"`
	Title     string   `json:"title"`
	Detail    string   `json:"detail"`
	Code      string   `json:"code"`
	RequestID string   `json:"requestId"`
	Missing   []string `json:"missing"`
	Errors    []struct {
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"errors"`
}

func (p *Problem) Error() string {
	if p.Code == "" { // not ours: a proxy's, or the platform's own
		return fmt.Sprintf("%s (request %s)", p.Detail, cmp.Or(p.RequestID, "unknown"))
	}
	return fmt.Sprintf("%s (%d %s, request %s)", p.Detail, p.Status, p.Code, p.RequestID)
}

// RequestID is what an answer's logs are found by: the function's own id, else the platform's.
func RequestID(h http.Header) string { return cmp.Or(h.Get("X-Request-Id"), h.Get("X-Scf-Request-Id")) }

// request is one call; body is sent anew at every try.
type request struct {
	method, path string // path is resolved against the base
	header       http.Header
	body         []byte
}

// call sends r and decodes the answer into v, unless v is nil. Where the API is away for the moment it waits and tries again.
func (c *Client) call(ctx context.Context, r request, v any) error {
	for try := 1; ; try++ {
		err := c.once(ctx, r, v)
		if err == nil {
			return nil
		}
		wait, passing := passes(err)
		if !passing || try == tries {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// once sends r and decodes the answer.
func (c *Client) once(ctx context.Context, r request, v any) error {
	res, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if v == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, largestAnswer)).Decode(v); err != nil {
		return fmt.Errorf("%s %s: the answer is no JSON: %w", r.method, res.Request.URL.Path, err)
	}
	return nil
}

// send sends r. An answer that is no success becomes a *refusal.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	target, err := c.Base.Parse(r.path)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if c.Token != "" && target.Host == c.Base.Host { // never to the object storage
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.method, target.Path, errors.Unwrap(err)) // *url.Error repeats the URL, ticket and all
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	p := &Problem{}
	body, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer))
	if err != nil || json.Unmarshal(body, p) != nil || p.Code == "" {
		p = &Problem{Status: res.StatusCode, Detail: r.method + " " + target.Path + " was answered with " + res.Status, RequestID: RequestID(res.Header)}
	}
	return nil, &refusal{p, res.Header.Get("Retry-After")}
}

// refusal is a Problem with what the header says about it.
type refusal struct {
	*Problem
	retryAfter string
}

func (e *refusal) Unwrap() error { return e.Problem }

// passes tells whether to send again after err, and how long to wait before.
func passes(err error) (wait time.Duration, passing bool) {
	var r *refusal
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return time.Second, true
	case errors.As(err, &r) && (r.Status == http.StatusServiceUnavailable || r.Status == http.StatusTooManyRequests):
		seconds, err := strconv.Atoi(r.retryAfter)
		if err != nil {
			seconds = 1
		}
		return min(time.Duration(seconds)*time.Second, longestWait), true
	}
	return 0, false
}

// jsonRequest is a request with a body of JSON.
func jsonRequest(method, path string, body any) (request, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return request{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return request{method: method, path: path, header: http.Header{"Content-Type": {"application/json"}}, body: data}, nil
}
