package main

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/recon3d/recon3d/shared/task"
)

// A frame is an event, or what a stream is made of beside events (HTML standard, "Server-sent events"), kept as a chunk of the
// chunked coding (RFC 9112, section 7.1), so that it can be sent as it is to whoever is written to directly.
var (
	comment = chunk([]byte(":\n\n")) // keeps proxies from cutting an idle stream
	prelude = retryFrame(2 * time.Second)
)

// lastChunk ends a chunked body.
const lastChunk = "0\r\n\r\n"

// retryFrame tells a client how long to wait before it comes back.
func retryFrame(d time.Duration) []byte {
	return chunk([]byte("retry: " + strconv.FormatInt(d.Milliseconds(), 10) + "\n\n"))
}

func chunk(text []byte) []byte {
	b := make([]byte, 0, len(text)+8)
	b = strconv.AppendInt(b, int64(len(text)), 16)
	b = append(b, "\r\n"...)
	b = append(b, text...)
	return append(b, "\r\n"...)
}

// framing is how a client's body is framed.
type framing bool

const (
	plain   framing = false // by what is below, or by the connection's end
	chunked framing = true
)

// append adds a frame to what goes to a client.
func (f framing) append(dst, frame []byte) []byte {
	if f == plain {
		frame = frame[bytes.IndexByte(frame, '\n')+1 : len(frame)-2]
	}
	return append(dst, frame...)
}

const timeFormat = "2006-01-02T15:04:05.000Z"

// encode makes an event's frame; url is that of a result, nil where a later attempt replaced it. Only durable events have an id,
// for a client sends the last one that it saw and progress can't be replayed. No text can break the framing: JSON escapes line
// ends. The JSON is appended by hand, for this is done for each event: encoding/json took a tenth of the relay's CPU.
func encode(e task.Event, url *string) []byte {
	var room [768]byte
	b := room[:0]
	if e.Number > 0 {
		b = strconv.AppendInt(append(b, "id: "...), e.Number, 10)
		b = append(b, '\n')
	}
	b = append(append(b, "event: "...), e.Kind...)
	b = appendText(append(b, "\ndata: {\"taskId\":"...), e.TaskID)
	switch {
	case e.Kind == task.ProgressEvent:
		b = strconv.AppendInt(append(b, `,"progress":`...), int64(e.Progress), 10)
		b = appendText(append(b, `,"stage":`...), e.Stage)
		if e.QueuePosition != nil {
			b = strconv.AppendInt(append(b, `,"queuePosition":`...), int64(*e.QueuePosition), 10)
		}
		if seconds := finite(e.ETASeconds); seconds != nil {
			b = strconv.AppendFloat(append(b, `,"etaSeconds":`...), *seconds, 'f', -1, 64)
		}
	case e.Result != nil:
		r := e.Result
		b = strconv.AppendInt(append(b, `,"attempt":`...), int64(e.Attempt), 10)
		b = appendText(append(b, `,"name":`...), r.Name)
		b = append(b, `,"url":`...)
		if url != nil {
			b = appendText(b, *url)
		} else {
			b = append(b, "null"...)
		}
		b = strconv.AppendInt(append(b, `,"size":`...), r.Size, 10)
		b = appendText(append(b, `,"sha256":`...), r.SHA256)
		b = appendText(append(b, `,"contentType":`...), r.ContentType)
	default:
		b = appendText(append(b, `,"status":`...), string(e.Status))
		b = strconv.AppendInt(append(b, `,"attempt":`...), int64(e.Attempt), 10)
		if e.Error != nil {
			b = appendText(append(b, `,"error":{"code":`...), e.Error.Code)
			b = append(appendText(append(b, `,"message":`...), e.Error.Message), '}')
		}
	}
	b = e.At.UTC().AppendFormat(append(b, `,"at":"`...), timeFormat)
	return chunk(append(b, "\"}\n\n"...))
}

// appendText adds a JSON string. What may need escaping is left to encoding/json, without its escapes for HTML, which would
// break no URL but lengthen each.
func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			var b bytes.Buffer
			j := json.NewEncoder(&b)
			j.SetEscapeHTML(false)
			j.Encode(s) //nolint:errcheck,errchkjson // a string always has a form, and a buffer takes all
			return append(dst, bytes.TrimSuffix(b.Bytes(), []byte{'\n'})...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

// finite drops what JSON has no number for.
func finite(f *float64) *float64 {
	if f == nil || math.IsNaN(*f) || math.IsInf(*f, 0) {
		return nil
	}
	return f
}
