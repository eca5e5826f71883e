package main

import (
	"os"
	"regexp"
)

// sharedRow is a row of the guide's table of variables that is marked ¹: the same wherever it is read.
var sharedRow = regexp.MustCompile("(?m)^\\| `([A-Z_]+)` ¹ ")

// checkSameness finds variables that must be the same wherever they are read, and are not: of the functions that read one, either none
// is given it or all are given one value.
func checkSameness(s *subject) error {
	guide, err := os.ReadFile(s.path(guideFile))
	if err != nil {
		return err
	}
	for _, m := range sharedRow.FindAllStringSubmatch(string(guide), -1) {
		name := m[1]
		first, value := "", ""
		for _, f := range s.filled.Functions {
			v, given := f.Variable(name)
			if _, reads := s.sources[f.Name].reads[name]; given && reads && first == "" {
				first, value = f.Name, v.Value
			}
		}
		for _, f := range s.filled.Functions {
			read, reads := s.sources[f.Name].reads[name]
			v, given := f.Variable(name)
			switch {
			case first == "" || !reads:
			case !given && !read.required:
				s.add(ymlFile, f.Line, "function %s reads %s too, which must be the same everywhere: give it the %s that %s has", f.Name, name, name, first)
			case given && v.Value != value:
				s.add(ymlFile, v.Line, "function %s gets another %s than %s, and it must be the same everywhere: make them one", f.Name, name, first)
			}
		}
	}
	return nil
}
