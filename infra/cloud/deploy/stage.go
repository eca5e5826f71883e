package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Variables of a stage that only its deployment needs; they reach no function. Those of the account are named as the scf CLI reads them.
const (
	secretID    = "TENCENT_SECRET_ID"
	secretKey   = "TENCENT_SECRET_KEY"
	token       = "TENCENT_TOKEN"  // with temporary credentials
	certificate = "CERTIFICATE_ID" // of the domain, in the vendor's SSL service
	smokeToken  = "SMOKE_TOKEN"    // a bearer token for the smoke test, where JWT_SECRET can't sign one
)

// own are the variables that may stand in the file or in the environment: a pipeline keeps its credentials there. All others are read
// from the file alone, so that a REDIS_URL which a shell happens to have never reaches a stage.
var own = []string{secretID, secretKey, token, certificate, smokeToken}

// stage is one deployment's variables.
type stage struct {
	name string
	file string
	vars map[string]string
}

// stageName is what can be part of a function's name.
var stageName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,29}$`)

// readStage reads the file of a stage: `NAME=value` lines, the value in quotes or not, comments in lines of their own. It must hold each
// of needed and nothing unknown; credentials must be there only where calls are made. The error has a line for each thing that is wrong.
func readStage(name, file string, needed []string, environ func(string) (string, bool), calls bool) (stage, error) {
	s := stage{name: name, file: file, vars: map[string]string{}}
	if !stageName.MatchString(name) {
		return s, fmt.Errorf("stage %q: a name of small letters, digits and dashes, 30 at most", name)
	}
	entries, err := parse(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%s does not exist: copy infra/cloud/env.example there and fill it in", file)
	}
	wrong := []error{err}
	known := append(slices.Clone(needed), own...)
	for _, e := range entries {
		_, again := s.vars[e.key]
		switch {
		case !slices.Contains(known, e.key):
			wrong = append(wrong, fmt.Errorf("%s:%d: %s is no variable of a deployment; infra/cloud/env.example has them all", file, e.line, e.key))
		case again:
			wrong = append(wrong, fmt.Errorf("%s:%d: %s is set twice", file, e.line, e.key))
		case strings.Contains(e.value, "${"):
			wrong = append(wrong, fmt.Errorf("%s:%d: %s: the scf CLI would fill in what stands as ${…}; write the value itself", file, e.line, e.key))
		}
		s.vars[e.key] = e.value
	}
	for _, key := range own {
		if value, ok := environ(key); ok && value != "" {
			s.vars[key] = value
		}
	}
	for _, key := range needed {
		if _, ok := s.vars[key]; !ok {
			wrong = append(wrong, fmt.Errorf("%s: %s is missing; write %s= where there is none", file, key, key))
		}
	}
	if said := s.vars["STAGE"]; said != "" && said != name {
		wrong = append(wrong, fmt.Errorf("%s: STAGE is %s, and you asked for %s", file, said, name))
	}
	for _, key := range []string{secretID, secretKey} {
		if calls && s.vars[key] == "" {
			wrong = append(wrong, fmt.Errorf("%s: %s is missing, here or in the environment: an API key of https://console.cloud.tencent.com/cam/capi", file, key))
		}
	}
	return s, errors.Join(wrong...)
}

// entry is one variable of a file.
type entry struct {
	line       int
	key, value string
}

// parse reads `NAME=value` lines.
func parse(file string) ([]entry, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read variables: %w", err)
	}
	var entries []entry
	var wrong []error
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			wrong = append(wrong, fmt.Errorf("%s:%d: is no NAME=value", file, n))
			continue
		}
		entries = append(entries, entry{n, strings.TrimSpace(key), unquote(strings.TrimSpace(value))})
	}
	return entries, errors.Join(wrong...)
}

// unquote takes the quotes off a value that stands in them.
func unquote(value string) string {
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		return value[1 : n-1]
	}
	return value
}

// examples refuses secrets that stand in the example's file: everybody knows them.
func (s stage) examples(file string) error {
	example, err := parse(file)
	if err != nil {
		return err
	}
	var wrong []error
	for _, e := range example {
		if e.value != "" && s.vars[e.key] == e.value && secretName.MatchString(e.key) {
			wrong = append(wrong, fmt.Errorf("%s: %s is that of %s, which everybody can read: make one of your own, as it says there", s.file, e.key, file))
		}
	}
	return errors.Join(wrong...)
}

// environ is the stage for the commands that are started, after what they inherit.
func (s stage) environ() []string {
	list := os.Environ()
	for key, value := range s.vars {
		list = append(list, key+"="+value)
	}
	return append(list, "STAGE="+s.name)
}

// secretName is how variables are called whose values nobody may read.
var secretName = regexp.MustCompile(`SECRETS?$|_KEY$|TOKEN$|^REDIS_URL$|^TENCENT_SECRET_ID$`)

// mask replaces what is secret of the stage.
func (s stage) mask() *strings.Replacer {
	var pairs []string
	for key, value := range s.vars {
		if !secretName.MatchString(key) {
			continue
		}
		for _, secret := range strings.Fields(value) {
			pairs = append(pairs, secret, "***")
		}
	}
	return strings.NewReplacer(pairs...)
}
