package e2e

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"hash"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// issuer makes bearer tokens of both kinds that a deployment may take, and forges them.
type issuer struct {
	secret string
	key    *rsa.PrivateKey
	keys   *httptest.Server // JWT_JWKS_URL
	asked  atomic.Int32     // how often something else than the keys was fetched from there
}

const keyID = "2026-01"

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	is := &issuer{secret: token() + token(), key: key}
	is.keys = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/keys" {
			is.asked.Add(1)
		}
		_, _ = w.Write(mustJSON(map[string]any{"keys": []any{jwk(&key.PublicKey)}})) // whoever asked may have gone
	}))
	t.Cleanup(is.keys.Close)
	return is
}

// env is how a system is told of the issuer.
func (is *issuer) env() []string {
	return []string{"AUTH_MODE", "jwt", "JWT_SECRET", is.secret, "JWT_JWKS_URL", is.keys.URL + "/keys", "JWT_ISSUER", "shop", "JWT_AUDIENCE", "recon3d"}
}

// jwk is a public key as RFC 7517 writes it.
func jwk(key *rsa.PublicKey) map[string]any {
	number := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	return map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID, "n": number(key.N), "e": number(big.NewInt(int64(key.E)))}
}

// claims are those of a user's good token, some changed: pairs of name and value, nil takes it away.
func claims(user string, more ...any) map[string]any {
	c := map[string]any{"sub": user, "exp": time.Now().Add(time.Hour).Unix(), "iss": "shop", "aud": "recon3d"}
	for i := 0; i < len(more); i += 2 {
		c[more[i].(string)] = more[i+1]
		if more[i+1] == nil {
			delete(c, more[i].(string))
		}
	}
	return c
}

// jwt puts a token together (RFC 7519). sign is given what is to be signed.
func jwt(header, claims map[string]any, sign func(text []byte) []byte) string {
	part := func(v any) string { return base64.RawURLEncoding.EncodeToString(mustJSON(v)) }
	text := part(header) + "." + part(claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(text)))
}

// byMAC signs with a secret.
func byMAC(h func() hash.Hash, secret []byte) func([]byte) []byte {
	return func(text []byte) []byte {
		mac := hmac.New(h, secret)
		mac.Write(text)
		return mac.Sum(nil)
	}
}

// byKey signs with a private key.
func byKey(key *rsa.PrivateKey) func([]byte) []byte {
	return func(text []byte) []byte {
		sum := sha256.Sum256(text)
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			panic(err) // the key is good
		}
		return signature
	}
}

// hs256 is a token by a secret, rs256 one by the issuer's key.
func hs256(secret []byte, c map[string]any) string {
	return jwt(map[string]any{"alg": "HS256", "typ": "JWT"}, c, byMAC(sha256.New, secret))
}

func (is *issuer) rs256(c map[string]any) string {
	return jwt(map[string]any{"alg": "RS256", "typ": "JWT", "kid": keyID}, c, byKey(is.key))
}

// forged are the headers of requests that pretend to be of that user, by what is wrong with them.
func (is *issuer) forged(t *testing.T, user string, others map[string][]byte) map[string][]string {
	t.Helper()
	good, secret := is.rs256(claims(user)), []byte(is.secret)
	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkix, err := x509.MarshalPKIXPublicKey(&is.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PublicKey(&is.key.PublicKey)
	head := func(more ...any) map[string]any {
		h := map[string]any{"alg": "RS256", "typ": "JWT", "kid": keyID}
		for i := 0; i < len(more); i += 2 {
			h[more[i].(string)] = more[i+1]
		}
		return h
	}
	nothing := func([]byte) []byte { return nil }
	parts := strings.Split(good, ".")
	another := strings.Split(is.rs256(claims("mallory")), ".")

	all := map[string][]string{
		"no token":             nil,
		"an empty token":       {"Authorization", "Bearer "},
		"no scheme":            {"Authorization", good},
		"another scheme":       {"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+is.secret))},
		"a cookie":             {"Cookie", "token=" + good + "; Authorization=Bearer " + good},
		"another header":       {"X-Forwarded-User", user, "X-Scf-User", user, "X-Access-Token", good},
		"garbage":              bearer("x"),
		"three parts garbage":  bearer("e30.e30.e30"),
		"expired":              bearer(is.rs256(claims(user, "exp", time.Now().Add(-time.Hour).Unix()))),
		"without an end":       bearer(is.rs256(claims(user, "exp", nil))),
		"not yet valid":        bearer(is.rs256(claims(user, "nbf", time.Now().Add(time.Hour).Unix()))),
		"another audience":     bearer(is.rs256(claims(user, "aud", "shop"))),
		"other audiences":      bearer(is.rs256(claims(user, "aud", []string{"a", "b"}))),
		"no audience":          bearer(is.rs256(claims(user, "aud", nil))),
		"another issuer":       bearer(is.rs256(claims(user, "iss", "recon3d"))),
		"no issuer":            bearer(is.rs256(claims(user, "iss", nil))),
		"of nobody":            bearer(is.rs256(claims(user, "sub", nil))),
		"of nobody's name":     bearer(is.rs256(claims("", "sub", ""))),
		"of a number":          bearer(is.rs256(claims(user, "sub", 7))),
		"another secret":       bearer(hs256([]byte("another secret of thirty-two byte"), claims(user))),
		"no secret":            bearer(hs256(nil, claims(user))),
		"a longer hash":        bearer(jwt(map[string]any{"alg": "HS512"}, claims(user), byMAC(sha512.New, secret))),
		"another key":          bearer(jwt(head(), claims(user), byKey(own))),
		"a key it brings":      bearer(jwt(head("jwk", jwk(&own.PublicKey)), claims(user), byKey(own))),
		"a key's address":      bearer(jwt(head("jku", is.keys.URL+"/mine", "x5u", is.keys.URL+"/mine"), claims(user), byKey(own))),
		"a key's path":         bearer(jwt(map[string]any{"alg": "HS256", "kid": "../../../../dev/null"}, claims(user), byMAC(sha256.New, nil))),
		"its algorithm mixed":  bearer(jwt(map[string]any{"alg": "rs256", "kid": keyID}, claims(user), byKey(is.key))),
		"the payload changed":  bearer(another[0] + "." + parts[1] + "." + another[2]),
		"the signature off":    bearer(parts[0] + "." + parts[1] + "."),
		"something behind it":  bearer(good + ".x"),
		"encrypted, so to say": bearer(good + ".x.y"),
		"padded":               bearer(good + "="),
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		all["alg "+alg] = bearer(jwt(map[string]any{"alg": alg}, claims(user), nothing))
		all["alg "+alg+", signed"] = bearer(jwt(map[string]any{"alg": alg, "kid": keyID}, claims(user), byKey(is.key)))
	}
	// The public key, which anybody can have, as a secret: CVE-2015-9235 and its kin.
	for form, public := range map[string][]byte{
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix}), "PEM of PKCS #1": pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}),
		"DER": pkix, "DER of PKCS #1": pkcs1, "JWK": mustJSON(jwk(&is.key.PublicKey)), "modulus": is.key.N.Bytes(),
	} {
		confused := byMAC(sha256.New, public)
		all["the public key as secret, "+form] = bearer(jwt(head("alg", "HS256"), claims(user), confused))
		all["the public key as secret, "+form+", said to be RS256"] = bearer(jwt(head(), claims(user), confused))
	}
	// Secrets that somebody else has.
	for whose, secret := range others {
		if !bytes.ContainsFunc(secret, unicode.IsControl) && utf8.Valid(secret) {
			all[whose+" as token"] = bearer(string(secret))
		}
		all["signed by "+whose] = bearer(hs256(secret, claims(user)))
	}
	return all
}

// misSigned are changes to a worker's good message, by what is wrong with it then. users are tokens and tickets.
func misSigned(good hook, secrets, users map[string]string) map[string]func(*hook) {
	header := func(name, value string) func(*hook) {
		return func(h *hook) { h.alter = func(r *http.Request) { r.Header.Set(name, value) } }
	}
	without := func(name string) func(*hook) {
		return func(h *hook) { h.alter = func(r *http.Request) { r.Header.Del(name) } }
	}
	about := func(kind, n string) string { return kind + ":" + good.taskID + ":1:" + n }
	resigned := func(change func(string) string) func(*hook) {
		return func(h *hook) {
			h.alter = func(r *http.Request) { r.Header.Set("webhook-signature", change(r.Header.Get("webhook-signature"))) }
		}
	}
	all := map[string]func(*hook){
		"no signature":      without("webhook-signature"),
		"no id":             without("webhook-id"),
		"no time":           without("webhook-timestamp"),
		"another secret":    func(h *hook) { h.secret = newSecret() },
		"replayed too late": func(h *hook) { h.at = time.Now().Add(-6 * time.Minute) },
		"from the future":   func(h *hook) { h.at = time.Now().Add(6 * time.Minute) },
		"another time": func(h *hook) {
			h.alter = func(r *http.Request) { r.Header.Set("webhook-timestamp", "1"+strings.Repeat("0", 9)) }
		},
		"another id":             header("webhook-id", about(good.kind, "other")),
		"another body":           func(h *hook) { h.raw = append(bytes.Clone(h.body), '\n') },
		"a body in another case": func(h *hook) { h.raw = bytes.ToUpper(h.body) },
		"no body":                func(h *hook) { h.raw = []byte{} },
		"another task's id":      func(h *hook) { h.id = good.kind + ":" + unknownID + ":1:x" },
		"another attempt's id":   func(h *hook) { h.id = good.kind + ":" + good.taskID + ":7:x" },
		"cut":                    resigned(func(s string) string { return s[:len(s)-4] }),
		"in another case":        resigned(strings.ToLower),
		"another version":        resigned(func(s string) string { return "v2," + strings.TrimPrefix(s, "v1,") }),
		"without a version":      resigned(func(s string) string { return strings.TrimPrefix(s, "v1,") }),
	}
	for _, kind := range []string{"dispatch", "cancel", "result", "upload", "status"} {
		if kind != good.kind {
			all["a message of kind "+kind] = func(h *hook) { h.id = about(kind, "x") }
		}
	}
	for whose, secret := range secrets {
		all["signed by "+whose] = func(h *hook) { h.secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(secret)) }
		all[whose+" as signature"] = header("webhook-signature", "v1,"+secret)
	}
	for whose, grant := range users {
		all[whose+" as signature"] = header("webhook-signature", "v1,"+grant)
		all[whose+" beside no signature"] = func(h *hook) {
			h.alter = func(r *http.Request) {
				for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
					r.Header.Del(name)
				}
				r.Header.Set("Authorization", "Bearer "+grant)
			}
		}
	}
	return all
}
