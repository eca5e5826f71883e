package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
)

const (
	// bodyTime is how long a caller may take to send a body.
	bodyTime = 60 * time.Second
	// drained is how much of a refused body is still read, so that a caller who sends all before it listens gets the answer
	// and not a reset connection.
	drained = 64 << 20
)

// errGone says that the caller left before its request was whole.
var errGone = errors.New("the caller left")

// readBody reads a body of at most MaxBody bytes: a fault PayloadTooLarge where it is longer, BadRequest where it is broken,
// errGone where it ends early.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	conn := http.NewResponseController(w)
	if err := conn.SetReadDeadline(time.Now().Add(bodyTime)); err != nil {
		return nil, fmt.Errorf("limit the time of a body: %w", err)
	}
	if r.ContentLength > MaxBody {
		if r.Header.Get("Expect") == "" && r.ContentLength <= drained { // who expects 100-continue has not sent it
			_, _ = io.Copy(io.Discard, r.Body) // refused either way
		}
		return nil, httpjson.TooLarge(MaxBody)
	}
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(r.Body, MaxBody+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fault.New(fault.BadRequest, "The body did not arrive in time.")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errGone
	case err != nil:
		return nil, &fault.Error{Code: fault.BadRequest, Detail: "The body can't be read.", Cause: err}
	case body.Len() > MaxBody:
		_, _ = io.CopyN(io.Discard, r.Body, drained) // refused either way
		return nil, httpjson.TooLarge(MaxBody)
	}
	// The connection lives on, and a stream on it may last longer than a body may take.
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("lift the time limit of a body: %w", err)
	}
	return body.Bytes(), nil
}
