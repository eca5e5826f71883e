package httpjson

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/telemetry"
)

// Problem is the body of every error (RFC 9457, application/problem+json).
type Problem struct {
	Type      string        `json:"type"`
	Title     string        `json:"title"`
	Status    int           `json:"status"`
	Detail    string        `json:"detail"`
	Code      fault.Code    `json:"code"`
	RequestID string        `json:"requestId"`
	Missing   []string      `json:"missing,omitempty"`
	Errors    []fault.Field `json:"errors,omitempty"`
}

type row struct {
	status int
	detail string
}

// table is the one place where a fault becomes a status. What is not in it is 500. The title is the status's own phrase, as
// RFC 9457 asks of the type about:blank (section 4.2.1).
var table = map[fault.Code]row{
	fault.BadRequest:            {400, "The request can't be parsed."},
	fault.Unauthorized:          {401, "A valid bearer token is needed."},
	fault.SignatureInvalid:      {401, "The request is not signed as Standard Webhooks with a known secret."},
	fault.NotFound:              {404, "Nothing answers at this address."},
	fault.PictureNotFound:       {404, "There is no such picture."},
	fault.TaskNotFound:          {404, "There is no such task."},
	fault.MethodNotAllowed:      {405, "This address knows other methods: see Allow."},
	fault.TaskFinished:          {409, "The task has ended and changes no more."},
	fault.AttemptSuperseded:     {409, "A newer attempt has taken over this task."},
	fault.ResultsMissing:        {409, "The task can't be completed before all required results are stored."},
	fault.ResultConflict:        {409, "Other bytes are stored under this name in this attempt."},
	fault.IdempotencyInProgress: {409, "The first request with this Idempotency-Key is still being answered."},
	fault.PayloadTooLarge:       {413, "The body is too large."},
	fault.UnsupportedMediaType:  {415, "The body is of a type that is not taken here."},
	fault.ImageInvalid:          {422, "The image can't be decoded."},
	fault.ImageTooLarge:         {422, "The image has too many pixels."},
	fault.IdempotencyConflict:   {422, "This Idempotency-Key was used with another body."},
	fault.ObjectMismatch:        {422, "The object is not there, or is not the one that was announced."},
	fault.ValidationFailed:      {422, "Some values are missing or wrong: see errors."},
	fault.RateLimited:           {429, "Too many tasks were created in a short time."},
	fault.TooManyActiveTasks:    {429, "Too many of your tasks have not ended yet."},
	fault.Internal:              {500, "Something went wrong on our side."},
	fault.Unavailable:           {503, "A part of the system does not answer at the moment."},
}

// Describe tells the problem document of err, and the headers that go with it, without sending it.
func Describe(err error) (Problem, http.Header) {
	var tooBig *http.MaxBytesError
	f := &fault.Error{Code: fault.Internal}
	switch {
	case errors.As(err, &f):
	case errors.As(err, &tooBig):
		f = TooLarge(tooBig.Limit)
	}
	r, known := table[f.Code]
	if !known || f.Code == fault.Internal {
		f = &fault.Error{Code: fault.Internal}
		r = table[fault.Internal]
	}
	p := Problem{Type: "about:blank", Title: http.StatusText(r.status), Status: r.status, Detail: f.Detail, Code: f.Code, Missing: f.Missing, Errors: f.Fields}
	if p.Detail == "" {
		p.Detail = r.detail
	}
	h := http.Header{}
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
	if f.Allow != "" {
		h.Set("Allow", f.Allow)
	}
	if f.Code == fault.Unauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	return p, h
}

// WriteError answers with err's problem document. What is our own fault (5xx) is logged here, once, with the request id;
// a caller that has gone gets nothing and is no error.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	p, header := Describe(err)
	p.RequestID = RequestID(r.Context())
	telemetry.Note(r.Context(), slog.String("code", string(p.Code)))
	if p.Status >= 500 {
		level := slog.LevelError
		if errors.Is(r.Context().Err(), context.Canceled) {
			level = slog.LevelInfo
		}
		slog.Log(r.Context(), level, "request failed", "requestId", p.RequestID, "code", p.Code, "method", r.Method, "path", r.URL.Path, "error", err)
	}
	for k, v := range header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	if err := json.NewEncoder(w).Encode(p); err != nil {
		slog.Info("caller left before its answer", "requestId", p.RequestID, "error", err)
	}
}
