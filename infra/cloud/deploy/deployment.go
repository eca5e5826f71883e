package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

// deployment is what serverless.yml and routes.yaml say, of a stage once it is in() one.
type deployment struct {
	variables []string // that serverless.yml asks for

	app, region, namespace string
	functions              map[string]function // by their name in the file
	routes                 manifest.Routes
}

// function is a function by its name on the platform.
type function struct {
	name string
	kind string // HTTP or Event, as the platform calls web and event functions
}

// variable is `${env:NAME}` of serverless.yml.
var variable = regexp.MustCompile(`\$\{env:(\w+)\}`)

// readDeployment reads the two files. Names still hold variables.
func readDeployment(yml, routes string) (deployment, error) {
	checked, err := manifest.ReadDeployment(yml)
	if err != nil {
		return deployment{}, err
	}
	d := deployment{functions: map[string]function{}}
	if d.routes, err = manifest.ReadRoutes(routes, checked); err != nil {
		return deployment{}, err
	}
	text, err := os.ReadFile(yml)
	if err != nil {
		return deployment{}, fmt.Errorf("read deployment: %w", err)
	}
	var file struct {
		Name   string
		Inputs struct {
			Region, Namespace string
			Functions         map[string]struct{ Name string }
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return deployment{}, fmt.Errorf("%s: %w", yml, err)
	}
	names := map[string]bool{}
	for _, found := range variable.FindAllSubmatch(text, -1) {
		names[string(found[1])] = true
	}
	d.variables = slices.Sorted(maps.Keys(names))
	d.app, d.region, d.namespace = file.Name, file.Inputs.Region, file.Inputs.Namespace
	kinds := map[manifest.Kind]string{manifest.Web: "HTTP", manifest.Event: "Event"}
	var wrong []error
	for _, f := range checked.Functions {
		name := file.Inputs.Functions[f.Name].Name
		if name == "" {
			wrong = append(wrong, fmt.Errorf("%s: function %s has no name: its route can't be set", yml, f.Name))
		}
		d.functions[f.Name] = function{name: name, kind: kinds[f.Kind]}
	}
	return d, errors.Join(wrong...)
}

// in is d with the variables of s filled in, as the scf CLI and its engine do.
func (d deployment) in(s stage) deployment {
	fill := func(text string) string {
		text = variable.ReplaceAllStringFunc(text, func(v string) string { return s.vars[variable.FindStringSubmatch(v)[1]] })
		return strings.NewReplacer("${name}", d.app, "${app}", d.app, "${stage}", s.name).Replace(text)
	}
	filled := deployment{
		variables: d.variables, app: d.app, region: fill(d.region), namespace: fill(d.namespace), functions: map[string]function{}, routes: d.routes,
	}
	for key, f := range d.functions {
		filled.functions[key] = function{name: fill(f.name), kind: f.kind}
	}
	return filled
}

// owns tells whether a function on the platform is one of this deployment.
func (d deployment) owns(name string) bool {
	for _, f := range d.functions {
		if f.name == name {
			return true
		}
	}
	return false
}
