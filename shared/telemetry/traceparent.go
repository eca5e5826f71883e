package telemetry

import (
	"encoding/hex"
	"strings"
)

// SpanContext names a span to those that come after it, in whatever process (W3C Trace Context). The zero value names none.
type SpanContext struct {
	Trace   [16]byte
	Span    [8]byte
	Sampled bool // whether the spans of this trace are exported
}

// Valid tells whether c names a span.
func (c SpanContext) Valid() bool { return c.Trace != [16]byte{} && c.Span != [8]byte{} }

// header is the name by which a SpanContext travels, in a request and in a task's record.
const header = "Traceparent"

// length (bytes) of a traceparent of version 00: 00-<trace>-<span>-<flags>.
const length = 55

// String writes a traceparent of version 00, "" for the zero value.
func (c SpanContext) String() string {
	if !c.Valid() {
		return ""
	}
	b := make([]byte, 0, length)
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, c.Trace[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, c.Span[:])
	if c.Sampled {
		return string(append(b, "-01"...))
	}
	return string(append(b, "-00"...))
}

// Parse reads a traceparent. Of a version after 00 it reads what that has in common with 00 (section 4.3 there). ok is false, and the
// SpanContext zero, for everything that is none.
func Parse(s string) (c SpanContext, ok bool) {
	var version, flags [1]byte
	if len(s) < length || s[2] != '-' || s[35] != '-' || s[52] != '-' ||
		!read(version[:], s[:2]) || !read(c.Trace[:], s[3:35]) || !read(c.Span[:], s[36:52]) || !read(flags[:], s[53:55]) || !c.Valid() ||
		version[0] == 0xff || version[0] == 0 && len(s) > length || len(s) > length && s[length] != '-' {
		return SpanContext{}, false
	}
	c.Sampled = flags[0]&1 != 0
	return c, true
}

// read fills into with hex digits, which have to be lower-case.
func read(into []byte, digits string) bool {
	_, err := hex.Decode(into, []byte(digits))
	return err == nil && strings.ToLower(digits) == digits
}
