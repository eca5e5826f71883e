package main

import (
	"maps"
	"slices"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

// mostEnvironment is how much all of a function's variables may be together: names and values, in bytes.
const mostEnvironment = 4 << 10

// runtimeReads are read by the runtimes beneath the programs.
var runtimeReads = []string{"GOGC", "GOMEMLIMIT", "GODEBUG", "TZ"}

// bootstrapReads says of a kind of function what is read before its program: a web function's bootstrap reads FUNCTION.
var bootstrapReads = map[manifest.Kind][]string{manifest.Web: {"FUNCTION"}}

// checkEnvironment holds each function's variables against what its program reads. What it lacks, its program says (checkStart).
func checkEnvironment(s *subject) error {
	for _, f := range s.filled.Functions {
		reads, size := s.sources[f.Name].reads, 0
		if reads == nil {
			continue // unknown: checkStart tells that there is no such program
		}
		for _, v := range f.Environment {
			size += len(v.Name) + len(v.Value)
			if _, ok := reads[v.Name]; ok || slices.Contains(runtimeReads, v.Name) || slices.Contains(bootstrapReads[f.Kind], v.Name) {
				continue
			}
			missing := slices.DeleteFunc(sorted(reads), func(name string) bool { _, given := f.Variable(name); return given })
			s.add(ymlFile, v.Line, "function %s does not read %s: take it away%s", f.Name, v.Name, orMeant(v.Name, missing))
		}
		if size > mostEnvironment {
			s.add(ymlFile, f.Line, "function %s gets %d bytes of environment: the platform takes %d, all names and values together; shorten the lists in %s", f.Name, size, mostEnvironment, s.stage.file)
		}
	}
	return nil
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
