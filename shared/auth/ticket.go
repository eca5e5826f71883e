package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/recon3d/recon3d/shared/fault"
)

// TicketConfig is about tickets: what opens a task's event stream where no header can be sent (EventSource sends none).
type TicketConfig struct {
	Secret string        `env:"TICKET_SECRET,required"`
	Also   string        `env:"TICKET_SECRET_ALSO"` // verifies too, while the secret is changed
	TTL    time.Duration `env:"TICKET_TTL" envDefault:"1h"`
}

// Validate names every variable that is wrong, one a line.
func (c *TicketConfig) Validate() error {
	var wrong []error
	if c.Secret != "" && len(c.Secret) < 16 {
		wrong = append(wrong, errors.New("TICKET_SECRET: is shorter than 16 bytes"))
	}
	if c.Also != "" && len(c.Also) < 16 {
		wrong = append(wrong, errors.New("TICKET_SECRET_ALSO: is shorter than 16 bytes"))
	}
	if c.TTL < time.Second {
		wrong = append(wrong, errors.New("TICKET_TTL: is shorter than a second"))
	}
	return errors.Join(wrong...)
}

// Tickets issues and verifies tickets: each an expiring grant to read the events of one task, good for whoever holds it.
//
// A ticket is base64url (RFC 4648, no padding) of its expiry, unix seconds as 8 bytes big-endian, and the 32 bytes of
// HMAC-SHA256 over purpose, those 8 bytes and the task's id.
type Tickets struct {
	secret []byte
	also   []byte // nil: no other
	ttl    time.Duration
	now    func() time.Time
}

// purpose keeps a secret that is used elsewhere too from making tickets by accident.
const purpose = "recon3d event ticket 1\n"

// ticketText refuses the spare bits of the last character, so that one ticket has one spelling.
var ticketText = base64.RawURLEncoding.Strict()

// NewTickets makes tickets of a valid configuration.
func NewTickets(c TicketConfig) *Tickets {
	t := &Tickets{secret: []byte(c.Secret), ttl: c.TTL, now: time.Now}
	if c.Also != "" {
		t.also = []byte(c.Also)
	}
	return t
}

// Issue makes a ticket for a task. Who may have it is the caller's to decide.
func (t *Tickets) Issue(taskID string) string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(t.now().Add(t.ttl).Unix()))
	return ticketText.EncodeToString(append(raw, mac(t.secret, raw, taskID)...))
}

// Verify tells whether ticket is one for that task and has not expired. Errors: fault.Unauthorized.
func (t *Tickets) Verify(ticket, taskID string) error {
	const size = 8 + sha256.Size
	raw, err := ticketText.DecodeString(ticket)
	if err != nil || len(ticket) != ticketText.EncodedLen(size) || len(raw) != size {
		return fault.New(fault.Unauthorized, "The ticket is not valid for this task.")
	}
	expiry, sum := raw[:8], raw[8:]
	if !hmac.Equal(sum, mac(t.secret, expiry, taskID)) && (t.also == nil || !hmac.Equal(sum, mac(t.also, expiry, taskID))) {
		return fault.New(fault.Unauthorized, "The ticket is not valid for this task.")
	}
	if t.now().Unix() >= int64(binary.BigEndian.Uint64(expiry)) {
		return fault.New(fault.Unauthorized, "The ticket has expired: get a fresh one with the task's status.")
	}
	return nil
}

func mac(secret, expiry []byte, taskID string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(purpose))
	h.Write(expiry)
	h.Write([]byte(taskID))
	return h.Sum(nil)
}
