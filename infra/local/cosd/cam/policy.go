// Package cam evaluates policies of Tencent's Cloud Access Management, syntax 2.0
// (https://cloud.tencent.com/document/product/598/10603), as far as roles need it. What it does not know (conditions, principals,
// notAction, …) it refuses to read rather than pretending.
package cam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Policy says what its holder may do. What no statement allows is denied, and a denial is stronger than what allows.
type Policy struct {
	Version   string      `json:"version"`
	Statement []Statement `json:"statement"`
}

// Statement allows or denies actions on resources. In both `*` stands for any characters, slashes included.
type Statement struct {
	Effect   string   `json:"effect"`
	Action   patterns `json:"action"`   // name/{service}:{action}
	Resource patterns `json:"resource"` // qcs:{project}:{service}:{region}:{account}:{resource}
}

// patterns is one pattern or a list of them.
type patterns []string

// UnmarshalJSON implements json.Unmarshaler.
func (p *patterns) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, (*[]string)(p))
	}
	var one string
	err := json.Unmarshal(data, &one)
	*p = patterns{one}
	return err
}

// Parse reads a policy document. The error names everything in it that is wrong or not known here.
func Parse(document []byte) (Policy, error) {
	var p Policy
	d := json.NewDecoder(bytes.NewReader(document))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Policy{}, fmt.Errorf("read policy: %w", err)
	}
	var wrong []error
	if p.Version != "2.0" {
		wrong = append(wrong, fmt.Errorf("version is %q, should be 2.0", p.Version))
	}
	if len(p.Statement) == 0 {
		wrong = append(wrong, errors.New("there is no statement"))
	}
	for i, s := range p.Statement {
		if err := s.check(); err != nil {
			wrong = append(wrong, fmt.Errorf("statement %d: %w", i+1, err))
		}
	}
	return p, errors.Join(wrong...)
}

func (s Statement) check() error {
	var wrong []error
	if s.Effect != "allow" && s.Effect != "deny" {
		wrong = append(wrong, fmt.Errorf("effect is %q: it is allow or deny", s.Effect))
	}
	if len(s.Action) == 0 || len(s.Resource) == 0 {
		wrong = append(wrong, errors.New("it names no action or no resource"))
	}
	for _, a := range s.Action {
		if a != "*" && !strings.HasPrefix(a, "name/") {
			wrong = append(wrong, fmt.Errorf("action %q is not of the form name/service:action", a))
		}
	}
	for _, r := range s.Resource {
		if r != "*" && (!strings.HasPrefix(r, "qcs:") || strings.Count(r, ":") < 5) {
			wrong = append(wrong, fmt.Errorf("resource %q has not the six parts qcs:project:service:region:account:resource", r))
		}
	}
	return errors.Join(wrong...)
}

// Grant is the pattern of an action and that of a resource which together allow something, as they stand in the policy.
type Grant struct{ Action, Resource string }

// Allows tells what allows an action on a resource. ok is false where nothing does, or something denies it.
func (p Policy) Allows(action, resource string) (g Grant, ok bool) {
	for _, s := range p.Statement {
		found, applies := s.find(action, resource)
		switch {
		case applies && s.Effect == "deny":
			return Grant{}, false
		case applies && !ok:
			g, ok = found, true
		}
	}
	return g, ok
}

func (s Statement) find(action, resource string) (g Grant, ok bool) {
	for _, a := range s.Action {
		for _, r := range s.Resource {
			if match(a, action) && match(r, resource) {
				return Grant{a, r}, true
			}
		}
	}
	return Grant{}, false
}

// match tells whether text is of the pattern.
func match(pattern, text string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	text, ok := strings.CutPrefix(text, first)
	if !ok || !wild {
		return ok && text == ""
	}
	for {
		part, more, wild := strings.Cut(rest, "*")
		if !wild {
			return strings.HasSuffix(text, part)
		}
		_, after, found := strings.Cut(text, part) // the first place leaves most for the rest
		if !found {
			return false
		}
		text, rest = after, more
	}
}
