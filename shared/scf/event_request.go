package scf

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// event is an HTTP request as API Gateway or a function URL hands it to an event function. A function URL fills the first
// five fields only. Types of our own, for scf-go-lib's have no isBase64Encoded and fail on a key without value.
type event struct {
	Method  string            `json:"httpMethod"`
	Path    string            `json:"path"`
	Headers map[string]values `json:"headers"`
	Query   map[string]values `json:"queryString"`
	Body    string            `json:"body"`

	IsBase64Encoded bool              `json:"isBase64Encoded"`
	DeclaredQuery   map[string]values `json:"queryStringParameters"` // of API Gateway, where it sends no queryString
	Context         struct {
		SourceIP  string `json:"sourceIp"`
		RequestID string `json:"requestId"`
	} `json:"requestContext"`
}

// values is one or more values of a name: a string, an array, or a bool for a name without value.
type values []string

// UnmarshalJSON implements json.Unmarshaler.
func (v *values) UnmarshalJSON(data []byte) error {
	var many []json.RawMessage
	if len(data) == 0 || data[0] != '[' || json.Unmarshal(data, &many) != nil {
		many = []json.RawMessage{data}
	}
	*v = nil
	for _, one := range many {
		var s string
		switch {
		case json.Unmarshal(one, &s) == nil: // null too: no value
		case string(one) == "true" || string(one) == "false":
		case strings.ContainsAny(string(one[:1]), "-0123456789"):
			s = string(one)
		default:
			return fmt.Errorf("a value is neither text nor a list of texts: %.60s", one)
		}
		*v = append(*v, s)
	}
	return nil
}

// request makes the request that e tells of. A body that is said to be base64 and is not fails when it is read.
func (e event) request(ctx context.Context) (*http.Request, error) {
	if e.Method == "" || !strings.HasPrefix(e.Path, "/") {
		return nil, errors.New("it has no httpMethod or no path: no HTTP event")
	}
	r, err := http.NewRequestWithContext(ctx, e.Method, "/", http.NoBody)
	if err != nil {
		return nil, err
	}
	r.URL = e.url()
	r.RequestURI = r.URL.RequestURI()
	for name, vs := range e.Headers {
		for _, v := range vs {
			if !isToken(name) || strings.ContainsAny(v, "\r\n\x00") {
				return nil, fmt.Errorf("no server lets a header like that through: %.60q", name)
			}
			r.Header.Add(name, v)
		}
	}
	r.Host = r.Header.Get("Host")
	r.Header.Del("Host")
	r.RemoteAddr = e.Context.SourceIP
	setRequestID(r.Header, e.Context.RequestID)
	e.setBody(r)
	return r, nil
}

// isToken tells whether a header may be called so (RFC 9110, section 5.6.2). What may not has no canonical form, by which it would be found.
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	})
}

func (e event) url() *url.URL {
	u := &url.URL{Path: e.Path}
	if decoded, err := url.PathUnescape(e.Path); err == nil {
		u.Path, u.RawPath = decoded, e.Path
	}
	query := e.Query
	if len(query) == 0 {
		query = e.DeclaredQuery
	}
	q := url.Values{}
	for name, vs := range query {
		q[name] = vs
	}
	u.RawQuery = q.Encode()
	return u
}

func (e event) setBody(r *http.Request) {
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			r.Body, r.ContentLength = unreadable{fmt.Errorf("body is not base64: %w", err)}, -1
			return
		}
	}
	if len(body) > 0 {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
}

// unreadable is a body that fails with its error.
type unreadable struct{ err error }

func (u unreadable) Read([]byte) (int, error) { return 0, u.err }
func (u unreadable) Close() error             { return nil }
