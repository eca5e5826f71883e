// Package docs checks that what is written here is so.
package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// variable is what a program reads from the environment.
type variable struct{ name, preset, where string }

// goVariables finds the `env` tags of all struct fields in the repository's Go programs.
func goVariables(t *testing.T) []variable {
	t.Helper()
	var found []variable
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || path != root && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok || field.Tag == nil {
				return true
			}
			text, err := strconv.Unquote(field.Tag.Value)
			if err != nil {
				t.Errorf("%s: %v", files.Position(field.Pos()), err)
				return true
			}
			tag := reflect.StructTag(text)
			if name, _, _ := strings.Cut(tag.Get("env"), ","); name != "" {
				found = append(found, variable{name, tag.Get("envDefault"), files.Position(field.Pos()).String()})
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A field of the worker's Settings: `queue_max: int = Field(8, …)`.
var setting = regexp.MustCompile(`(?m)^    ([a-z][a-z_]*): .*?(?: = (?:Field\((?:default=)?)?"?([^",)\n]*).*)?$`)

// workerVariables finds the fields of the worker's settings, which are variables in capitals.
func workerVariables(t *testing.T) []variable {
	t.Helper()
	var found []variable
	for _, path := range []string{root + "/functions/worker/worker/settings.py", root + "/functions/worker/worker/engines/settings.py"} {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, class, ok := strings.Cut(string(source), "Settings(")
		if !ok {
			t.Fatalf("%s has no class of settings", path)
		}
		class, _, _ = strings.Cut(class, "\ndef ")
		for _, m := range setting.FindAllStringSubmatch(class, -1) {
			preset := strings.ReplaceAll(m[2], "_", "")
			if preset == "None" || strings.Contains(preset, "[") { // NAMES[0]
				preset = ""
			}
			found = append(found, variable{strings.ToUpper(m[1]), preset, path})
		}
	}
	return found
}

// rows reads the table of variables: for each name the text of its row.
func rows(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(page), "## Every variable")
	if !ok {
		t.Fatal("operations.md has no table of variables")
	}
	name := regexp.MustCompile("`([A-Z_]+)`")
	rows := map[string]string{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 2 {
			continue
		}
		for _, m := range name.FindAllStringSubmatch(cells[1], -1) {
			rows[m[1]] = line
		}
	}
	return rows
}

func TestEveryVariableIsDocumented(t *testing.T) {
	documented := rows(t)
	inCode, inWorker := goVariables(t), workerVariables(t)
	if len(inCode) < 30 || len(inWorker) < 8 {
		t.Fatalf("found %d variables in Go and %d in the worker: the search is broken", len(inCode), len(inWorker))
	}
	known := map[string]bool{}
	for _, v := range append(inCode, inWorker...) {
		known[v.name] = true
		row, ok := documented[v.name]
		if !ok {
			t.Errorf("%s: operations.md does not name %s", v.where, v.name)
			continue
		}
		if v.preset != "" && !strings.Contains(strings.ToLower(row), strings.ToLower("`"+v.preset+"`")) {
			t.Errorf("%s: operations.md does not say that %s is %s by default", v.where, v.name, v.preset)
		}
	}
	for name := range documented {
		if !known[name] {
			t.Errorf("operations.md names %s, which no program reads", name)
		}
	}
}

// TestLogLinesAreThoseOfTheCode looks up each log message that the guide quotes in the sources.
func TestLogLinesAreThoseOfTheCode(t *testing.T) {
	page, err := os.ReadFile("operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| lines to know |\n")
	table, _, ok := strings.Cut(table, "\n\n")
	if !ok {
		t.Fatal("operations.md has no table of log lines")
	}
	var sources strings.Builder
	for _, folder := range []string{"functions", "shared"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") {
				return fs.SkipDir
			}
			if ext := filepath.Ext(path); d.IsDir() || ext != ".go" && ext != ".py" || strings.Contains(path, "_test.") || strings.Contains(path, "tests/") {
				return nil
			}
			text, err := os.ReadFile(path)
			sources.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	quoted := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(table, -1)
	if len(quoted) < 30 {
		t.Fatalf("found %d log lines: the search is broken", len(quoted))
	}
	for _, m := range quoted {
		if !strings.Contains(sources.String(), `"`+m[1]+`"`) {
			t.Errorf("operations.md quotes the log line %q, which nothing writes", m[1])
		}
	}
}
