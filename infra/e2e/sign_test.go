package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md), written from its text.

// newSecret makes a secret: 32 random bytes.
func newSecret() string { return "whsec_" + base64.StdEncoding.EncodeToString(random(32)) }

// signature signs a message of that id and time.
func signature(tb testing.TB, secret, id string, at time.Time, body []byte) string {
	tb.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		tb.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// signed puts the three headers on a request.
func signed(tb testing.TB, r *http.Request, secret, id string, at time.Time, body []byte) {
	tb.Helper()
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("webhook-signature", signature(tb, secret, id, at, body))
}

// verify tells what is wrong with the three headers of a request with that body.
func verify(tb testing.TB, h http.Header, secret string, body []byte) error {
	tb.Helper()
	seconds, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	if err != nil {
		return fmt.Errorf("webhook-timestamp: %w", err)
	}
	at := time.Unix(seconds, 0)
	if age := time.Since(at); age.Abs() > 5*time.Minute {
		return fmt.Errorf("webhook-timestamp is %v old", age)
	}
	want := signature(tb, secret, h.Get("webhook-id"), at, body)
	for _, got := range strings.Fields(h.Get("webhook-signature")) {
		if hmac.Equal([]byte(got), []byte(want)) {
			return nil
		}
	}
	return fmt.Errorf("no signature in %q is right", h.Get("webhook-signature"))
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// random makes n bytes that nothing else has.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// token makes a short name that nothing else has.
func token() string { return hex.EncodeToString(random(8)) }

// userToken is a bearer token of AUTH_MODE=jwt (RFC 7519, HS256).
func userToken(secret string, claims map[string]any) string {
	part := func(v any) string { return base64.RawURLEncoding.EncodeToString(mustJSON(v)) }
	text := part(map[string]string{"alg": "HS256", "typ": "JWT"}) + "." + part(claims)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = bytes.NewBufferString(text).WriteTo(mac) // a hash takes everything
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
