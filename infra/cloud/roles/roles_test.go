package roles

import (
	"encoding/json"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/recon3d/recon3d/infra/local/cosd/cam"
	"github.com/recon3d/recon3d/infra/local/manifest"
)

const trust = "trust.json"

// Each document is of a function that there is, and allows named actions below named prefixes of the one bucket.
func TestDocuments(t *testing.T) {
	deployed, err := manifest.ReadDeployment(filepath.Join("..", "..", "..", "serverless.yml"))
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(documents, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name == trust {
			continue
		}
		function := strings.TrimSuffix(name, ".json")
		if _, ok := deployed.Function(function); !ok {
			t.Errorf("%s: serverless.yml has no such function", name)
		}
		document, err := Document(function, "ap-guangzhou", "my-photos-1250000000")
		if err != nil {
			t.Fatal(err)
		}
		p, err := cam.Parse(document)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, s := range p.Statement {
			for _, action := range s.Action {
				if of, ok := strings.CutPrefix(action, "name/cos:"); s.Effect != "allow" || !ok || strings.Contains(of, "*") {
					t.Errorf("%s: %s %s", name, s.Effect, action)
				}
			}
			for _, resource := range s.Resource {
				prefix, below := strings.CutPrefix(resource, "qcs::cos:ap-guangzhou:uid/1250000000:my-photos-1250000000/")
				if dir, ok := strings.CutSuffix(prefix, "/*"); !below || !ok || dir == "" || strings.Contains(dir, "*") {
					t.Errorf("%s: %s is no folder of the bucket", name, resource)
				}
			}
		}
	}
	if document, err := Document("web", "r", "b-1"); document != nil || err != nil {
		t.Errorf("web has a role: %s, %v", document, err)
	}
}

// Nobody but the platform's functions may take a role.
func TestTrust(t *testing.T) {
	text, err := documents.ReadFile(trust)
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"version": "2.0", "statement": []any{map[string]any{
		"effect": "allow", "action": []any{"name/sts:AssumeRole"}, "principal": map[string]any{"service": []any{"scf.qcloud.com"}},
	}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("trust policy: %s", text)
	}
}
