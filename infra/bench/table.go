package main

import (
	"fmt"
	"log"
	"math"
	"strconv"
	"strings"
)

// figure is one measured value, and what it may be.
type figure struct {
	what  string
	value float64
	unit  string
	// atMost and atLeast are the budget; nil where there is none.
	atMost, atLeast *float64
	beside          string // what else is known of it
}

// met tells whether a figure is within its budget. One that could not be measured (NaN) is not.
func (f figure) met() bool {
	return (f.atMost == nil || f.value <= *f.atMost) && (f.atLeast == nil || f.value >= *f.atLeast)
}

// budget writes what the figure may be, "" where it may be anything.
func (f figure) budget() string {
	switch {
	case f.atMost != nil:
		return "≤ " + amount(*f.atMost, f.unit)
	case f.atLeast != nil:
		return "≥ " + amount(*f.atLeast, f.unit)
	}
	return ""
}

// table is the figures of a run, by scenario.
type table struct {
	current string
	rows    []row
	notes   []string
	// pictures are SVGs, written beside the report where that is written to a file.
	pictures map[string]string
}

type row struct {
	scenario string
	figure
}

// scenario names what the figures that follow are of.
func (t *table) scenario(name string) { t.current = name }

func (t *table) add(f figure) {
	t.rows = append(t.rows, row{t.current, f})
	log.Printf("  %s: %s %s", f.what, amount(f.value, f.unit), f.beside)
}

// note is a sentence below the table.
func (t *table) note(sentence string) { t.notes = append(t.notes, sentence) }

// picture keeps an SVG of that file name.
func (t *table) picture(name, svg string) {
	if t.pictures == nil {
		t.pictures = map[string]string{}
	}
	t.pictures[name] = svg
}

// met tells whether every figure is within its budget.
func (t *table) met() bool {
	for _, r := range t.rows {
		if !r.met() {
			return false
		}
	}
	return true
}

// String is the table in Markdown.
func (t *table) String() string {
	var s strings.Builder
	s.WriteString("| scenario | what | figure | budget | met | beside it |\n|---|---|--:|--:|---|---|\n")
	for _, r := range t.rows {
		budget, met := r.budget(), ""
		switch {
		case !r.met():
			met = "**no**"
		case budget != "":
			met = "yes"
		}
		fmt.Fprintf(&s, "| %s | %s | %s | %s | %s | %s |\n", cell(r.scenario), cell(r.what), amount(r.value, r.unit), budget, met, cell(r.beside))
	}
	for _, n := range t.notes {
		s.WriteString("\n" + n + "\n")
	}
	return s.String()
}

// cell keeps text from being taken for the table's own marks.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s)
}

// amount writes a value with its unit: three digits that count, and never fewer than the whole ones.
func amount(v float64, unit string) string {
	digits := 0
	if size := math.Abs(v); size != math.Trunc(size) {
		switch {
		case size < 10:
			digits = 2
		case size < 100:
			digits = 1
		}
	}
	return strings.TrimSpace(strconv.FormatFloat(v, 'f', digits, 64) + " " + unit)
}
