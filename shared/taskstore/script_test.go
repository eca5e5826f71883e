package taskstore

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryPartIsOfAScript(t *testing.T) {
	used := []string{"runs"}
	for s := range compile(Policy{}) {
		used = append(used, append(strings.Fields(s.parts), s.name)...)
	}
	files, err := lua.ReadDir("lua")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(f.Name(), ".lua"); !slices.Contains(used, name) {
			t.Errorf("lua/%s is in no script", f.Name())
		}
	}
}

// A name that is not there would be found out only when the line is run that has it.
func TestEveryKeyAndConstantThatAScriptNamesIsThere(t *testing.T) {
	said := regexp.MustCompile(`--.*|'[^'\n]*'`)
	name := regexp.MustCompile(`\b[A-Z][A-Z_]+\b`)
	declared := regexp.MustCompile(`(?m)^local ([A-Z][A-Z_, ]*) = `)
	for s := range compile(Policy{}) {
		source := said.ReplaceAllString(s.source(Policy{}), "")
		there := []string{"KEYS", "ARGV"}
		for _, line := range declared.FindAllStringSubmatch(source, -1) {
			there = append(there, strings.Split(line[1], ", ")...)
		}
		for _, n := range name.FindAllString(source, -1) {
			if !slices.Contains(there, n) {
				t.Errorf("%s names %s, which it is not given", s.name, n)
			}
		}
	}
}

// A script compares the beginning of what is stored with its own.
func TestNoOpBeginsAnother(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		op := newOp()
		if len(op) != 13 || seen[op] {
			t.Fatalf("%s is of another length, or was there before", op)
		}
		seen[op] = true
	}
}
