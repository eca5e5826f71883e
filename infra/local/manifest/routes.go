package manifest

import (
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Routes says which function answers which path of the domain. No two of its paths overlap.
type Routes []Route

// Route is one path of the domain: exact, or a prefix where it ends in `/*`.
type Route struct {
	Path     string `yaml:"path"`
	Function string `yaml:"function"`
	Line     int    `yaml:"-"`
}

var pathForm = regexp.MustCompile(`^/([A-Za-z0-9._~-]+/)*([A-Za-z0-9._~-]+|\*)?$`)

// PathForm tells whether a path is of the forms that the platform's path mapping takes.
func PathForm(path string) bool {
	return pathForm.MatchString(path) && (path == "/" || !strings.HasSuffix(path, "/"))
}

// ReadRoutes reads a routes.yaml whose functions must all be web functions of d. Where something in it is wrong the error is of type
// Problems, and what could be read is returned beside it.
func ReadRoutes(path string, d Deployment) (Routes, error) {
	var file struct{ Routes Routes }
	document, err := decode(path, &file)
	if err != nil {
		return nil, err
	}
	wrong := problems{file: path}
	checkRouteKeys(document, &wrong)
	if len(file.Routes) == 0 {
		wrong.add(1, "routes names no path")
		return nil, wrong.err()
	}
	for i, r := range file.Routes {
		if !PathForm(r.Path) {
			wrong.add(r.Line, "path %q is none of the forms /, /*, /xxx, /xxx/a, /xxx/*: cut it into such ones", r.Path)
		}
		if f, ok := d.Function(r.Function); !ok {
			wrong.add(r.Line, "%s leads to the unknown function %q%s", r.Path, r.Function, orNearest(r.Function, d.names()))
		} else if f.Kind != Web {
			wrong.add(r.Line, "%s leads to %s, which is no web function: only those answer HTTP", r.Path, r.Function)
		}
		for _, earlier := range file.Routes[:i] {
			if r.overlaps(earlier) {
				wrong.add(r.Line, "%s overlaps with %s of line %d, and which of them wins is not defined: cut them so that no path fits both", r.Path, earlier.Path, earlier.Line)
			}
		}
	}
	return file.Routes, wrong.err()
}

// Without are the routes that don't lead to function.
func (rs Routes) Without(function string) Routes {
	return slices.DeleteFunc(slices.Clone(rs), func(r Route) bool { return r.Function == function })
}

// Find tells the function that answers path (decoded, without a query).
func (rs Routes) Find(path string) (function string, ok bool) {
	for _, r := range rs {
		if r.matches(path) {
			return r.Function, true
		}
	}
	return "", false
}

// UnmarshalYAML keeps the line for messages.
func (r *Route) UnmarshalYAML(n *yaml.Node) error {
	type plain Route
	r.Line = n.Line
	return n.Decode((*plain)(r))
}

// prefix tells what a path that ends in `/*` begins with, slash included.
func (r Route) prefix() (string, bool) { return strings.CutSuffix(r.Path, "*") }

func (r Route) matches(path string) bool {
	if prefix, ok := r.prefix(); ok {
		return strings.HasPrefix(path, prefix)
	}
	return path == r.Path
}

func (r Route) overlaps(other Route) bool {
	a, _ := r.prefix()
	b, _ := other.prefix()
	return r.matches(b) || other.matches(a)
}
