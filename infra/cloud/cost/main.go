// Cost computes what the system needs and costs, by the number of tasks a day, from model.yaml: instances, Redis, COS, workers,
// money, and which limit is met first. Each figure is shown with its formula.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// scale are the numbers of tasks a day that infra/docs/scale.md has.
var scale = []float64{1_000, 100_000, 10_000_000}

// run is main, with its arguments and where it writes.
func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("cost", flag.ContinueOnError)
	number := flags.Float64(tasks, 0, "tasks a day; without it, those of infra/docs/scale.md")
	file := flags.String("model", "infra/cloud/cost/model.yaml", "inputs, formulas and prices")
	page := flags.String("o", "", "write into this page, between its marks, instead of standard output")
	if err := flags.Parse(args); err != nil {
		return err
	}
	numbers := scale
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("takes no %q; say how many: -tasks 100000", flags.Arg(0))
	case *number < 0 || *number > mostTasks:
		return fmt.Errorf("-tasks %v is not from 1 to %v", *number, float64(mostTasks))
	case *number > 0:
		numbers = []float64{*number}
	}
	m, err := load(*file)
	if err != nil {
		return err
	}
	text, err := m.report(numbers)
	if err != nil {
		return fmt.Errorf("%s: %w", *file, err)
	}
	if *page != "" {
		return write(*page, text)
	}
	_, err = fmt.Fprintf(out, "%s\n%s", text, m.sources())
	return err
}

// The tables of a page are between these lines.
const (
	begin = "<!-- tables: go run ./infra/cloud/cost -o infra/docs/scale.md -->\n"
	end   = "<!-- end of tables -->\n"
)

// write puts the text between the marks of a page.
func write(page, text string) error {
	b, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(b), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s lacks the lines %q and %q, between which the tables go", page, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(page, []byte(before+begin+"\n"+text+"\n"+end+after), 0o644) //nolint:gosec // a page for all
}
