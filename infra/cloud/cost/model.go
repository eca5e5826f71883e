package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"gopkg.in/yaml.v3"
)

// model is the file that says what a task needs.
type model struct {
	Inputs []input `yaml:"inputs"`
	Tables []table `yaml:"tables"`
	Limits []limit `yaml:"limits"`
}

// input is a figure that is not computed.
type input struct {
	Name  string  `yaml:"name"`
	Value float64 `yaml:"value"`
	Unit  string  `yaml:"unit"`
	From  string  `yaml:"from"` // where it was measured or read, or that it is assumed
	line  int
}

type table struct {
	Title string `yaml:"title"`
	Lines []line `yaml:"lines"`
}

// line is a figure that is computed.
type line struct {
	Name    string `yaml:"name"`
	What    string `yaml:"what"`
	Unit    string `yaml:"unit"`
	Formula string `yaml:"formula"`
	formula formula
	line    int
}

// limit is what a figure may not exceed.
type limit struct {
	Of      string  `yaml:"of"`
	What    string  `yaml:"what"`
	Formula string  `yaml:"formula"`
	Most    float64 `yaml:"most"`
	Unit    string  `yaml:"unit"`
	From    string  `yaml:"from"`
	formula formula
	line    int
}

// UnmarshalYAML implements yaml.Unmarshaler, for the line that a message names. An unknown field is found by load.
func (i *input) UnmarshalYAML(n *yaml.Node) error {
	type plain input
	i.line = n.Line
	return decode(n, (*plain)(i))
}

// UnmarshalYAML implements yaml.Unmarshaler, as input's does.
func (l *line) UnmarshalYAML(n *yaml.Node) error {
	type plain line
	l.line = n.Line
	return decode(n, (*plain)(l))
}

// UnmarshalYAML implements yaml.Unmarshaler, as input's does.
func (l *limit) UnmarshalYAML(n *yaml.Node) error {
	type plain limit
	l.line = n.Line
	return decode(n, (*plain)(l))
}

// decode decodes a mapping strictly, which a Node alone does not.
func decode(n *yaml.Node, into any) error {
	known, err := yaml.Marshal(into)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := yaml.Unmarshal(known, &fields); err != nil {
		return err
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if name := n.Content[i].Value; fields[name] == nil {
			return fmt.Errorf("line %d: knows no field %s", n.Content[i].Line, name)
		}
	}
	return n.Decode(into)
}

// tasks is the name of the number of tasks a day.
const tasks = "tasks"

// load reads a model and checks it. All that is wrong is told together, each with its line.
func load(file string) (*model, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m := &model{}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var wrong []error
	say := func(line int, format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("%s:%d: %w", file, line, fmt.Errorf(format, args...)))
	}
	known, used := map[string]bool{tasks: true}, map[string]bool{}
	name := func(at int, s string) {
		if s == "" || known[s] {
			say(at, "name %q is empty or taken: each figure has one of its own", s)
		}
		known[s] = true
	}
	use := func(at int, text string) formula {
		f, err := parse(text)
		if err != nil {
			say(at, "%w", err)
		}
		for _, n := range f.names {
			used[n] = true
			if !known[n] {
				say(at, "%s is neither an input nor a line above", n)
			}
		}
		return f
	}
	for _, i := range m.Inputs {
		name(i.line, i.Name)
		if i.From == "" {
			say(i.line, "%s does not say where it is from: `from: …`", i.Name)
		}
	}
	for _, t := range m.Tables {
		for i := range t.Lines {
			l := &t.Lines[i]
			l.formula = use(l.line, l.Formula)
			name(l.line, l.Name)
		}
	}
	for i := range m.Limits {
		l := &m.Limits[i]
		l.formula = use(l.line, l.Formula)
		if l.Most <= 0 {
			say(l.line, "the limit of %s is not above 0: `most: …`", l.Of)
		}
	}
	for _, i := range m.Inputs {
		if !used[i.Name] {
			say(i.line, "%s is used by no formula: take it out, or use it", i.Name)
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return m, nil
}

// at computes all lines for that many tasks a day.
func (m *model) at(n float64) (map[string]float64, error) {
	values := map[string]float64{tasks: n}
	for _, i := range m.Inputs {
		values[i.Name] = i.Value
	}
	for _, t := range m.Tables {
		for _, l := range t.Lines {
			v, err := l.formula.in(values)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", l.line, err)
			}
			values[l.Name] = v
		}
	}
	return values, nil
}

// mostTasks is beyond what anybody asks for.
const mostTasks = 1e12

// reach tells how many tasks a day meet a limit, at most mostTasks. What is limited grows with the tasks.
func (m *model) reach(l limit) (float64, error) {
	within := func(n float64) (bool, error) {
		values, err := m.at(n)
		if err != nil {
			return false, err
		}
		v, err := l.formula.in(values)
		return v <= l.Most, err
	}
	low, high := 0.0, mostTasks
	for high-low > 1 {
		middle := float64(int64(low+high) / 2)
		ok, err := within(middle)
		if err != nil {
			return 0, err
		}
		if ok {
			low = middle
		} else {
			high = middle
		}
	}
	return high, nil
}

// met is a limit and the number of tasks a day that meet it.
type met struct {
	limit
	tasks float64
}

// limits are in the order in which they are met.
func (m *model) limits() ([]met, error) {
	var all []met
	for _, l := range m.Limits {
		n, err := m.reach(l)
		if err != nil {
			return nil, err
		}
		all = append(all, met{l, n})
	}
	slices.SortStableFunc(all, func(a, b met) int { return int(min(max(a.tasks-b.tasks, -1), 1)) })
	return all, nil
}
