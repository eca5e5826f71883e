package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// sourceFiles are the repository's own files whose names end so, by path.
func sourceFiles(t *testing.T, suffixes ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := e.Name(); e.IsDir() && (name == "node_modules" || name == "dist" || len(name) > 2 && name[0] == '.') {
			return filepath.SkipDir
		}
		for _, suffix := range suffixes {
			if !e.IsDir() && strings.HasSuffix(path, suffix) {
				b, err := os.ReadFile(path)
				found[path] = string(b)
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Each test that the threat model names is there.
func TestTheThreatModelsTestsExist(t *testing.T) {
	model, err := os.ReadFile("security.md")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	definition := regexp.MustCompile(`(?m)^(?:func|def|async def) ([Tt]est\w+)\(|^\s*(?:it|test)\(['"]([^'"]+)['"]`)
	for path, text := range sourceFiles(t, "_test.go", ".py", ".test.ts") {
		if strings.HasSuffix(path, ".py") && !strings.HasPrefix(filepath.Base(path), "test_") {
			continue
		}
		for _, match := range definition.FindAllStringSubmatch(text, -1) {
			there[match[1]+match[2]] = true
		}
	}
	named := regexp.MustCompile("`([Tt]est_?\\w+)`").FindAllStringSubmatch(string(model), -1)
	for _, match := range named {
		if !there[match[1]] {
			t.Errorf("security.md names %s, which is no test", match[1])
		}
	}
	if len(named) < 30 {
		t.Errorf("security.md names only %d tests", len(named))
	}
	// Each line of its table is shown by at least one.
	for line := range strings.Lines(string(model)) {
		if strings.HasPrefix(line, "| ") && strings.Count(line, "|") == 5 && !strings.HasPrefix(line, "| what") && !strings.Contains(strings.ToLower(line), "`test") {
			t.Errorf("no test shows: %s", line)
		}
	}
}

// What proves knowledge of a secret is compared in constant time: by hmac.Equal, never by == or bytes.Equal.
func TestMACsAreComparedInConstantTime(t *testing.T) {
	secret := regexp.MustCompile(`(?i)(mac|signature|secret|password|ticket|expected)$`)
	harmless := regexp.MustCompile(`(?i)checksum|sha256|crc|md5|etag`)
	// name is what an operand is called at its end, "" for what is a constant.
	var name func(e ast.Expr) string
	name = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.Ident:
			if e.Name == "nil" {
				return ""
			}
			return e.Name
		case *ast.SelectorExpr:
			return e.Sel.Name
		case *ast.CallExpr:
			return name(e.Fun)
		}
		return ""
	}
	looked := 0
	for path, text := range sourceFiles(t, ".go") {
		if strings.HasSuffix(path, "_test.go") || strings.Contains(path, "test/") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			var a, b ast.Expr
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if n.Op == token.EQL || n.Op == token.NEQ {
					a, b = n.X, n.Y
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && len(n.Args) == 2 && (f.Sel.Name == "Equal" || f.Sel.Name == "EqualFold" || f.Sel.Name == "Compare") {
					if of, ok := f.X.(*ast.Ident); ok && of.Name == "hmac" {
						looked++
						return true
					}
					a, b = n.Args[0], n.Args[1]
				}
			}
			if a == nil || name(a) == "" || name(b) == "" {
				return true
			}
			for _, operand := range []string{name(a), name(b)} {
				if secret.MatchString(operand) && !harmless.MatchString(operand) {
					t.Errorf("%s compares %s and %s as they are: use hmac.Equal", set.Position(n.Pos()), name(a), name(b))
					break
				}
			}
			return true
		})
	}
	if looked < 3 {
		t.Errorf("only %d comparisons by hmac.Equal were found: is this still looking at the right files?", looked)
	}
	for path, text := range sourceFiles(t, "worker/signing.py") {
		if !strings.Contains(text, "hmac.compare_digest(") || regexp.MustCompile(`(?:signature|expected|given|digest)\w* [!=]= \w`).MatchString(text) {
			t.Errorf("%s does not compare by hmac.compare_digest alone", path)
		}
	}
}

// No container runs as root, but the one that keeps the local bucket's volume, without capabilities.
func TestContainersAreNotRoot(t *testing.T) {
	files := sourceFiles(t, "Dockerfile")
	if len(files) < 3 {
		t.Errorf("only %d Dockerfiles", len(files))
	}
	for path, text := range files {
		stages := regexp.MustCompile(`(?m)^FROM .*$`).Split(text, -1)
		user := regexp.MustCompile(`(?m)^USER (\S+)`).FindAllStringSubmatch(stages[len(stages)-1], -1)
		if len(user) == 0 || strings.HasPrefix(user[len(user)-1][1], "0") || strings.HasPrefix(user[len(user)-1][1], "root") {
			t.Errorf("%s: its last stage runs as root", path)
		}
	}
	pods := 0
	for path, text := range sourceFiles(t, ".yaml") {
		if !strings.Contains(path, "infra/cloud/kubernetes") || !regexp.MustCompile(`(?m)^\s+containers:`).MatchString(text) {
			continue
		}
		pods++
		if !strings.Contains(text, "runAsNonRoot: true") || !strings.Contains(text, "allowPrivilegeEscalation: false") {
			t.Errorf("%s: a pod may run as root, or become it", path)
		}
	}
	if pods == 0 {
		t.Error("no pods were found")
	}
	var compose struct {
		Services map[string]struct {
			User    string
			CapDrop []string `yaml:"cap_drop"`
		}
	}
	b, err := os.ReadFile(root + "/infra/cloud/compose/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, &compose); err != nil {
		t.Fatal(err)
	}
	for name, service := range compose.Services {
		root := strings.HasPrefix(service.User, "0") || strings.HasPrefix(service.User, "root")
		if root && (name != "cos" || len(service.CapDrop) == 0 || service.CapDrop[0] != "ALL") {
			t.Errorf("compose.yaml: %s runs as root, with capabilities %v dropped", name, service.CapDrop)
		}
	}
}

// Nobody is known by a cookie, so that no page of a stranger can act for its visitor.
func TestThereAreNoCookies(t *testing.T) {
	use := regexp.MustCompile(`(?i)http\.SetCookie|\.Cookies?\(|set_cookie\(|document\.cookie|credentials: ['"]include`)
	for path, text := range sourceFiles(t, ".go", ".py", ".ts", ".vue") {
		if strings.Contains(path, "test") || strings.Contains(path, "infra/bench") {
			continue
		}
		if at := use.FindString(text); at != "" {
			t.Errorf("%s uses cookies: %s", path, at)
		}
	}
}
