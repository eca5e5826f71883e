package main

import (
	"regexp"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

// nameForm is what the platform takes as a function's name: letters, digits, - and _, a letter first, a letter or digit last.
var nameForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*[A-Za-z0-9]$`)

const longestName = 60 // characters

// checkNames looks at what functions are called on the platform.
func checkNames(s *subject) error {
	if name, set := s.stage.values["STAGE"]; set && !manifest.StageForm.MatchString(name) {
		s.add(s.stage.file, s.stage.lines["STAGE"], "STAGE is %q, and a part of every function's name: small letters, digits and -, a letter first, 30 at most", name)
		return nil
	}
	wrong := false
	for _, f := range s.deployment.Functions {
		if want := "${name}-${stage}-" + f.Name; f.Deployed != want {
			s.add(ymlFile, f.Line, "function %s is called %s: write %s, so that two stages have two of it, and make deploy finds it", f.Name, f.Deployed, want)
			wrong = true
		}
	}
	for _, f := range s.filled.Functions {
		if !wrong && (len(f.Deployed) > longestName || !nameForm.MatchString(f.Deployed)) {
			s.add(ymlFile, f.Line, "function %s is called %q, %d characters: the platform takes %d letters, digits, - and _, a letter first; mend name, at the top", f.Name, f.Deployed, len(f.Deployed), longestName)
			return nil // it is what all names share
		}
	}
	return nil
}
