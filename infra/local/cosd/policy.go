package cosd

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // COS signs with HMAC-SHA1
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// policy is what a form upload's signer allows (https://cloud.tencent.com/document/product/436/14690).
type policy struct {
	expiration time.Time
	conditions []condition
	minSize    int64 // bytes of the file
	maxSize    int64
}

// condition is on one field of the form.
type condition struct {
	field  string // lower case
	value  string
	prefix bool // it starts with the value, else it is the value
}

// parsePolicy reads a policy document: conditions of the forms {"field":"value"}, ["eq","$field","value"],
// ["starts-with","$field","value"] and ["content-length-range",min,max].
func parsePolicy(document []byte) (policy, error) {
	p := policy{maxSize: maxObject}
	var doc struct {
		Expiration string            `json:"expiration"`
		Conditions []json.RawMessage `json:"conditions"`
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		return p, &apiError{Code: invalidPolicyDocument, Message: "The policy is not the JSON that it should be.", Cause: err}
	}
	expiration, err := time.Parse(time.RFC3339, doc.Expiration)
	if err != nil {
		return p, &apiError{Code: invalidPolicyDocument, Message: "The policy's expiration is not an ISO 8601 time.", Cause: err}
	}
	p.expiration = expiration
	if len(doc.Conditions) == 0 {
		return p, fault(invalidPolicyDocument, "You must provide condition if you specify a policy in post object request.")
	}
	for _, raw := range doc.Conditions {
		if err := p.add(raw); err != nil {
			return p, &apiError{Code: invalidPolicyDocument, Message: "The policy has a condition of no known form: " + string(raw), Cause: err}
		}
	}
	return p, nil
}

func (p *policy) add(raw json.RawMessage) error {
	if bytes.HasPrefix(raw, []byte("{")) {
		var exact map[string]string
		if err := json.Unmarshal(raw, &exact); err != nil {
			return err
		}
		for field, value := range exact {
			p.conditions = append(p.conditions, condition{field: strings.ToLower(field), value: value})
		}
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	if len(list) != 3 {
		return fmt.Errorf("%d elements, should be 3", len(list))
	}
	var op string
	if err := json.Unmarshal(list[0], &op); err != nil {
		return err
	}
	if op == "content-length-range" {
		return p.addRange(list[1], list[2])
	}
	var field, value string
	if err := json.Unmarshal(list[1], &field); err != nil {
		return err
	}
	if err := json.Unmarshal(list[2], &value); err != nil {
		return err
	}
	field, isField := strings.CutPrefix(strings.ToLower(field), "$")
	if !isField || op != "eq" && op != "starts-with" {
		return fmt.Errorf("no operator %q on %q", op, field)
	}
	p.conditions = append(p.conditions, condition{field: field, value: value, prefix: op == "starts-with"})
	return nil
}

// addRange narrows the sizes that are allowed.
func (p *policy) addRange(low, high json.RawMessage) error {
	least, most := int64(0), int64(math.MaxInt64)
	if err := json.Unmarshal(low, &least); err != nil {
		return err
	}
	if err := json.Unmarshal(high, &most); err != nil {
		return err
	}
	p.minSize, p.maxSize = max(p.minSize, least), min(p.maxSize, most)
	return nil
}

// permits tells whether the policy allows a form, its file aside.
func (p policy) permits(form map[string]string, now time.Time) error {
	if now.After(p.expiration) {
		return fault(accessDenied, fmt.Sprintf("You post object request has been expired, expiration time: %d but the time now : %d", p.expiration.Unix(), now.Unix()))
	}
	for _, c := range p.conditions {
		value := form[c.field]
		if c.field == "q-sign-time" { // the policy's name for what the form calls q-key-time
			value = firstOf(value, form["q-key-time"])
		}
		if value != c.value && (!c.prefix || !strings.HasPrefix(value, c.value)) {
			return fault(accessDenied, fmt.Sprintf("Condition key %s doesn't match the value %s", c.field, c.value))
		}
	}
	return nil
}

// authorize checks that a form is signed, in time and by one who may, and fits what was signed.
func (s *Server) authorize(r *request, form map[string]string) (policy, error) {
	if form["policy"] == "" || form["q-signature"] == "" {
		return policy{}, fault(accessDenied, "Access Denied.")
	}
	document, err := base64.StdEncoding.DecodeString(form["policy"])
	if err != nil {
		return policy{}, &apiError{Code: invalidPolicyDocument, Message: "The policy is not base64.", Cause: err}
	}
	sig := signature{accessKey: form["q-ak"], keyTime: form["q-key-time"], signTime: form["q-key-time"]}
	if form["q-sign-algorithm"] != "sha1" {
		return policy{}, fault(accessDenied, "The q-sign-algorithm can only be sha1.")
	}
	if r.caller, err = s.checkCaller(sig, form["x-cos-security-token"]); err != nil {
		return policy{}, err
	}
	digest := sha1.Sum(document) //nolint:gosec // see above
	if !hmac.Equal([]byte(r.caller.sign(sig.keyTime, hex.EncodeToString(digest[:]))), []byte(strings.ToLower(form["q-signature"]))) {
		return policy{}, fault(signatureDoesNotMatch, "The Signature you specified is invalid.")
	}
	p, err := parsePolicy(document)
	if err != nil {
		return p, err
	}
	if err := p.permits(form, s.opts.Now()); err != nil {
		return p, err
	}
	return p, s.allow(r, "PostObject", form["key"])
}
