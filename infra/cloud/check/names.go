package main

import "regexp"

// nameForm is what the platform takes as a function's name: letters, digits, - and _, a letter first, a letter or digit last.
var nameForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*[A-Za-z0-9]$`)

// stageForm is what can stand in the middle of names: each is {name}-{stage}-{function}, of functions and of roles.
var stageForm = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

const longestName = 60 // characters

// checkNames looks at what functions are called on the platform.
func checkNames(s *subject) error {
	if name, set := s.stage.values["STAGE"]; set && !stageForm.MatchString(name) {
		s.add(s.stage.file, s.stage.lines["STAGE"], "STAGE is %q, and a part of every function's name: small letters, digits and -, a letter first", name)
	}
	before := map[string]string{}
	for _, f := range s.filled.Functions {
		switch {
		case len(f.Deployed) > longestName:
			s.add(ymlFile, f.Line, "function %s is called %s, %d characters: the platform takes %d, shorten its name or STAGE", f.Name, f.Deployed, len(f.Deployed), longestName)
		case !nameForm.MatchString(f.Deployed):
			s.add(ymlFile, f.Line, "function %s is called %q: letters, digits, - and _, a letter first, a letter or digit last", f.Name, f.Deployed)
		case before[f.Deployed] != "":
			s.add(ymlFile, f.Line, "function %s is called %s, as %s is: give each its own name", f.Name, f.Deployed, before[f.Deployed])
		}
		before[f.Deployed] = f.Name
	}
	return nil
}
