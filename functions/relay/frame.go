package main

import (
	"bytes"
	"encoding/json"
	"fmt"
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

type statusData struct {
	TaskID  string      `json:"taskId"`
	Status  task.Status `json:"status"`
	Attempt int         `json:"attempt"`
	Error   *task.Error `json:"error,omitempty"`
	At      string      `json:"at"`
}

type resultData struct {
	TaskID      string  `json:"taskId"`
	Attempt     int     `json:"attempt"`
	Name        string  `json:"name"`
	URL         *string `json:"url"` // null: a later attempt replaced the result
	Size        int64   `json:"size"`
	SHA256      string  `json:"sha256"`
	ContentType string  `json:"contentType"`
	At          string  `json:"at"`
}

type progressData struct {
	TaskID        string   `json:"taskId"`
	Progress      int      `json:"progress"`
	Stage         string   `json:"stage"`
	QueuePosition *int     `json:"queuePosition,omitempty"`
	ETASeconds    *float64 `json:"etaSeconds,omitempty"`
	At            string   `json:"at"`
}

// encode makes an event's frame; url is that of a result. Only durable events have an id, for a client
// sends the last one that it saw and progress can't be replayed. No text can break the framing: JSON escapes line ends.
func encode(e task.Event, url *string) []byte {
	var b bytes.Buffer
	if e.Number > 0 {
		fmt.Fprintf(&b, "id: %d\n", e.Number)
	}
	fmt.Fprintf(&b, "event: %s\ndata: ", e.Kind)
	j := json.NewEncoder(&b) // ends what it writes with a line end
	j.SetEscapeHTML(false)   // keeps the & of URLs
	if err := j.Encode(dataOf(e, url)); err != nil {
		// Our own types always marshal, once the one number that may be none is out of the way: see finite.
		panic(fmt.Errorf("encode event %d of task %s: %w", e.Number, e.TaskID, err))
	}
	b.WriteByte('\n')
	return chunk(b.Bytes())
}

func dataOf(e task.Event, url *string) any {
	at := e.At.UTC().Format(timeFormat)
	switch {
	case e.Kind == task.ProgressEvent:
		return progressData{e.TaskID, e.Progress, e.Stage, e.QueuePosition, finite(e.ETASeconds), at}
	case e.Result != nil:
		r := e.Result
		return resultData{e.TaskID, e.Attempt, r.Name, url, r.Size, r.SHA256, r.ContentType, at}
	default:
		return statusData{e.TaskID, e.Status, e.Attempt, e.Error, at}
	}
}

// finite drops what JSON has no number for.
func finite(f *float64) *float64 {
	if f == nil || math.IsNaN(*f) || math.IsInf(*f, 0) {
		return nil
	}
	return f
}
