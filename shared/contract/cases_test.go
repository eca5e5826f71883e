package contract

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
)

// names are those of all examples.
func names(t *testing.T) []string {
	t.Helper()
	files, err := examples.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range files {
		all = append(all, strings.TrimSuffix(f.Name(), ".json"))
	}
	slices.Sort(all)
	return all
}

// TestEveryExampleHasParties holds the list by which the tests of Python and TypeScript know what is theirs. Each of them fails where
// it reads another set.
func TestEveryExampleHasParties(t *testing.T) {
	listed, err := parties()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(names(t), slices.Sorted(maps.Keys(listed))); diff != "" {
		t.Errorf("examples (-) and those that have parties (+):\n%s", diff)
	}
	for name, languages := range listed {
		for _, language := range languages {
			if !slices.Contains([]string{"go", "python", "typescript"}, language) {
				t.Errorf("%s is %s's", name, language)
			}
		}
		if !slices.Contains(languages, "go") {
			t.Errorf("%s is not Go's, where every message begins or ends", name)
		}
	}
}

// schemaOf finds the schemas that an example is of.
func schemaOf(t *testing.T) map[string]func(any) error {
	t.Helper()
	doc := document(t)
	all := map[string]func(any) error{}
	for _, e := range doc.Examples() {
		all[e.Name] = e.Check
	}
	for name, schema := range eventSchemas() {
		all[name] = func(v any) error { return doc.Check(schema, v) }
	}
	return all
}

func TestInvalidExamplesAreRefused(t *testing.T) {
	listed, err := parties()
	if err != nil {
		t.Fatal(err)
	}
	schemas := schemaOf(t)
	for _, name := range names(t) {
		invalid, err := InvalidOf(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(invalid) == 0 {
			t.Errorf("cases/invalid.json has nothing of %s", name)
		}
		for _, c := range invalid {
			text, err := c.Apply(read(t, name))
			if err != nil {
				t.Errorf("%s, %s: %v", name, c.Why, err)
				continue
			}
			var v any
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatal(err)
			}
			if check := schemas[name]; check != nil && check(v) == nil {
				t.Errorf("%s, %s: openapi.yaml takes it", name, c.Why)
			}
			for _, language := range c.RefusedBy {
				if !slices.Contains(listed[name], language) {
					t.Errorf("%s, %s: it never comes to %s", name, c.Why, language)
				}
			}
			if slices.Contains(c.RefusedBy, "go") {
				if refusal, here := refuse(t, name, text); here && refusal == nil {
					t.Errorf("%s, %s: taken", name, c.Why)
				}
			}
		}
	}
}

// refuse gives an example to its reader in Go. here is false where that is a function's own: its tests do so.
func refuse(t *testing.T, name string, text []byte) (refusal error, here bool) {
	t.Helper()
	switch {
	case strings.HasPrefix(name, "callback-status-"):
		var m callback.StatusMessage
		if err := httpjson.Decode(text, &m); err != nil {
			return err, true
		}
		return m.Validate(), true
	case name == "callback-result":
		var m callback.ResultMessage
		if err := httpjson.Decode(text, &m); err != nil {
			return err, true
		}
		return m.Validate(256 << 20), true
	case name == "webhook":
		var m Signed
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		var refusal error
		at(t, decode[Signed](t, "webhook"), 0, func(*testing.T) {
			_, refusal = signer(t, m).Verify(header(m), callback.Status, []byte(m.Body))
		})
		if refusal != nil && !fault.Is(refusal, fault.SignatureInvalid) {
			t.Errorf("webhook: %v", refusal)
		}
		return refusal, true
	}
	return nil, false
}

func TestApply(t *testing.T) {
	seven := any(7.0)
	for at, want := range map[string]string{"/a": `{"a":7,"b":[{"c":1}]}`, "/b/0/c": `{"a":1,"b":[{"c":7}]}`, "/b/0": `{"a":1,"b":[7]}`, "/d": `{"a":1,"b":[{"c":1}],"d":7}`} {
		got, err := Invalid{At: at, Be: &seven}.Apply([]byte(`{"a":1,"b":[{"c":1}]}`))
		if err != nil || string(got) != want {
			t.Errorf("%s: %s %v", at, got, err)
		}
	}
	if got, err := (Invalid{At: "/b/0/c"}).Apply([]byte(`{"b":[{"c":1}]}`)); err != nil || string(got) != `{"b":[{}]}` {
		t.Errorf("%s %v", got, err)
	}
	for _, at := range []string{"/a/b", "/b/1", "/b/1/c", "/b/x"} {
		if got, err := (Invalid{At: at, Be: &seven}).Apply([]byte(`{"a":1,"b":[{"c":1}]}`)); err == nil {
			t.Errorf("%s: %s", at, got)
		}
	}
}
