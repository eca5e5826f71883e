package scf

import (
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"
)

// answer is what API Gateway and function URLs turn into an HTTP response.
type answer struct {
	IsBase64Encoded bool           `json:"isBase64Encoded"`
	StatusCode      int            `json:"statusCode"`
	Headers         map[string]any `json:"headers"` // a string, or an array where a header has several values
	Body            string         `json:"body"`
}

func isEventStream(h http.Header) bool {
	return strings.HasPrefix(h.Get("Content-Type"), "text/event-stream")
}

// newAnswer makes the answer of a response that was collected. A body that JSON can't carry as text goes as base64; a stream of
// events is always text.
func newAnswer(status int, header http.Header, body []byte) answer {
	a := answer{StatusCode: status, Headers: map[string]any{}, Body: string(body)}
	for name, values := range header {
		if len(values) == 1 {
			a.Headers[name] = values[0]
		} else {
			a.Headers[name] = values
		}
	}
	if !utf8.Valid(body) && !isEventStream(header) {
		a.IsBase64Encoded, a.Body = true, base64.StdEncoding.EncodeToString(body)
	}
	return a
}
