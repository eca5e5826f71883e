// Package callback is what backend and workers say to each other: the messages, and how they are signed (Standard Webhooks
// 1.0.0, in both directions).
package callback

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/task"
)

// Config is the secrets that backend and workers share.
type Config struct {
	// Secrets are whsec_… separated by spaces: the first signs, any verifies, so that a secret can be changed without a gap.
	Secrets []string `env:"CALLBACK_SECRETS,required" envSeparator:" "`
}

// Validate tells which secrets are none.
func (c *Config) Validate() error {
	if len(c.Secrets) == 0 {
		return nil // reported as not set
	}
	_, err := NewSigner(*c)
	return err
}

// Kind is what a message is for; it is part of what is signed, so that no message can be replayed elsewhere.
type Kind string

// The kinds of message.
const (
	Dispatch Kind = "dispatch" // backend → worker
	Cancel   Kind = "cancel"   // backend → worker
	Result   Kind = "result"   // worker → backend
	Upload   Kind = "upload"   // worker → backend
	Status   Kind = "status"   // worker → backend
)

// ID is a webhook-id: `{kind}:{taskId}:{attempt}:{n}`. It is the same on every retry of one message.
type ID struct {
	Kind    Kind
	TaskID  string
	Attempt int    // 0: a worker that knows no attempts
	N       string // the sender's own
}

func (id ID) String() string {
	return fmt.Sprintf("%s:%s:%d:%s", id.Kind, id.TaskID, id.Attempt, id.N)
}

// maxAttempt is more attempts than any task has.
const maxAttempt = 999_999_999

// ParseID reads a webhook-id. ok is false for one of another form.
func ParseID(s string) (id ID, ok bool) {
	parts := strings.Split(s, ":")
	if len(parts) != 4 {
		return ID{}, false
	}
	switch id.Kind = Kind(parts[0]); id.Kind {
	case Dispatch, Cancel, Result, Upload, Status:
	default:
		return ID{}, false
	}
	attempt, err := strconv.Atoi(parts[2])
	if err != nil || attempt < 0 || attempt > maxAttempt || strconv.Itoa(attempt) != parts[2] || !task.ValidID(parts[1]) || !madeOf(parts[3], 64, "_-") {
		return ID{}, false
	}
	id.TaskID, id.Attempt, id.N = parts[1], attempt, parts[3]
	return id, true
}

// madeOf tells whether s is 1 to longest ASCII letters, digits, and signs. (Regular expressions that count take a millisecond to compile,
// at every start of a function.)
func madeOf(s string, longest int, signs string) bool {
	if s == "" || len(s) > longest {
		return false
	}
	for _, c := range []byte(s) {
		letter, digit := c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9'
		if !letter && !digit && strings.IndexByte(signs, c) < 0 {
			return false
		}
	}
	return true
}

// minKey is how long (bytes) a secret has to be. Standard Webhooks asks for 24 to 64 of new ones.
const minKey = 16

// Signer signs what we send and verifies what we get.
type Signer struct {
	keys [][]byte
}

// NewSigner makes a signer. The error names no secret.
func NewSigner(c Config) (*Signer, error) {
	s := &Signer{}
	for i, secret := range c.Secrets {
		if secret == "" {
			continue // two spaces in a row
		}
		raw, ok := strings.CutPrefix(secret, "whsec_")
		key, err := base64.StdEncoding.DecodeString(raw)
		if !ok || err != nil || len(key) < minKey {
			return nil, fmt.Errorf("CALLBACK_SECRETS: number %d is not `whsec_` and the base64 of at least %d bytes", i+1, minKey)
		}
		s.keys = append(s.keys, key)
	}
	if len(s.keys) == 0 {
		return nil, errors.New("CALLBACK_SECRETS holds no secret")
	}
	return s, nil
}

// Sign sets the three headers of a message, with the present time.
func (s *Signer) Sign(h http.Header, id ID, body []byte) error {
	name, now := id.String(), strconv.FormatInt(time.Now().Unix(), 10)
	h.Set("Webhook-Id", name)
	h.Set("Webhook-Timestamp", now)
	h.Set("Webhook-Signature", version+base64.StdEncoding.EncodeToString(mac(s.keys[0], name, now, body)))
	return nil
}

// version begins a signature by HMAC-SHA256, the one kind that a shared secret can make.
const version = "v1,"

// mac is the HMAC-SHA256 of `{id}.{timestamp}.{body}`. The body, which may be megabytes, is not copied.
func mac(key []byte, id, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + timestamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

// tolerance is how old or how far ahead a timestamp may be.
const tolerance = 5 * time.Minute

// Verify tells who a message is from: its id, if it is signed with one of the secrets, at most 5 minutes old or ahead, and
// for this endpoint. Otherwise fault.SignatureInvalid, which says nothing about the task.
func (s *Signer) Verify(h http.Header, kind Kind, body []byte) (ID, error) {
	id, ok := ParseID(h.Get("Webhook-Id"))
	if !ok || id.Kind != kind {
		return ID{}, fault.New(fault.SignatureInvalid, "")
	}
	timestamp := h.Get("Webhook-Timestamp")
	sent, err := strconv.ParseUint(timestamp, 10, 63) // a sign is none of a timestamp
	if err != nil || time.Since(time.Unix(int64(sent), 0)).Abs() > tolerance {
		return ID{}, fault.New(fault.SignatureInvalid, "")
	}
	for _, key := range s.keys {
		expected := mac(key, id.String(), timestamp, body)
		for signature := range strings.SplitSeq(h.Get("Webhook-Signature"), " ") {
			encoded, ours := strings.CutPrefix(signature, version)
			got, err := base64.StdEncoding.DecodeString(encoded)
			if ours && err == nil && hmac.Equal(got, expected) {
				return id, nil
			}
		}
	}
	return ID{}, fault.New(fault.SignatureInvalid, "")
}

// For refuses a verified message that is not about that task, or whose body names another attempt (nil: none) than its id.
func (id ID) For(taskID string, attempt *int) error {
	if id.TaskID != taskID || attempt != nil && id.Attempt != 0 && id.Attempt != *attempt {
		return fault.New(fault.SignatureInvalid, "")
	}
	return nil
}
