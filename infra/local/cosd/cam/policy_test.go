package cam

import (
	"strings"
	"testing"
)

const at = "qcs::cos:local:uid/1250000000:b-1250000000/"

func TestAllows(t *testing.T) {
	p, err := Parse([]byte(`{"version": "2.0", "statement": [
		{"effect": "allow", "action": ["name/cos:GetObject", "name/cos:Put*"], "resource": ["` + at + `a/*", "` + at + `one"]},
		{"effect": "allow", "action": "name/cos:DeleteObject", "resource": "` + at + `a/*/b/*.png"},
		{"effect": "deny", "action": "*", "resource": "` + at + `a/secret*"}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		action, key string
		ok          bool
	}{
		{"GetObject", "a/x", true},
		{"GetObject", "a/x/y/z", true},
		{"GetObject", "a/", true},
		{"GetObject", "a", false},
		{"GetObject", "ab/x", false},
		{"GetObject", "one", true},
		{"GetObject", "one/x", false},
		{"GetObject", "", false},
		{"PutObject", "a/x", true},
		{"getobject", "a/x", false},
		{"GetObjectACL", "a/x", false},
		{"HeadObject", "a/x", false},
		{"GetObject", "a/secret", false},
		{"GetObject", "a/secret/x", false},
		{"DeleteObject", "a/1/b/x.png", true},
		{"DeleteObject", "a/1/b/2/b/x.png", true},
		{"DeleteObject", "a/1/b/x.png.exe", false},
		{"DeleteObject", "a/b/x.png", false},
		{"DeleteObject", "a/1/b/png", false},
	} {
		g, ok := p.Allows("name/cos:"+row.action, at+row.key)
		if ok != row.ok || ok != (g != Grant{}) {
			t.Errorf("%s of %q: %v by %v", row.action, row.key, ok, g)
		}
	}
	if _, ok := p.Allows("name/cos:GetObject", "qcs::cos:elsewhere:uid/1250000000:b-1250000000/a/x"); ok {
		t.Error("a bucket of another region")
	}
	if g, _ := p.Allows("name/cos:PutObject", at+"a/x"); g != (Grant{"name/cos:Put*", at + "a/*"}) {
		t.Errorf("granted by %v", g)
	}
}

func TestPoliciesThatAreNotRead(t *testing.T) {
	for document, want := range map[string]string{
		`{`:                               "unexpected EOF",
		`{"version": "3.0"}`:              "version is \"3.0\"",
		`{"version": "2.0"}`:              "there is no statement",
		`{"version": "2.0", "Statement":`: "unexpected EOF",
		`{"version": "2.0", "statement": [{"effect": "allow", "principal": {}}]}`:                               `unknown field "principal"`,
		`{"version": "2.0", "statement": [{"effect": "allow", "condition": {}}]}`:                               `unknown field "condition"`,
		`{"version": "2.0", "statement": [{"effect": "Allow", "action": "*", "resource": "*"}]}`:                "statement 1: effect is \"Allow\"",
		`{"version": "2.0", "statement": [{"effect": "allow", "action": "*"}]}`:                                 "no resource",
		`{"version": "2.0", "statement": [{"effect": "allow", "action": "cos:GetObject", "resource": "*"}]}`:    "name/service:action",
		`{"version": "2.0", "statement": [{"effect": "allow", "action": "*", "resource": "b-1250000000/a/*"}]}`: "six parts",
		`{"version": "2.0", "statement": [{"effect": "allow", "action": 7, "resource": "*"}]}`:                  "cannot unmarshal number",
	} {
		if _, err := Parse([]byte(document)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", document, err, want)
		}
	}
}
