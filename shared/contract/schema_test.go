package contract

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/shared/contract/openapi"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
)

func document(t *testing.T) *openapi.Document {
	t.Helper()
	doc, err := openapi.Load("../../infra/docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// eventSchemas are the examples that no answer of its own has: what comes in an event stream.
func eventSchemas() map[string]string {
	return map[string]string{
		"event-status":          "StatusEvent",
		"event-status-failed":   "StatusEvent",
		"event-result":          "ResultEvent",
		"event-result-replaced": "ResultEvent",
		"event-progress":        "ProgressEvent",
	}
}

func TestEveryExampleIsWhatTheDocumentSays(t *testing.T) {
	doc := document(t)
	seen := map[string]bool{"webhook": true} // webhook_test.go
	for _, e := range doc.Examples() {
		seen[e.Name] = true
		if err := e.Check(value(t, e.Name)); err != nil {
			t.Errorf("%s.json: %v", e.Name, err)
		}
	}
	for name, schema := range eventSchemas() {
		seen[name] = true
		if err := doc.Check(schema, value(t, name)); err != nil {
			t.Errorf("%s.json: %v", name, err)
		}
	}

	files, err := examples.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(f.Name(), ".json"); !seen[name] {
			t.Errorf("%s.json is an example of nothing in openapi.yaml", name)
		}
	}
}

// TestSchemasRefuse shows that the check above can fail: each example is spoilt in one place.
func TestSchemasRefuse(t *testing.T) {
	doc := document(t)
	for _, c := range []struct{ schema, example, old, new string }{
		{"Picture", "picture", `"size": 1843200`, `"size": "1843200"`},
		{"Picture", "picture", `"thumbnailUrl"`, `"thumbnailURL"`},
		{"ProgressEvent", "event-progress", `"progress": 42`, `"progress": 42, "percent": 42`},
		{"Task", "task-completed", `"name": "model.glb"`, `"name": "model.glb", "kind": "model"`},
		{"Task", "task-completed", `"COMPLETED"`, `"DONE"`},
		{"Task", "task-failed", `"code": "image_rejected"`, `"code": "oom"`},
		{"Task", "task-pending", `"error": null`, `"error": "none"`},
		{"Task", "task-pending", `"createdAt": "2026-01-15T08:30:02.417Z"`, `"createdAt": "2026-01-15T16:30:02.417+08:00"`},
		{"StatusMessage", "callback-status-processing", `"progress": 42`, `"progress": 101`},
		{"StatusMessage", "callback-status-failed", `"message"`, `"text"`},
		{"ResultGrant", "callback-upload-url-duplicate", `true`, `false`},
		{"ResultGrant", "callback-upload-url", `"PUT"`, `"POST"`},
		{"ResultEvent", "event-result", `"pixel_images.png"`, `"../pixel_images.png"`},
		{"Problem", "problem-task-not-found", `"task_not_found"`, `"gone"`},
	} {
		text := read(t, c.example)
		if !bytes.Contains(text, []byte(c.old)) {
			t.Fatalf("%s.json has no %s", c.example, c.old)
		}
		var spoilt any
		if err := json.Unmarshal(bytes.Replace(text, []byte(c.old), []byte(c.new), 1), &spoilt); err != nil {
			t.Fatal(err)
		}
		if doc.Check(c.schema, spoilt) == nil {
			t.Errorf("%s takes %s.json with %s", c.schema, c.example, c.new)
		}
	}
}

func TestDocumentHasTheCodesOfTheCode(t *testing.T) {
	documented := document(t).Codes()
	for _, code := range documented {
		if p, _ := httpjson.Describe(fault.New(fault.Code(code), "")); string(p.Code) != code {
			t.Errorf("%s is answered as %s", code, p.Code)
		}
	}
	slices.Sort(documented)
	if diff := cmp.Diff(codes(t), documented); diff != "" {
		t.Errorf("codes of package fault (-) and of openapi.yaml (+):\n%s", diff)
	}
}

// TestProblemsAreTheTable compares the example problems with what httpjson answers.
func TestProblemsAreTheTable(t *testing.T) {
	files, err := examples.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name, isProblem := strings.CutPrefix(strings.TrimSuffix(f.Name(), ".json"), "problem-")
		if !isProblem {
			continue
		}
		want := decode[httpjson.Problem](t, "problem-"+name)
		got, _ := httpjson.Describe(&fault.Error{Code: want.Code, Detail: want.Detail, Missing: want.Missing, Fields: want.Errors})
		got.RequestID = want.RequestID
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-) and what is answered (+):\n%s", f.Name(), diff)
		}
	}
}

// codes lists the constants of type Code in package fault.
func codes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../fault/fault.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, text)
		}
		return true
	})
	slices.Sort(found)
	return found
}
