package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/recon3d/recon3d/shared/fault"
)

// leeway is how far the clock of a token's issuer may be from ours.
const leeway = 30 * time.Second

// Authenticator tells which user a request comes from. It is safe for many goroutines.
type Authenticator struct {
	mode   string
	secret jwt.VerificationKeySet
	keys   *keySet // nil without JWT_JWKS_URL
	parser *jwt.Parser
}

// New makes an authenticator of a valid configuration. It does not dial: keys are fetched when a token first needs them.
func New(c Config) *Authenticator {
	a := &Authenticator{mode: c.Mode}
	for _, s := range []string{c.Secret, c.Also} {
		if s != "" {
			a.secret.Keys = append(a.secret.Keys, []byte(s))
		}
	}
	// The algorithm is taken from the token, so only those are let in whose kind of key is configured: a public RSA key can
	// never serve as an HMAC secret.
	var methods []string
	if c.Secret != "" {
		methods = append(methods, jwt.SigningMethodHS256.Alg())
	}
	if c.JWKSURL != "" {
		methods = append(methods, jwt.SigningMethodRS256.Alg(), jwt.SigningMethodES256.Alg())
		a.keys = newKeySet(c.JWKSURL)
	}
	options := []jwt.ParserOption{jwt.WithValidMethods(methods), jwt.WithExpirationRequired(), jwt.WithLeeway(leeway), jwt.WithStrictDecoding()}
	if c.Issuer != "" {
		options = append(options, jwt.WithIssuer(c.Issuer))
	}
	if c.Audience != "" {
		options = append(options, jwt.WithAudience(c.Audience))
	}
	a.parser = jwt.NewParser(options...)
	return a
}

// User tells the user that r's bearer token (RFC 6750) names in `sub`. Errors: fault.Unauthorized; fault.Unavailable when
// the keys that would tell can't be fetched.
func (a *Authenticator) User(r *http.Request) (string, error) {
	if a.mode == ModeNone {
		return LocalUser, nil
	}
	raw, ok := bearer(r)
	if !ok {
		return "", fault.New(fault.Unauthorized, "")
	}
	// Names of claims are compared as they are (RFC 7519, section 4), which a struct would not do: an issuer may let its users choose
	// claims of their own, and a `Sub` among them is no user.
	claims := jwt.MapClaims{}
	_, err := a.parser.ParseWithClaims(raw, claims, func(t *jwt.Token) (any, error) { return a.key(r.Context(), t) })
	switch {
	case fault.Is(err, fault.Unavailable):
		return "", err
	case errors.Is(err, jwt.ErrTokenExpired):
		return "", &fault.Error{Code: fault.Unauthorized, Detail: "The bearer token has expired.", Cause: err}
	case err != nil:
		return "", &fault.Error{Code: fault.Unauthorized, Cause: err}
	}
	user, err := claims.GetSubject()
	if err != nil || user == "" {
		return "", &fault.Error{Code: fault.Unauthorized, Detail: "The bearer token names no user.", Cause: err}
	}
	return user, nil
}

// key finds what verifies t, whose algorithm is among the configured ones.
func (a *Authenticator) key(ctx context.Context, t *jwt.Token) (any, error) {
	if _, critical := t.Header["crit"]; critical {
		return nil, errors.New("the token has extensions that must be understood") // RFC 7515, section 4.1.11: here none is
	}
	if t.Method == jwt.SigningMethodHS256 {
		return a.secret, nil
	}
	if a.keys == nil {
		return nil, fmt.Errorf("no key for %s", t.Method.Alg())
	}
	return a.keys.key(ctx, t)
}

// bearer takes the token from the one Authorization header.
func bearer(r *http.Request) (string, bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}
