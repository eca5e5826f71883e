package callback

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/task"
)

// StatusMessage is the body of POST {callback_url}/status.
type StatusMessage struct {
	TaskID        string       `json:"taskId"`
	Status        string       `json:"status"`
	Error         *StatusError `json:"error,omitempty"`
	Attempt       *int         `json:"attempt,omitempty"`
	Progress      *float64     `json:"progress,omitempty"`
	Stage         string       `json:"stage,omitempty"`
	QueuePosition *int         `json:"queuePosition,omitempty"`
	ETASeconds    *float64     `json:"etaSeconds,omitempty"`
}

// StatusAnswer is the answer to it.
type StatusAnswer struct {
	TaskID    string      `json:"taskId"`
	Status    task.Status `json:"status"`
	Duplicate bool        `json:"duplicate"`
}

// The words of a worker's status.
const (
	Processing = "processing"
	Completed  = "completed"
	Failed     = "failed"
	Released   = "released"
)

// StatusError is why a worker failed: a string, or a code and a message.
type StatusError task.Error

// UnmarshalJSON reads either form.
func (e *StatusError) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &e.Message)
	}
	return json.Unmarshal(b, (*task.Error)(e))
}

// ForUser is the error as the task's user meets it: codes of the worker's own become worker_failed.
func (e *StatusError) ForUser() task.Error {
	out := task.Error{Code: task.WorkerFailed, Message: "The reconstruction failed."}
	if e == nil {
		return out
	}
	if e.Code == task.ImageRejected {
		out.Code = task.ImageRejected
	}
	if words := Words(e.Message); words != "" {
		out.Message = words
	}
	return out
}

// maxName is the length (bytes) of a result's name.
const maxName = 128

// maxType is the length (bytes) of a media type.
const maxType = 128

// maxStage is the length (characters) of a stage's name, which is shown in a line beside a bar.
const maxStage = 64

// maxFigure is more than any queue or wait has.
const maxFigure = 1e9

// Validate tells which values of a status message are wrong, as fault.ValidationFailed.
func (m *StatusMessage) Validate() error {
	var fields []fault.Field
	wrong := func(field, message string) { fields = append(fields, fault.Field{Field: field, Message: message}) }
	switch m.Status {
	case Processing, Completed, Failed, Released:
	default:
		wrong("status", "must be processing, completed, failed or released")
	}
	if m.Attempt != nil && *m.Attempt < 1 {
		wrong("attempt", "must be at least 1")
	}
	if m.Progress != nil && (*m.Progress < 0 || *m.Progress > 100) {
		wrong("progress", "must be from 0 to 100")
	}
	if utf8.RuneCountInString(m.Stage) > maxStage || !printable(m.Stage) {
		wrong("stage", "must be a printable name of at most 64 characters")
	}
	if m.QueuePosition != nil && (*m.QueuePosition < 0 || *m.QueuePosition > maxFigure) {
		wrong("queuePosition", "must be a sensible number of tasks")
	}
	if m.ETASeconds != nil && (*m.ETASeconds < 0 || *m.ETASeconds > maxFigure) {
		wrong("etaSeconds", "must be a sensible number of seconds")
	}
	return invalid(fields)
}

// ResultMessage is the body of POST {callback_url}/upload-url/{taskId}, and of …/result/{taskId} once the file is in COS.
type ResultMessage struct {
	Name        string `json:"name"`
	Size        *int64 `json:"size"`
	SHA256      string `json:"sha256"`
	ContentType string `json:"contentType,omitempty"`
	Attempt     *int   `json:"attempt,omitempty"`
}

// ResultAnswer is the answer to a result.
type ResultAnswer struct {
	TaskID    string `json:"taskId"`
	Name      string `json:"name"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
	Duplicate bool   `json:"duplicate"`
}

// UploadAnswer is the answer to an upload-url: where to PUT, or that it is stored already.
type UploadAnswer struct {
	URL       string            `json:"url,omitempty"`
	Method    string            `json:"method,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
	ExpiresAt string            `json:"expiresAt,omitempty"`
	Duplicate bool              `json:"duplicate,omitempty"`
}

// Validate tells which values of a result message are wrong, as fault.ValidationFailed. maxSize is in bytes.
func (m *ResultMessage) Validate(maxSize int64) error {
	m.SHA256 = strings.ToLower(m.SHA256)
	var fields []fault.Field
	wrong := func(field, message string) { fields = append(fields, fault.Field{Field: field, Message: message}) }
	if !madeOf(m.Name, maxName, "._-") || strings.IndexByte("._-", m.Name[0]) >= 0 {
		wrong("name", "must be 1 to 128 letters, digits, dots, dashes and underscores, and begin with a letter or digit")
	}
	if m.Size == nil || *m.Size < 0 {
		wrong("size", "must be the number of bytes")
	}
	if sum, err := hex.DecodeString(m.SHA256); err != nil || len(sum) != sha256.Size {
		wrong("sha256", "must be 64 hex digits")
	}
	if m.ContentType != "" {
		if t, params, err := mime.ParseMediaType(m.ContentType); err != nil || len(m.ContentType) > maxType || !strings.Contains(t, "/") {
			wrong("contentType", "must be a media type such as image/png")
		} else {
			m.ContentType = mime.FormatMediaType(t, params)
		}
	}
	if m.Attempt != nil && *m.Attempt < 1 {
		wrong("attempt", "must be at least 1")
	}
	if err := invalid(fields); err != nil {
		return err
	}
	if *m.Size > maxSize {
		return fault.New(fault.PayloadTooLarge, "The file is over the limit for results: see RESULT_MAX_BYTES.")
	}
	return nil
}

func invalid(fields []fault.Field) error {
	if len(fields) == 0 {
		return nil
	}
	detail := make([]string, len(fields))
	for i, f := range fields {
		detail[i] = f.Field + " " + f.Message
	}
	return &fault.Error{Code: fault.ValidationFailed, Detail: strings.Join(detail, "; ") + ".", Fields: fields}
}

// maxWords is how much (bytes) of a worker's own words a user is shown.
const maxWords = 500

// Words makes text from elsewhere fit to be stored and shown: one line, valid UTF-8, bounded, and read in the order in which it is written.
func Words(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	for len(s) > maxWords {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
