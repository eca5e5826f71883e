// Package fault names what can go wrong, in the words that callers branch on.
//
// The same code travels from a Lua script through the stores to the problem document (RFC 9457) that a caller gets, so
// that there is one vocabulary and one table of it (package httpjson). It does no I/O.
package fault

import (
	"errors"
	"time"
)

// Code is the `code` of a problem document: what a program branches on.
type Code string

// The codes of the contract. The comment says who meets them.
const (
	BadRequest            Code = "bad_request"             // a request that can't be parsed
	Unauthorized          Code = "unauthorized"            // a user without a valid token or ticket
	SignatureInvalid      Code = "signature_invalid"       // a callback that is not signed by a worker of ours
	NotFound              Code = "not_found"               // a path that nothing answers
	PictureNotFound       Code = "picture_not_found"       // no such picture, or another user's
	TaskNotFound          Code = "task_not_found"          // no such task, or another user's, or a deleted one
	MethodNotAllowed      Code = "method_not_allowed"      // a path that knows other methods
	TaskFinished          Code = "task_finished"           // a change of a task in a final state
	AttemptSuperseded     Code = "attempt_superseded"      // a callback of an older attempt
	ResultsMissing        Code = "results_missing"         // completed before the required results are stored
	ResultConflict        Code = "result_conflict"         // other bytes under a name that is taken
	IdempotencyInProgress Code = "idempotency_in_progress" // the first request with that key is still being answered
	PayloadTooLarge       Code = "payload_too_large"       // a body over the limit
	UnsupportedMediaType  Code = "unsupported_media_type"  // a body or file of another type
	ImageInvalid          Code = "image_invalid"           // an image that does not decode
	ImageTooLarge         Code = "image_too_large"         // an image of too many pixels
	IdempotencyConflict   Code = "idempotency_conflict"    // a key used again with another body
	ObjectMismatch        Code = "object_mismatch"         // an object that is absent, or not the one announced
	ValidationFailed      Code = "validation_failed"       // a request of the right form with wrong values
	RateLimited           Code = "rate_limited"            // too many creates in a time
	TooManyActiveTasks    Code = "too_many_active_tasks"   // too many tasks that have not ended
	Internal              Code = "internal"                // a fault of ours
	Unavailable           Code = "unavailable"             // Redis or COS is away
)

// Field is one wrong value of a request.
type Field struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error is a fault with what a caller needs in order to act on it.
type Error struct {
	Code       Code
	Detail     string        // for a person; never internals; empty: the table's sentence
	Fields     []Field       // of ValidationFailed
	Missing    []string      // of ResultsMissing
	Allow      string        // of MethodNotAllowed
	RetryAfter time.Duration // sent as the Retry-After header where it is positive
	Cause      error         // logged, never sent
}

func (e *Error) Error() string {
	s := string(e.Code)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Cause }

// New makes a fault with a sentence for a person. An empty detail means the table's own sentence.
func New(code Code, detail string) *Error { return &Error{Code: code, Detail: detail} }

// Invalid makes the ValidationFailed of one field.
func Invalid(field, message string) *Error {
	return &Error{Code: ValidationFailed, Detail: field + " " + message + ".", Fields: []Field{{field, message}}}
}

// Away makes the Unavailable of a part that we depend on; cause is for the log.
func Away(part string, cause error) *Error {
	return &Error{Code: Unavailable, Detail: part + " does not answer at the moment.", RetryAfter: 2 * time.Second, Cause: cause}
}

// CodeOf tells the code of the fault in err's chain, Internal where there is none.
func CodeOf(err error) Code {
	var f *Error
	if errors.As(err, &f) {
		return f.Code
	}
	return Internal
}

// Is tells whether err is a fault of that code.
func Is(err error, code Code) bool {
	var f *Error
	return errors.As(err, &f) && f.Code == code
}
