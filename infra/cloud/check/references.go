package main

import (
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

var placeholder = regexp.MustCompile(`\$\{[^}]*\}`)

// checkReferences holds what serverless.yml refers to against what the stage sets.
func checkReferences(s *subject) error {
	text, err := os.ReadFile(s.path(ymlFile))
	if err != nil {
		return err
	}
	used := map[string]bool{}
	var line int
	for content := range strings.Lines(string(text)) {
		line++
		content, _, _ = strings.Cut(content, " #")
		if strings.HasPrefix(strings.TrimSpace(content), "#") {
			continue
		}
		for _, name := range manifest.References(content) {
			if _, set := s.stage.values[name]; !set && !used[name] {
				s.add(ymlFile, line, "%s is not set in %s, and functions would get the text \"undefined\": set it, to nothing where it is to be empty%s",
					name, s.stage.file, orMeant(name, s.stage.order))
			}
			used[name] = true
		}
		for _, p := range placeholder.FindAllString(content, -1) {
			if len(manifest.References(p)) == 0 && !slices.Contains([]string{"${name}", "${stage}", "${app}"}, p) {
				s.add(ymlFile, line, "%s would stay as it stands: the framework fills in ${env:NAME}, ${name}, ${stage} and ${app}", p)
			}
		}
	}
	for _, name := range s.stage.order {
		if strings.Contains(s.stage.values[name], "$(") {
			s.add(s.stage.file, s.stage.lines[name], "%s holds $(…), and no shell reads this file: write what that command prints", name)
		}
		if strings.Contains(s.stage.values[name], "${") {
			s.add(s.stage.file, s.stage.lines[name], "%s holds ${…}, which the framework fills in once more: write the value itself", name)
		}
		if !used[name] {
			s.add(s.stage.file, s.stage.lines[name], "serverless.yml has no use for %s: take it away, or give it to the functions that read it%s", name, orMeant(name, sorted(used)))
		}
	}
	return nil
}

// orMeant names the one of candidates that may have been meant.
func orMeant(name string, candidates []string) string {
	if near := manifest.Nearest(name, candidates); near != "" && near != name {
		return " (is it " + near + "?)"
	}
	return ""
}
