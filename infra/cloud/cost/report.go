package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// figure writes a number for a person: whole ones whole, others with three digits that count, thousands apart.
func figure(v float64) string {
	digits := 0
	if a := math.Abs(v); v != math.Trunc(v) && a < 99.95 {
		digits = 2 - int(math.Floor(math.Log10(a)))
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	whole, fraction, has := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if has {
		return whole + "." + fraction
	}
	return whole
}

// report writes all tables for the numbers of tasks a day: of one, each line with its formula, of several side by side.
func (m *model) report(numbers []float64) (string, error) {
	var columns []map[string]float64
	for _, n := range numbers {
		values, err := m.at(n)
		if err != nil {
			return "", err
		}
		columns = append(columns, values)
	}
	var b strings.Builder
	b.WriteString("| tasks a day |")
	for _, n := range numbers {
		fmt.Fprintf(&b, " %s |", figure(n))
	}
	formulas := len(numbers) == 1
	end := "\n"
	if formulas {
		end = " formula |\n"
	}
	fmt.Fprintf(&b, " |%s|---|%s---|", end, strings.Repeat("--:|", len(numbers)))
	if formulas {
		b.WriteString("---|")
	}
	b.WriteString("\n")
	for _, t := range m.Tables {
		fmt.Fprintf(&b, "| **%s** |%s\n", t.Title, strings.Repeat(" |", strings.Count(end, "|")+len(numbers)+1))
		for _, l := range t.Lines {
			fmt.Fprintf(&b, "| %s |", l.What)
			for _, values := range columns {
				fmt.Fprintf(&b, " %s |", figure(values[l.Name]))
			}
			fmt.Fprintf(&b, " %s |", l.Unit)
			if formulas {
				fmt.Fprintf(&b, " %s = `%s` |", l.Name, l.Formula)
			}
			b.WriteString("\n")
		}
	}
	all, err := m.limits()
	if err != nil {
		return "", err
	}
	b.WriteString("\n| limit | most | | met at tasks a day | |\n|---|--:|---|--:|---|\n")
	for _, l := range all {
		at := figure(l.tasks)
		if l.tasks >= mostTasks {
			at = "never"
		}
		fmt.Fprintf(&b, "| %s: `%s` | %s | %s | %s | %s |\n", l.What, l.Formula, figure(l.Most), l.Unit, at, l.From)
	}
	return b.String(), nil
}

// sources writes what the formulas' names stand for.
func (m *model) sources() string {
	var b strings.Builder
	b.WriteString("| input | value | | from |\n|---|--:|---|---|\n")
	for _, i := range m.Inputs {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", i.Name, strconv.FormatFloat(i.Value, 'f', -1, 64), i.Unit, i.From)
	}
	return b.String()
}
