package main

import (
	"os"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

// An id of each kind of parameter, for a path that a request could have.
var parameter = regexp.MustCompile(`\{[^}]*\}`)

func example(pattern string) string {
	return parameter.ReplaceAllString(pattern, "0197f5d2-7c1e-7abc-8def-0123456789ab")
}

// checkPaths holds the domain's routes against the API's document and against what the programs answer: each of the document's paths leads to
// a function that answers it, so does each path of a function that is not in the document at all (the page), and no route leads nowhere.
func checkPaths(s *subject) error {
	document, err := apiPaths(s.path(openapiFile))
	if err != nil {
		return err
	}
	misled := map[string]bool{} // routes of which something was told
	for path, line := range document {
		s.lead(path, openapiFile, line, misled)
	}
	for _, f := range s.deployment.Functions {
		answers := s.sources[f.Name].answers
		if inDocument(answers, document) {
			continue
		}
		for _, path := range sorted(answers) {
			s.lead(path, routesFile, 0, misled)
		}
	}
	for _, r := range s.routes {
		if f, _ := s.deployment.Function(r.Function); f.Kind != manifest.Web || misled[r.Path] || !manifest.PathForm(r.Path) {
			continue // manifest tells
		}
		used := false
		for path := range s.sources[r.Function].answers {
			used = used || covers(r.Path, example(path))
		}
		if !used {
			s.add(routesFile, r.Line, "%s leads to %s, which answers no such path: take it away, or lead it where it is answered", r.Path, r.Function)
		}
	}
	return nil
}

// lead tells where a path leads nowhere, or to a function that does not answer it.
func (s *subject) lead(path, file string, line int, misled map[string]bool) {
	var leading []manifest.Route
	for _, r := range s.routes {
		if covers(r.Path, example(path)) {
			leading = append(leading, r)
		}
	}
	if len(leading) == 0 {
		s.add(file, line, "no route leads %s to a function: add one to %s", path, routesFile)
		return
	}
	r := leading[0]
	f, known := s.deployment.Function(r.Function)
	if len(leading) > 1 || !known || f.Kind != manifest.Web || answersPath(s.sources[f.Name].answers, path) {
		return // or manifest tells: of paths that overlap, of functions that can't answer
	}
	misled[r.Path] = true
	s.add(routesFile, r.Line, "%s leads %s to %s, which does not answer it: lead it to %s", r.Path, path, f.Name, s.answerer(path))
}

func (s *subject) answerer(path string) string {
	for _, f := range s.deployment.Functions {
		if answersPath(s.sources[f.Name].answers, path) {
			return f.Name
		}
	}
	return "no function"
}

// answersPath tells whether one of the paths is this one, whatever its parameters are called.
func answersPath(answers map[string]string, path string) bool {
	for answered := range answers {
		if example(answered) == example(path) {
			return true
		}
	}
	return false
}

func inDocument(answers map[string]string, document map[string]int) bool {
	for path := range document {
		if answersPath(answers, path) {
			return true
		}
	}
	return false
}

// covers tells whether a route's path, exact or ending in /*, is that of a request.
func covers(route, path string) bool {
	prefix, ok := strings.CutSuffix(route, "*")
	return path == route || ok && strings.HasPrefix(path, prefix)
}

// apiPaths are the paths of the API in the OpenAPI document, each with its line; not those of a server of their own, the workers'.
func apiPaths(file string) (map[string]int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var document struct {
		Paths yaml.Node
	}
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	paths := map[string]int{}
	for i := 0; i+1 < len(document.Paths.Content); i += 2 {
		var item struct{ Servers yaml.Node }
		if err := document.Paths.Content[i+1].Decode(&item); err != nil {
			return nil, err
		}
		if item.Servers.IsZero() {
			paths[document.Paths.Content[i].Value] = document.Paths.Content[i].Line
		}
	}
	return paths, nil
}
