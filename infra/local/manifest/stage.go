package manifest

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

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
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read stage: %w", err)
	}
	defer file.Close()
	var stage Stage
	wrong, lines := problems{file: path}, map[string]int{}
	scanner := bufio.NewScanner(file)
	for n := 1; scanner.Scan(); n++ {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if !ok || !variableName.MatchString(name) {
			wrong.add(n, "not of the form NAME=value")
			continue
		}
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
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read stage %s: %w", path, err)
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
