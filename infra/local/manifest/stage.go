package manifest

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// StageForm is what a stage can be called: each name of its functions and roles is {name}-{stage}-{function}, of 60 characters at most.
var StageForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,29}$`)

// Stage is what `${env:NAME}` stands for at one deployment, in the order of its file.
type Stage []Variable

// Map is the stage's values by name.
func (s Stage) Map() map[string]string {
	values := map[string]string{}
	for _, v := range s {
		values[v.Name] = v.Value
	}
	return values
}

// ReadStage reads a file of `NAME=value` lines; `#` begins a comment line, and quotes of either kind may stand around a value. Where a line is
// of another form the error is of type Problems, and what could be read is returned beside it.
func ReadStage(path string) (Stage, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var stage Stage
	wrong, lines := problems{file: path}, map[string]int{}
	if text, marked := bytes.CutPrefix(data, []byte("\ufeff")); marked || !utf8.Valid(text) {
		wrong.add(1, "is not plain UTF-8, and what begins it would be part of the first name: save it as UTF-8 without a byte order mark")
		return nil, wrong.err()
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if !ok || !variableName.MatchString(name) {
			wrong.add(n, "not of the form NAME=value: one line each, no spaces around the =")
			continue
		}
		value = strings.Map(func(c rune) rune {
			if unicode.IsPrint(c) {
				return c
			}
			wrong.add(n, "%s has a character that can't be seen (%U): write the value anew", name, c)
			return -1
		}, value)
		if before, twice := lines[name]; twice {
			wrong.add(n, "%s is in line %d already: take one of them away", name, before)
		}
		lines[name] = n
		if text, quoted := unquote(value); quoted {
			value = text
		} else if strings.ContainsAny(value, "#'\"`") {
			wrong.add(n, "%s: put quotes around the value: what follows a # is a comment to some readers", name)
		}
		stage = append(stage, Variable{name, strings.TrimSpace(value), n, n})
	}
	return stage, wrong.err()
}

// unquote takes quotes away that stand around all of a value.
func unquote(value string) (string, bool) {
	for _, q := range []string{`"`, "'"} {
		inner, begins := strings.CutPrefix(value, q)
		inner, ends := strings.CutSuffix(inner, q)
		if begins && ends && !strings.Contains(inner, q) {
			return inner, true
		}
	}
	return value, false
}
