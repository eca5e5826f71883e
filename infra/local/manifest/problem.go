package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong, where, and what to do about it.
type Problem struct {
	File string
	Line int // from 1; 0: the whole file
	Text string
}

func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
}

// Problems is all that is wrong, as an error with a line for each.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Sort orders them by file and line.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
}

// problems collects what is wrong with one file.
type problems struct {
	file string
	all  Problems
}

func (p *problems) add(line int, format string, args ...any) {
	p.all = append(p.all, Problem{p.file, line, fmt.Sprintf(format, args...)})
}

func (p *problems) err() error {
	if len(p.all) == 0 {
		return nil
	}
	p.all.Sort()
	return p.all
}
