package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

// unhostable has a program look at its configuration, say what is wrong with it, and end: of this mode it lacks what the platform sets.
var unhostable = map[string]string{"RUN_MODE": "lambda", "AWS_LAMBDA_RUNTIME_API": ""}

// checkStart holds how each function is started against what is there, and asks each program itself what it thinks of the variables
// that it would get.
func checkStart(s *subject) error {
	complainants := map[manifest.Problem][]string{}
	for _, f := range s.filled.Functions {
		started := f.Handler
		if f.Kind == manifest.Web {
			if f.Handler != "scf_bootstrap" {
				s.add(ymlFile, f.Line, "function %s: handler must be scf_bootstrap, which starts every web function", f.Name)
			}
			v, given := f.Variable("FUNCTION")
			if !given {
				s.add(ymlFile, f.Line, "function %s: the bootstrap starts what FUNCTION names: add {key: FUNCTION, value: %s}", f.Name, f.Name)
				continue
			}
			if started = v.Value; started != f.Name {
				s.add(ymlFile, v.Line, "function %s: FUNCTION is %s, which the bootstrap would start instead: write %s", f.Name, started, f.Name)
			}
		} else {
			if f.Handler != f.Name {
				s.add(ymlFile, f.Line, "function %s: handler must be %s, the name of its binary", f.Name, f.Name)
			}
			if v, _ := f.Variable("RUN_MODE"); v.Value != "event" {
				s.add(ymlFile, f.Line, "function %s: an event function is hosted so: add {key: RUN_MODE, value: event}", f.Name)
			}
		}
		if started != f.Name {
			continue
		}
		said, err := ask(filepath.Join(s.bin, started), f)
		if errors.Is(err, fs.ErrNotExist) {
			s.add(ymlFile, f.Line, "function %s has no binary %s: run make build, or take it away", f.Name, filepath.Join(s.bin, started))
			continue
		}
		if err != nil {
			return err
		}
		for _, complaint := range said {
			if s.unset(f, variableIn.FindString(complaint)) {
				continue
			}
			file, line := s.locate(f, complaint)
			p := manifest.Problem{File: file, Line: line, Text: complaint}
			complainants[p] = append(complainants[p], f.Name)
		}
	}
	for p, functions := range complainants {
		s.add(p.File, p.Line, "%s would not start: %s", strings.Join(functions, ", "), p.Text)
	}
	return nil
}

// variableIn finds the variable that a program complains of.
var variableIn = regexp.MustCompile(`\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b`)

// locate is where to mend what a program complains of: where the stage sets the variable, else where the function is given it, else
// the function.
func (s *subject) locate(f manifest.Function, complaint string) (file string, line int) {
	name := variableIn.FindString(complaint)
	raw, _ := s.deployment.Function(f.Name)
	v, given := raw.Variable(name)
	if !given {
		return ymlFile, f.Line
	}
	if of := manifest.References(v.Value); len(of) > 0 {
		if _, set := s.stage.values[of[0]]; set {
			return s.stage.file, s.stage.lines[of[0]]
		}
	}
	return ymlFile, v.ValueLine
}

// unset tells whether a function's variable refers to one that the stage does not set: checkReferences tells that, once.
func (s *subject) unset(f manifest.Function, name string) bool {
	raw, _ := s.deployment.Function(f.Name)
	v, _ := raw.Variable(name)
	return slices.ContainsFunc(manifest.References(v.Value), func(of string) bool { _, set := s.stage.values[of]; return !set })
}

// patience is for a program that only reads its environment; one that takes longer is stuck.
const patience = 20 * time.Second

// ask starts a function's program with the variables that the cloud would give it, and returns what it complains of, a line each.
func ask(path string, f manifest.Function) ([]string, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, absolute)
	cmd.Env = []string{}
	for _, v := range f.Environment {
		if _, ours := unhostable[v.Name]; !ours {
			cmd.Env = append(cmd.Env, v.Name+"="+v.Value)
		}
	}
	for name, value := range unhostable {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	var ended *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &ended) || ended.ExitCode() != 2 {
		return nil, errors.Join(errors.New(path+" did not end with 2, as for a mode that it can't be hosted in"), err)
	}
	var complaints []string
	for line := range strings.Lines(said.String()) {
		text, inner := strings.CutPrefix(strings.TrimRight(line, "\n"), "  ")
		if inner && !strings.HasPrefix(text, "AWS_LAMBDA_RUNTIME_API") {
			complaints = append(complaints, text)
		}
	}
	return complaints, nil
}
