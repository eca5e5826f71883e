package httpjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"

	"github.com/recon3d/recon3d/shared/fault"
)

// DirectRoute is what a caller with a body over the platform's limit is told.
const DirectRoute = "Larger files go by the direct route: POST /picture/upload-url for a picture, POST {callback_url}/upload-url/{taskId} for a result, then PUT to the URL that it answers."

// drained is how much of a refused body is still read, so that the caller sees the answer and not a reset connection.
const drained = 8 << 20

// TooLarge is the fault of a body over limit bytes.
func TooLarge(limit int64) *fault.Error {
	return fault.New(fault.PayloadTooLarge, fmt.Sprintf("The body is over the limit of %d bytes. %s", limit, DirectRoute))
}

// Limit refuses a body that says it is over limit bytes, and makes reading one that is fail with *http.MaxBytesError,
// which WriteError answers as PayloadTooLarge. Call it before asking who calls.
func Limit(w http.ResponseWriter, r *http.Request, limit int64) error {
	if r.ContentLength > limit {
		if r.ContentLength <= drained {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				slog.Debug("caller left in its body", "error", err)
			}
		}
		return TooLarge(limit)
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	return nil
}

// ReadBody reads a limited body whole. A body that ends early is BadRequest.
func ReadBody(r *http.Request) ([]byte, error) {
	// At once as large as it says it is, up to what a caller may have us set aside by a mere header.
	const readAhead = 1 << 20
	body := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), readAhead)+bytes.MinRead))
	_, err := body.ReadFrom(r.Body)
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		if _, err := io.CopyN(io.Discard, r.Body, drained); err != nil && !errors.Is(err, io.EOF) {
			slog.Debug("caller left in its body", "error", err)
		}
		return nil, TooLarge(tooBig.Limit)
	case err != nil:
		return nil, &fault.Error{Code: fault.BadRequest, Detail: "The body ended before its stated length.", Cause: err}
	}
	return body.Bytes(), nil
}

// MediaType refuses a request whose body is of none of the wanted types or packed, and tells which type it is, with its parameters.
func MediaType(r *http.Request, wanted ...string) (string, map[string]string, error) {
	for _, coding := range r.Header.Values("Content-Encoding") {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			return "", nil, fault.New(fault.UnsupportedMediaType, "Send the body as it is, without a Content-Encoding.")
		}
	}
	got, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil {
		for _, t := range wanted {
			if got == t {
				return got, params, nil
			}
		}
	}
	return "", nil, fault.New(fault.UnsupportedMediaType, fmt.Sprintf("Send the body as %s.", wanted[0]))
}

// Decode fills v from body: BadRequest where it is no JSON, ValidationFailed with the field's name where a value is of the
// wrong type. Members that v does not have are ignored, so that a newer caller can talk to an older function.
func Decode(body []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	var wrong *json.UnmarshalTypeError
	switch err := dec.Decode(v); {
	case errors.As(err, &wrong):
		if !json.Valid(body) {
			return fault.New(fault.BadRequest, "The body is not JSON.")
		}
		if wrong.Field == "" {
			return fault.Invalid("body", "must be a JSON object")
		}
		if strings.HasPrefix(wrong.Value, "number") {
			if rewritten, ok := whole(body); ok {
				return Decode(rewritten, v)
			}
		}
		return fault.Invalid(wrong.Field, "must be a "+kindName(wrong.Type.Kind()))
	case err != nil:
		return &fault.Error{Code: fault.BadRequest, Detail: "The body is not JSON.", Cause: err}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.BadRequest, "The body holds more than one JSON value.")
	}
	if bytes.Equal(bytes.TrimSpace(body), []byte("null")) {
		return fault.Invalid("body", "must be a JSON object")
	}
	return nil
}

// Write answers with v as JSON. Answers of the API are about something that changes, so nobody may keep them.
func Write(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false) // keeps the & of URLs readable
	if err := enc.Encode(v); err != nil {
		// Our own types always marshal; a type that does not is a bug that the first request shows.
		panic(fmt.Errorf("marshal %T: %w", v, err))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write(body.Bytes()); err != nil {
		slog.Debug("caller left before its answer", "error", err)
	}
}
