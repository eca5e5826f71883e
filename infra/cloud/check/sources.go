package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

// module is the path that the repository's packages are imported by.
const module = "github.com/recon3d/recon3d/"

// sources is what the functions' programs are, by their names, as their sources say.
type sources map[string]program

// program is what one function's sources tell. Both maps are nil where there are no sources.
type program struct {
	reads   map[string]read   // variables, by name
	answers map[string]string // paths as in httpjson.Routes, and where that is written
}

// read is a variable that a program reads: an `env` tag.
type read struct {
	preset   string
	required bool
}

// readSources reads the programs of all functions: what they, and the packages that they are made of, fill with config.Load.
func readSources(root string, d manifest.Deployment) (sources, error) {
	r := reader{root: root, files: token.NewFileSet(), packages: map[string]*source{}}
	all := sources{}
	for _, f := range d.Functions {
		p, err := r.program("functions/" + f.Name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		all[f.Name] = p
	}
	return all, nil
}

// reader parses packages, each once.
type reader struct {
	root     string
	files    *token.FileSet
	packages map[string]*source // by folder
}

// source is one parsed package.
type source struct {
	files []*ast.File
	types map[string]declared
}

// declared is a type, and the file whose imports its names are of.
type declared struct {
	ast.Expr
	*ast.File
}

func (r *reader) program(folder string) (program, error) {
	p := program{reads: map[string]read{}, answers: map[string]string{}}
	seen := map[string]bool{}
	if err := r.collect(folder, seen, p.reads); err != nil {
		return program{}, err
	}
	for _, file := range r.packages[folder].files {
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.CompositeLit); ok && isSelector(literal.Type, "httpjson", "Routes") {
				for _, element := range literal.Elts {
					key := element.(*ast.KeyValueExpr).Key
					if text, ok := key.(*ast.BasicLit); ok {
						path, err := strconv.Unquote(text.Value)
						if err == nil {
							p.answers[path] = r.place(text)
						}
					}
				}
			}
			return true
		})
	}
	return p, nil
}

// collect adds what a package and all of ours that it imports read.
func (r *reader) collect(folder string, seen map[string]bool, reads map[string]read) error {
	if seen[folder] {
		return nil
	}
	seen[folder] = true
	s, err := r.load(folder)
	if err != nil {
		return err
	}
	for _, file := range s.files {
		for _, loaded := range loads(file) {
			if err := r.fields(declared{loaded, file}, s, reads); err != nil {
				return err
			}
		}
		for _, i := range file.Imports {
			if inner, ours := ourFolder(i); ours {
				if err := r.collect(inner, seen, reads); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// loads finds the types of all variables that a file gives to config.Load.
func loads(file *ast.File) []ast.Expr {
	var types []ast.Expr
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		locals := map[string]ast.Expr{}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec: // var cfg T
				for _, name := range n.Names {
					locals[name.Name] = n.Type
				}
			case *ast.AssignStmt: // cfg := T{…}
				for i, left := range n.Lhs {
					if name, ok := left.(*ast.Ident); ok && len(n.Lhs) == len(n.Rhs) {
						if literal, ok := n.Rhs[i].(*ast.CompositeLit); ok {
							locals[name.Name] = literal.Type
						}
					}
				}
			case *ast.CallExpr:
				if !isSelector(n.Fun, "config", "Load") || len(n.Args) != 1 {
					break
				}
				if address, ok := n.Args[0].(*ast.UnaryExpr); ok {
					if name, ok := address.X.(*ast.Ident); ok && locals[name.Name] != nil {
						types = append(types, locals[name.Name])
					}
				}
			}
			return true
		})
	}
	return types
}

// fields adds the `env` tags of a type of package s, and of the types of its fields.
func (r *reader) fields(d declared, s *source, reads map[string]read) error {
	switch t := d.Expr.(type) {
	case *ast.Ident:
		if inner, ok := s.types[t.Name]; ok {
			return r.fields(inner, s, reads)
		}
	case *ast.SelectorExpr:
		for _, i := range d.Imports {
			folder, ours := ourFolder(i)
			if name, ok := t.X.(*ast.Ident); !ok || !ours || filepath.Base(folder) != name.Name {
				continue
			}
			inner, err := r.load(folder)
			if err != nil {
				return err
			}
			return r.fields(inner.types[t.Sel.Name], inner, reads)
		}
	case *ast.StructType:
		for _, field := range t.Fields.List {
			if name, v := tagged(field); name != "" {
				reads[name] = v
			} else if err := r.fields(declared{field.Type, d.File}, s, reads); err != nil {
				return err
			}
		}
	}
	return nil
}

// tagged reads a field's `env` tag; "" is none.
func tagged(field *ast.Field) (string, read) {
	if field.Tag == nil {
		return "", read{}
	}
	text, err := strconv.Unquote(field.Tag.Value)
	if err != nil {
		return "", read{}
	}
	tag := reflect.StructTag(text)
	name, options, _ := strings.Cut(tag.Get("env"), ",")
	return name, read{tag.Get("envDefault"), strings.Contains(options, "required")}
}

// load parses the package of a folder, without its tests.
func (r *reader) load(folder string) (*source, error) {
	if s, ok := r.packages[folder]; ok {
		return s, nil
	}
	entries, err := os.ReadDir(filepath.Join(r.root, folder))
	if err != nil {
		return nil, err
	}
	s := &source{types: map[string]declared{}}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(r.files, filepath.Join(r.root, folder, entry.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, file)
		for _, decl := range file.Decls {
			if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.TYPE {
				for _, spec := range g.Specs {
					t := spec.(*ast.TypeSpec)
					s.types[t.Name.Name] = declared{t.Type, file}
				}
			}
		}
	}
	r.packages[folder] = s
	return s, nil
}

func ourFolder(i *ast.ImportSpec) (string, bool) {
	path, err := strconv.Unquote(i.Path.Value)
	if err != nil {
		return "", false
	}
	return strings.CutPrefix(path, module)
}

func isSelector(e ast.Expr, pkg, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != name {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg
}

func (r *reader) place(n ast.Node) string {
	p := r.files.Position(n.Pos())
	return tree{root: r.root}.relative(p.Filename) + ":" + strconv.Itoa(p.Line)
}
