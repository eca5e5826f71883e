package manifest

import (
	"regexp"
	"strings"
)

var reference = regexp.MustCompile(`\$\{env:([A-Za-z0-9_.-]+)\}`)

// References are the names of the stage's variables in a text of the file: of each `${env:NAME}`.
func References(text string) []string {
	var names []string
	for _, m := range reference.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// Expand is d with its texts filled in as the framework does: `${env:NAME}` by the stage's variables, `${name}`, `${stage}` and `${app}` by
// its own. What the stage does not set becomes the text "undefined".
func (d Deployment) Expand(stage map[string]string) Deployment {
	env := func(text string) string {
		return reference.ReplaceAllStringFunc(text, func(match string) string {
			if value, set := stage[References(match)[0]]; set {
				return value
			}
			return "undefined"
		})
	}
	d.Stage, d.Region = env(d.Stage), env(d.Region)
	fill := func(text string) string {
		return env(strings.NewReplacer("${name}", d.Name, "${stage}", d.Stage, "${app}", d.App).Replace(text))
	}
	functions := make([]Function, len(d.Functions))
	for i, f := range d.Functions {
		f.Deployed, f.Role = fill(f.Deployed), fill(f.Role)
		variables := make([]Variable, len(f.Environment))
		for j, v := range f.Environment {
			v.Value = fill(v.Value)
			variables[j] = v
		}
		f.Environment = variables
		functions[i] = f
	}
	d.Functions = functions
	return d
}
