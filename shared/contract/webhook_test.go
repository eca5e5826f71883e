package contract

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/fault"
)

// TestWebhookIsRight computes the signature from the words of the specification (standard-webhooks, spec 1.0.0, "Signature scheme").
func TestWebhookIsRight(t *testing.T) {
	m := decode[Signed](t, "webhook")
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(m.ID + "." + m.Timestamp + "." + m.Body))
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); m.Signature != want {
		t.Errorf("signature is %s, not %s", m.Signature, want)
	}
}

// at runs f when the clock shows the message's time and d more.
func at(t *testing.T, m Signed, d time.Duration, f func(*testing.T)) {
	seconds, err := strconv.ParseInt(m.Timestamp, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Unix(seconds, 0).Add(d)))
		f(t)
	})
}

func header(m Signed) http.Header {
	h := http.Header{}
	h.Set("Webhook-Id", m.ID)
	h.Set("Webhook-Timestamp", m.Timestamp)
	h.Set("Webhook-Signature", m.Signature)
	return h
}

func signer(t *testing.T, m Signed) *callback.Signer {
	s, err := callback.NewSigner(callback.Config{Secrets: []string{m.Secret}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWebhookIsSignedAndVerifiedByTheProduct(t *testing.T) {
	m := decode[Signed](t, "webhook")
	s := signer(t, m)
	at(t, m, 0, func(t *testing.T) {
		id, err := s.Verify(header(m), callback.Status, []byte(m.Body))
		if err != nil || id.String() != m.ID {
			t.Fatalf("verified as %v: %v", id, err)
		}
		signed := http.Header{}
		if err := s.Sign(signed, id, []byte(m.Body)); err != nil {
			t.Fatal(err)
		}
		if got := signed.Get("Webhook-Signature"); got != m.Signature {
			t.Errorf("signed as %s", got)
		}
	})
}

func TestWebhookIsRefused(t *testing.T) {
	m := decode[Signed](t, "webhook")
	for name, c := range map[string]struct {
		late time.Duration
		kind callback.Kind
		body string
	}{
		"too old":          {5*time.Minute + time.Second, callback.Status, m.Body},
		"from the future":  {-5*time.Minute - time.Second, callback.Status, m.Body},
		"another endpoint": {0, callback.Result, m.Body},
		"one byte more":    {0, callback.Status, m.Body + " "},
	} {
		t.Run(name, func(t *testing.T) {
			s := signer(t, m)
			at(t, m, c.late, func(t *testing.T) {
				if _, err := s.Verify(header(m), c.kind, []byte(c.body)); !fault.Is(err, fault.SignatureInvalid) {
					t.Errorf("answer is %v", err)
				}
			})
		})
	}
}
