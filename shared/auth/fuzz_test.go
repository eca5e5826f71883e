package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/recon3d/recon3d/shared/fault"
)

const fuzzedTask = "01a20812-cfbe-7e37-aed2-c61cd7b96a2b"

// Only the tickets that were issued open anything, each in its one spelling and for its own task.
func FuzzTicket(f *testing.F) {
	tickets := NewTickets(TicketConfig{Secret: "a secret of tickets", TTL: time.Hour})
	begin := time.Unix(1_767_225_600, 0)
	tickets.now = func() time.Time { return begin }
	issued := tickets.Issue(fuzzedTask)
	f.Add(issued, fuzzedTask)
	f.Add(issued[:len(issued)-1]+"B", fuzzedTask)
	f.Add(issued+"=", fuzzedTask)
	f.Add(issued[:4]+"\n"+issued[4:], fuzzedTask)
	f.Fuzz(func(t *testing.T, ticket, taskID string) {
		err := tickets.Verify(ticket, taskID)
		if err != nil && !fault.Is(err, fault.Unauthorized) {
			t.Error(err)
		}
		if right := ticket == issued && taskID == fuzzedTask; right != (err == nil) {
			t.Errorf("%q for %q: %v", ticket, taskID, err)
		}
	})
}

// Only a token that the secret signed names a user.
func FuzzBearer(f *testing.F) {
	const secret = "a secret of more than thirty-two bytes"
	a := New(Config{Mode: ModeJWT, Secret: secret, Audience: "recon3d"})
	expires := time.Unix(4_000_000_000, 0) // always the same: a fuzzer's inputs outlive the run that found them
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann", "aud": "recon3d", "exp": expires.Unix()}).SignedString([]byte(secret))
	if err != nil {
		f.Fatal(err)
	}
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"sub": "ann", "aud": "recon3d", "exp": expires.Unix()}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("Bearer " + token)
	f.Add("bearer  " + token + " ")
	f.Add("Bearer " + unsigned)
	f.Add("Bearer " + token[:len(token)-1])
	f.Add("Basic YTpi")
	f.Fuzz(func(t *testing.T, header string) {
		user, err := a.User(&http.Request{Header: http.Header{"Authorization": {header}}})
		if err != nil {
			if user != "" || !fault.Is(err, fault.Unauthorized) {
				t.Errorf("refused as %q: %v", user, err)
			}
			return
		}
		if _, sent, _ := strings.Cut(header, " "); user != "ann" || strings.TrimSpace(sent) != token {
			t.Errorf("%q is %q", header, user)
		}
	})
}

// Whatever the issuer answers for its keys, nobody gets in by it who has no key of its, and a caller is not told what was wrong with it.
func FuzzKeys(f *testing.F) {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann", "exp": time.Now().Add(24 * time.Hour).Unix()}).SignedString([]byte("the public key"))
	if err != nil {
		f.Fatal(err)
	}
	rs, es := strings.Split(token, "."), strings.Split(token, ".")
	rs[0], es[0] = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)), base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"1"}`))
	keys, err := json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "EC", "crv": "P-256", "kid": "1", "use": "sig",
		"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
	}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(200, keys)
	f.Add(200, []byte(`{"keys":[{"kty":"oct","k":"dGhlIHB1YmxpYyBrZXk"}]}`))
	f.Add(200, []byte(`{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`))
	f.Add(302, []byte(`{"keys":null}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a := New(Config{Mode: ModeJWT, JWKSURL: "http://issuer.test/keys"})
		a.keys.client.Transport = answering{status, body}
		for _, forged := range []string{token, strings.Join(rs, "."), strings.Join(es, ".")} {
			user, err := a.User(&http.Request{Header: http.Header{"Authorization": {"Bearer " + forged}}})
			if user != "" || !fault.Is(err, fault.Unauthorized) && !fault.Is(err, fault.Unavailable) {
				t.Errorf("%q: %v", user, err)
			}
		}
	})
}

// answering is an issuer.
type answering struct {
	status int
	body   []byte
}

// RoundTrip implements http.RoundTripper.
func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(a.body)), Request: r}, nil
}
