// Package auth tells who calls: a user by bearer token, or the holder of a ticket for one task's events.
package auth

import (
	"errors"
	"fmt"
	"net/url"
)

// The values of AUTH_MODE.
const (
	ModeJWT  = "jwt"  // a user is who a signed token says
	ModeNone = "none" // everybody is LocalUser; only for a machine of one's own
)

// LocalUser is everybody in ModeNone.
const LocalUser = "local"

// Config says how users prove who they are. Mode has no default: a function that was not told how to know its users must
// not serve them.
type Config struct {
	Mode     string `env:"AUTH_MODE"`
	Secret   string `env:"JWT_SECRET"`      // verifies HS256
	Also     string `env:"JWT_SECRET_ALSO"` // verifies too, while the secret is changed
	JWKSURL  string `env:"JWT_JWKS_URL"`    // its keys verify RS256 and ES256
	Issuer   string `env:"JWT_ISSUER"`      // the `iss` that a token must have, where set
	Audience string `env:"JWT_AUDIENCE"`    // one of the `aud` that a token must have, where set
}

// Validate names every variable that is missing or wrong, one a line.
func (c *Config) Validate() error {
	var wrong []error
	switch c.Mode {
	case ModeNone:
	case ModeJWT:
		if c.Secret == "" && c.JWKSURL == "" {
			wrong = append(wrong, errors.New("JWT_SECRET and JWT_JWKS_URL are not set: AUTH_MODE=jwt needs one of them"))
		}
	case "":
		wrong = append(wrong, errors.New("AUTH_MODE is not set: jwt, or none on a machine of one's own"))
	default:
		wrong = append(wrong, fmt.Errorf("AUTH_MODE: knows jwt and none, not %q", c.Mode))
	}
	if c.Also != "" && c.Secret == "" {
		wrong = append(wrong, errors.New("JWT_SECRET_ALSO is set without JWT_SECRET"))
	}
	if c.JWKSURL != "" {
		if u, err := url.Parse(c.JWKSURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			wrong = append(wrong, errors.New("JWT_JWKS_URL: is not an http or https URL"))
		}
	}
	return errors.Join(wrong...)
}
