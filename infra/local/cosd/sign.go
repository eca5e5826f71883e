package cosd

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // COS signs with HMAC-SHA1
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxSkew is how far in the future a signature may begin: how wrong COS lets a client's clock be.
const maxSkew = 15 * time.Minute

// signature is what a request carries to prove who sent it (https://cloud.tencent.com/document/product/436/7778).
type signature struct {
	accessKey string   // q-ak
	keyTime   string   // q-key-time: `start;end`, unix seconds, of the derived key
	signTime  string   // q-sign-time: of the signature, commonly the same
	headers   []string // q-header-list: names of the headers that are signed, lower case and escaped
	params    []string // q-url-param-list: of the query parameters
	value     string   // q-signature, hexadecimal
}

// authenticate refuses a request that does not carry a good signature: in the Authorization header, in the query
// parameters q-*, or all in the one parameter `sign`.
func (s *Server) authenticate(r *request) error {
	fields, err := signatureFields(r)
	if err != nil {
		return err
	}
	sig, err := parseSignature(fields)
	if err != nil {
		return err
	}
	if r.caller, err = s.checkCaller(sig, firstOf(r.Header.Get("X-Cos-Security-Token"), r.query.Get("x-cos-security-token"))); err != nil {
		return err
	}
	request, complete := canonicalRequest(r, sig)
	digest := sha1.Sum([]byte(request)) //nolint:gosec // see above
	good := false
	// The vendor's text signs the q-sign-time and its Go SDK the q-key-time; they differ only where someone sets them apart.
	for _, period := range []string{sig.signTime, sig.keyTime} {
		toSign := "sha1\n" + period + "\n" + hex.EncodeToString(digest[:]) + "\n"
		good = good || hmac.Equal([]byte(r.caller.sign(sig.keyTime, toSign)), []byte(sig.value))
	}
	if !good || !complete {
		return fault(signatureDoesNotMatch, "The signature that we calculated is not the one that you sent. Check your key and signing method.")
	}
	return nil
}

func signatureFields(r *request) (url.Values, error) {
	authorization := r.Header.Get("Authorization")
	if authorization == "" {
		authorization = r.query.Get("sign")
	}
	if authorization == "" {
		if !r.query.Has("q-signature") {
			return nil, fault(accessDenied, "Access Denied.")
		}
		return r.query, nil
	}
	fields := url.Values{}
	for pair := range strings.SplitSeq(authorization, "&") {
		name, value, _ := strings.Cut(pair, "=") // not escaped: the names in the lists are, once
		fields.Add(name, value)
	}
	return fields, nil
}

func parseSignature(fields url.Values) (signature, error) {
	sig := signature{
		accessKey: fields.Get("q-ak"),
		keyTime:   firstOf(fields.Get("q-key-time"), fields.Get("q-sign-time")),
		signTime:  firstOf(fields.Get("q-sign-time"), fields.Get("q-key-time")),
		headers:   splitNames(fields.Get("q-header-list")),
		params:    splitNames(fields.Get("q-url-param-list")),
		value:     strings.ToLower(fields.Get("q-signature")),
	}
	if fields.Get("q-sign-algorithm") != "sha1" || sig.accessKey == "" || sig.keyTime == "" || sig.value == "" {
		return sig, fault(accessDenied, "The authorization is not of the form that COS knows.")
	}
	return sig, nil
}

// splitNames reads a list of names. They are signed in order, each once with all its values.
func splitNames(list string) []string {
	if list == "" {
		return nil
	}
	names := strings.Split(strings.ToLower(list), ";")
	slices.Sort(names)
	return slices.Compact(names)
}

// checkCaller tells who signs, and checks all of a signature but its value: when, and with which session token.
func (s *Server) checkCaller(sig signature, token string) (Caller, error) {
	c, known := s.callers[sig.accessKey]
	if !known {
		return c, fault(invalidAccessKeyID, "The access key id does not exist in our records.")
	}
	if c.SessionToken != "" && subtle.ConstantTimeCompare([]byte(token), []byte(c.SessionToken)) == 0 {
		return c, fault(accessDenied, "The x-cos-security-token is missing or not that of the access key.")
	}
	for _, period := range []string{sig.keyTime, sig.signTime} {
		if err := checkPeriod(period, s.opts.Now()); err != nil {
			return c, err
		}
	}
	return c, nil
}

// checkPeriod tells whether now is in a `start;end` of unix seconds.
func checkPeriod(period string, now time.Time) error {
	from, to, _ := strings.Cut(period, ";")
	start, errStart := strconv.ParseInt(from, 10, 64)
	end, errEnd := strconv.ParseInt(to, 10, 64)
	switch {
	case errStart != nil || errEnd != nil || end < start:
		return fault(accessDenied, "The times of the signature are not of the form start;end.")
	case now.Unix() > end:
		return fault(accessDenied, "Request has expired") // these words: the Node SDK sets its clock by them
	case now.Add(maxSkew).Unix() < start:
		return fault(requestTimeTooSkewed, "The difference between the request time and the current time is too large.")
	}
	return nil
}

// sign derives the key of a period and signs text with it.
func (c Caller) sign(keyTime, text string) string {
	return hmacHex(hmacHex(c.SecretKey, keyTime), text)
}

func hmacHex(key, text string) string {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// canonicalRequest is what the signature was made of: method, path, and the parameters and headers that it lists. complete
// is false where one of these is not in the request at all.
func canonicalRequest(r *request, sig signature) (text string, complete bool) {
	params, paramsOK := canonicalPairs(sig.params, r.query)
	headers, headersOK := canonicalPairs(sig.headers, signableHeaders(r.Request))
	return strings.ToLower(r.Method) + "\n" + r.URL.Path + "\n" + params + "\n" + headers + "\n", paramsOK && headersOK
}

// signableHeaders are the headers as they were sent: net/http keeps two of them elsewhere.
func signableHeaders(r *http.Request) map[string][]string {
	h := r.Header.Clone()
	h["Host"] = []string{r.Host}
	if len(r.TransferEncoding) > 0 {
		h["Transfer-Encoding"] = r.TransferEncoding
	}
	return h
}

func canonicalPairs(names []string, from map[string][]string) (text string, complete bool) {
	values := map[string][]string{}
	for name, vs := range from {
		name = strings.ToLower(escape(name))
		values[name] = append(values[name], vs...)
	}
	var pairs []string
	for _, name := range names {
		vs, found := values[name]
		if !found {
			return "", false
		}
		slices.Sort(vs)
		for _, v := range vs {
			pairs = append(pairs, name+"="+escape(v))
		}
	}
	return strings.Join(pairs, "&"), true
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
