package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/recon3d/recon3d/shared/fault"
)

const secret = "a secret of more than thirty-two bytes"

func claims(change jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "ann", "exp": time.Now().Add(time.Hour).Unix(), "iss": "issuer", "aud": "recon3d"}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func sign(t *testing.T, method jwt.SigningMethod, key any, kid string, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	if kid != "" {
		token.Header["kid"] = kid
	}
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(a *Authenticator, authorization ...string) (string, error) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, v := range authorization {
		r.Header.Add("Authorization", v)
	}
	return a.User(r)
}

func TestHS256(t *testing.T) {
	a := New(Config{Mode: ModeJWT, Secret: secret, Issuer: "issuer", Audience: "recon3d"})
	hs := func(c jwt.MapClaims) string { return sign(t, jwt.SigningMethodHS256, []byte(secret), "", c) }
	good := hs(claims(nil))
	for name, header := range map[string]string{
		"good":           "Bearer " + good,
		"lower case":     "bearer " + good,
		"kid is ignored": "Bearer " + sign(t, jwt.SigningMethodHS256, []byte(secret), "some", claims(nil)),
		"among aud":      "Bearer " + hs(claims(jwt.MapClaims{"aud": []string{"x", "recon3d"}})),
		"another's Sub":  "Bearer " + hs(claims(jwt.MapClaims{"SUB": "bob", "Sub": "bob", "ſub": "bob"})),
		"within leeway":  "Bearer " + hs(claims(jwt.MapClaims{"exp": time.Now().Add(-leeway / 2).Unix()})),
	} {
		if user, err := ask(a, header); err != nil || user != "ann" {
			t.Errorf("%s: %q, %v", name, user, err)
		}
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	critical := jwt.NewWithClaims(jwt.SigningMethodHS256, claims(nil))
	critical.Header["crit"], critical.Header["b64"] = []string{"b64"}, false
	extended, err := critical.SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	for name, header := range map[string]string{
		"none":            "",
		"no token":        "Bearer ",
		"other scheme":    "Basic " + good,
		"garbage":         "Bearer garbage",
		"other secret":    "Bearer " + sign(t, jwt.SigningMethodHS256, []byte("other"), "", claims(nil)),
		"HS512":           "Bearer " + sign(t, jwt.SigningMethodHS512, []byte(secret), "", claims(nil)),
		"RS256":           "Bearer " + sign(t, jwt.SigningMethodRS256, rsaKey, "", claims(nil)),
		"alg none":        "Bearer " + sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", claims(nil)),
		"no signature":    "Bearer " + parts[0] + "." + parts[1] + ".",
		"other claims":    "Bearer " + parts[0] + "." + strings.Split(hs(claims(jwt.MapClaims{"sub": "bob"})), ".")[1] + "." + parts[2],
		"expired":         "Bearer " + hs(claims(jwt.MapClaims{"exp": time.Now().Add(-time.Minute).Unix()})),
		"no exp":          "Bearer " + hs(claims(jwt.MapClaims{"exp": nil})),
		"not yet":         "Bearer " + hs(claims(jwt.MapClaims{"nbf": time.Now().Add(time.Minute).Unix()})),
		"no sub":          "Bearer " + hs(claims(jwt.MapClaims{"sub": nil})),
		"empty sub":       "Bearer " + hs(claims(jwt.MapClaims{"sub": ""})),
		"sub of no text":  "Bearer " + hs(claims(jwt.MapClaims{"sub": 7})),
		"Sub":             "Bearer " + hs(claims(jwt.MapClaims{"sub": nil, "Sub": "ann"})),
		"exp of no time":  "Bearer " + hs(claims(jwt.MapClaims{"exp": strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)})),
		"crit":            "Bearer " + extended,
		"other issuer":    "Bearer " + hs(claims(jwt.MapClaims{"iss": "x"})),
		"no issuer":       "Bearer " + hs(claims(jwt.MapClaims{"iss": nil})),
		"other audience":  "Bearer " + hs(claims(jwt.MapClaims{"aud": "x"})),
		"without Bearer ": good,
	} {
		if user, err := ask(a, header); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%s: %q, %v", name, user, err)
		}
	}
	if _, err := ask(a, "Bearer "+good, "Bearer "+good); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("two headers: %v", err)
	}
}

func TestASecretOfTheIssuerIsChangedWithoutAGap(t *testing.T) {
	by := func(key string) string {
		return "Bearer " + sign(t, jwt.SigningMethodHS256, []byte(key), "", claims(nil))
	}
	a := New(Config{Mode: ModeJWT, Secret: secret, Also: "the other secret of thirty-two bytes"})
	for _, key := range []string{secret, "the other secret of thirty-two bytes"} {
		if user, err := ask(a, by(key)); err != nil || user != "ann" {
			t.Errorf("%s: %q, %v", key, user, err)
		}
	}
	for _, key := range []string{"", "a third one"} {
		if _, err := ask(a, by(key)); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%q: %v", key, err)
		}
	}
	expired := "Bearer " + sign(t, jwt.SigningMethodHS256, []byte(secret), "", claims(jwt.MapClaims{"exp": 1}))
	if _, err := ask(a, expired); !fault.Is(err, fault.Unauthorized) || !strings.Contains(err.Error(), "has expired") {
		t.Errorf("expired: %v", err)
	}
}

func TestModeNoneIsLocalUser(t *testing.T) {
	if user, err := ask(New(Config{Mode: ModeNone})); err != nil || user != "local" {
		t.Errorf("%q, %v", user, err)
	}
}

// issuer serves a key set that a test can change, and counts how often it is asked.
type issuer struct {
	*httptest.Server
	keys  atomic.Pointer[[]jwkset.JWKMarshal]
	down  atomic.Bool
	asked atomic.Int32
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{}
	i.keys.Store(&[]jwkset.JWKMarshal{})
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.asked.Add(1)
		if i.down.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		if err := json.NewEncoder(w).Encode(jwkset.JWKSMarshal{Keys: *i.keys.Load()}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) publish(t *testing.T, keys map[string]crypto.PublicKey, use jwkset.USE) {
	t.Helper()
	var set []jwkset.JWKMarshal
	for kid, key := range keys {
		jwk, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: kid, USE: use}})
		if err != nil {
			t.Fatal(err)
		}
		set = append(set, jwk.Marshal())
	}
	i.keys.Store(&set)
}

func TestKeySet(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	is := newIssuer(t)
	is.publish(t, map[string]crypto.PublicKey{"r": rsaKey.Public()}, jwkset.UseSig)
	a := New(Config{Mode: ModeJWT, JWKSURL: is.URL})
	var skew time.Duration
	a.keys.now = func() time.Time { return time.Now().Add(skew) }
	byRSA := "Bearer " + sign(t, jwt.SigningMethodRS256, rsaKey, "r", claims(nil))
	byEC := "Bearer " + sign(t, jwt.SigningMethodES256, ecKey, "e", claims(nil))
	expect := func(what, header string, code fault.Code, asked int32) {
		t.Helper()
		user, err := ask(a, header)
		if code == "" && (err != nil || user != "ann") || code != "" && !fault.Is(err, code) {
			t.Errorf("%s: %q, %v", what, user, err)
		}
		if is.asked.Load() != asked {
			t.Errorf("%s: issuer asked %d times, not %d", what, is.asked.Load(), asked)
		}
	}

	expect("HS256 without a secret", "Bearer "+sign(t, jwt.SigningMethodHS256, []byte{}, "r", claims(nil)), fault.Unauthorized, 0)
	is.down.Store(true)
	expect("issuer away at first", byRSA, fault.Unavailable, 1)
	expect("asked no more at once", byRSA, fault.Unavailable, 1)
	is.down.Store(false)
	skew += retryAfter
	expect("RS256", byRSA, "", 2)
	expect("kept", byRSA, "", 2)
	expect("without kid", "Bearer "+sign(t, jwt.SigningMethodRS256, rsaKey, "", claims(nil)), "", 2)
	expect("no such key yet", byEC, fault.Unauthorized, 2)

	is.publish(t, map[string]crypto.PublicKey{"r": rsaKey.Public(), "e": ecKey.Public()}, "")
	skew += unknownEvery
	expect("ES256 by a new key", byEC, "", 3)
	expect("wrong kind of key", "Bearer "+sign(t, jwt.SigningMethodRS256, rsaKey, "e", claims(nil)), fault.Unauthorized, 3)

	is.down.Store(true)
	skew += refreshAfter
	expect("stale, issuer away", byRSA, "", 4)
	expect("unknown, issuer away", "Bearer "+sign(t, jwt.SigningMethodRS256, rsaKey, "x", claims(nil)), fault.Unavailable, 4)
	skew += staleFor
	expect("too stale, issuer away", byRSA, fault.Unavailable, 5)

	is.down.Store(false)
	is.publish(t, map[string]crypto.PublicKey{"e": ecKey.Public()}, "")
	skew += retryAfter
	expect("withdrawn", byRSA, fault.Unauthorized, 6)
	is.publish(t, map[string]crypto.PublicKey{"r": rsaKey.Public()}, jwkset.UseEnc)
	skew += refreshAfter
	expect("a key for encryption", byRSA, fault.Unauthorized, 7)
}

func TestKeySetIsNotRedirected(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	is := newIssuer(t)
	is.publish(t, map[string]crypto.PublicKey{"r": key.Public()}, jwkset.UseSig)
	elsewhere := httptest.NewServer(http.RedirectHandler(is.URL, http.StatusFound))
	t.Cleanup(elsewhere.Close)
	a := New(Config{Mode: ModeJWT, JWKSURL: elsewhere.URL})
	if _, err := ask(a, "Bearer "+sign(t, jwt.SigningMethodRS256, key, "r", claims(nil))); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}

func TestConfigNamesWhatIsMissing(t *testing.T) {
	for want, c := range map[string]Config{
		"":                     {Mode: ModeNone},
		"AUTH_MODE is not set": {},
		"AUTH_MODE: knows":     {Mode: "basic"},
		"JWT_SECRET and":       {Mode: ModeJWT},
		"JWT_SECRET_ALSO is":   {Mode: ModeJWT, JWKSURL: "https://x", Also: secret},
		"JWT_JWKS_URL: is":     {Mode: ModeJWT, JWKSURL: "ftp://x"},
	} {
		err := c.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
