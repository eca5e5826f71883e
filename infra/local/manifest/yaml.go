package manifest

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// decode reads a YAML file as a document, and its values into file. Where it is no YAML, or a value is of another type, the error is of type
// Problems, and file is of no use.
func decode(path string, file any) (yaml.Node, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return yaml.Node{}, err
	}
	var document yaml.Node
	wrong := problems{file: path}
	if err := yaml.Unmarshal(data, &document); err != nil {
		text := string(data)
		line := brokenAt(text)
		wrong.add(line, "%s", syntax(err, strings.Split(text, "\n")[line-1], text))
		return document, wrong.err()
	}
	var types *yaml.TypeError
	if err := document.Decode(file); errors.As(err, &types) {
		for _, one := range types.Errors {
			line, text := mistyped(one)
			wrong.add(line, "%s", text)
		}
		return document, wrong.err()
	} else if err != nil {
		return document, fmt.Errorf("%s: %w", path, err)
	}
	return document, nil
}

// brokenAt is the line at which a text stops being YAML: the one after its longest beginning that is. The lines that yaml.v3 names are those
// of the surrounding mapping, or one too few.
func brokenAt(text string) int {
	lines := strings.SplitAfter(text, "\n")
	for n := len(lines) - 1; n > 0; n-- {
		if yaml.Unmarshal([]byte(strings.Join(lines[:n], "")), new(yaml.Node)) == nil {
			return n + 1
		}
	}
	return 1
}

var (
	unknownAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
	anchors       = regexp.MustCompile(`&([\w-]+)`)
	indentation   = regexp.MustCompile(`^ *\t`)
	wrongType     = regexp.MustCompile("^line (\\d+): cannot unmarshal (?:!!\\w+ `(.*)`|!!(\\w+)) into (.*)$")
	twice         = regexp.MustCompile(`^line (\d+): mapping key (".*") already defined at line (\d+)$`)
)

// syntax says what to do about a line that is no YAML.
func syntax(err error, line, text string) string {
	if m := unknownAnchor.FindStringSubmatch(err.Error()); m != nil {
		var names []string
		for _, a := range anchors.FindAllStringSubmatch(text, -1) {
			names = append(names, a[1])
		}
		if slices.Contains(names, m[1]) {
			return fmt.Sprintf("*%s stands before &%s: write what it stands for here, and the alias below", m[1], m[1])
		}
		if near := Nearest(m[1], names); near != "" {
			return fmt.Sprintf("nothing is called &%s: is it *%s?", m[1], near)
		}
		return fmt.Sprintf("nothing is called &%s: write what it stands for", m[1])
	}
	if indentation.MatchString(line) {
		return "begins with a tab: YAML is indented by spaces"
	}
	return "is no YAML from here on, or from the line before: look at indentation, brackets and quotes"
}

// mistyped turns what yaml.v3 says of a value into its line and what to do.
func mistyped(said string) (line int, text string) {
	if m := twice.FindStringSubmatch(said); m != nil {
		line, _ = strconv.Atoi(m[1])
		return line, fmt.Sprintf("%s is in line %s already: take one of them away", m[2], m[3])
	}
	m := wrongType.FindStringSubmatch(said)
	if m == nil {
		return 0, said
	}
	line, _ = strconv.Atoi(m[1])
	value := m[2] + m[3]
	switch {
	case strings.HasPrefix(m[4], "int"):
		return line, fmt.Sprintf("%q is no whole number: write one without unit and quotes", value)
	case strings.HasSuffix(m[4], "bool"):
		return line, fmt.Sprintf("%q is not true or false: write one of them, without quotes", value)
	}
	return line, fmt.Sprintf("%q stands where something of another form has to: look at the lines beside it", value)
}

// number is a whole one, as it stands: yaml.v3 takes 60.5 for 60.
type number int64

func (n *number) UnmarshalYAML(node *yaml.Node) error {
	if node.ShortTag() != "!!int" {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: cannot unmarshal %s `%s` into int", node.Line, node.ShortTag(), node.Value)}}
	}
	return node.Decode((*int64)(n))
}
