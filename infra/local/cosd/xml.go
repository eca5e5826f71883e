package cosd

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const maxXML = 8 << 20 // bytes of an XML body: 1,000 escaped keys of a delete, 10,000 parts of a completion

type errorBody struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Resource  string
	RequestID string `xml:"RequestId"`
	TraceID   string `xml:"TraceId"`
}

func writeXML(w http.ResponseWriter, status int, body any) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(body); err != nil {
		panic(err) // our own structs are always encodable
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // fails only where the client has gone
}

// readXML decodes the body of r into a struct.
func readXML(r *request, into any) error {
	content, err := stated(r.Body, r.Header, maxXML)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	if err := xml.Unmarshal(body, into); err != nil {
		return &apiError{Code: malformedXML, Message: "The XML is not well-formed or not of the expected form.", Cause: err}
	}
	return nil
}

// iso8601 is how XML bodies tell a time.
func iso8601(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func quote(etag string) string { return `"` + etag + `"` }

// escape is RFC 3986 percent-encoding of all but the unreserved characters, as signatures use it.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// keyEncoder tells how a list writes keys: `encoding-type=url` escapes them, for XML can't hold every character.
func keyEncoder(encodingType string) (func(string) string, error) {
	switch encodingType {
	case "":
		return func(key string) string { return key }, nil
	case "url":
		return func(key string) string { return strings.ReplaceAll(escape(key), "%2F", "/") }, nil
	default:
		return nil, fault(invalidArgument, "encoding-type can only be url.")
	}
}
