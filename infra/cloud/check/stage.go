package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

// stage is what ${env:…} stands for.
type stage struct {
	file   string // where it is from, for messages
	values map[string]string
	lines  map[string]int
	order  []string
}

func (s stage) production() bool { return strings.HasPrefix(s.values["STAGE"], "prod") }

// fromProcess is this process's environment as a stage.
func fromProcess() stage {
	s := stage{file: "environment", values: map[string]string{}}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		s.values[name] = value
	}
	return s
}

func fromFile(file string, variables manifest.Stage) stage {
	s := stage{file: file, values: variables.Map(), lines: map[string]int{}}
	for _, v := range variables {
		s.lines[v.Name] = v.Line
		s.order = append(s.order, v.Name)
	}
	return s
}

// open reads all that the rules look at. What is wrong with the form of a file becomes findings.
func open(files tree) (*subject, error) {
	s := &subject{tree: files}
	var err error
	if s.deployment, err = manifest.ReadDeployment(s.path(ymlFile)); s.take(err) != nil {
		return nil, err
	}
	if len(s.deployment.Functions) > 0 {
		if s.routes, err = manifest.ReadRoutes(s.path(routesFile), s.deployment); s.take(err) != nil {
			return nil, err
		}
	}
	if s.env == "" {
		s.stage = fromProcess()
	} else {
		variables, err := manifest.ReadStage(s.env)
		if s.take(err) != nil {
			return nil, err
		}
		s.stage = fromFile(s.relative(s.env), variables)
	}
	s.filled = s.deployment.Expand(s.stage.values)
	if s.sources, err = readSources(s.root, s.deployment); err != nil {
		return nil, fmt.Errorf("read the functions' sources: %w", err)
	}
	return s, nil
}

func (t tree) path(file string) string { return filepath.Join(t.root, filepath.FromSlash(file)) }

// relative is path as messages name it: from the root.
func (t tree) relative(path string) string {
	if inside, err := filepath.Rel(t.root, path); err == nil && filepath.IsLocal(inside) {
		return filepath.ToSlash(inside)
	}
	return path
}
