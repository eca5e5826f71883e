package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// cronField is one of the seven, with the numbers that it takes and the names that stand for some of them.
type cronField struct {
	name        string
	first, last int
	names       []string // for first, first+1, …
	day         bool     // takes ? too
}

var cronFields = []cronField{
	{name: "second", last: 59},
	{name: "minute", last: 59},
	{name: "hour", last: 23},
	{name: "day of the month", first: 1, last: 31, day: true},
	{name: "month", first: 1, last: 12, names: strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")},
	{name: "day of the week", last: 6, names: strings.Fields("SUN MON TUE WED THU FRI SAT"), day: true},
	{name: "year", first: 1970, last: 2099},
}

// checkCron tells what the platform would refuse or misread in the expression of a timer.
func checkCron(expression string) error {
	fields := strings.Fields(expression)
	if len(fields) != len(cronFields) {
		return fmt.Errorf("cronExpression %q has %d fields; it needs 7: second minute hour day month week year", expression, len(fields))
	}
	for i, f := range cronFields {
		for part := range strings.SplitSeq(fields[i], ",") {
			if !f.takes(part) {
				return fmt.Errorf("cronExpression %q: %q is no %s: *, %d to %d, a range a-b, or steps of */n", expression, part, f.name, f.first, f.last)
			}
		}
	}
	return nil
}

var cronPart = regexp.MustCompile(`^(?:\*|(\w+)(?:-(\w+))?)(?:/(\d+))?$`)

func (f cronField) takes(part string) bool {
	if f.day && part == "?" {
		return true
	}
	m := cronPart.FindStringSubmatch(part)
	if m == nil {
		return false
	}
	from, to := f.first, f.last
	if m[1] != "" {
		from = f.number(m[1])
		to = from
	}
	if m[2] != "" {
		to = f.number(m[2])
	}
	if from < f.first || to > f.last || from > to {
		return false
	}
	step, err := strconv.Atoi(m[3])
	return m[3] == "" || err == nil && step >= 1 && step <= f.last
}

// number is what text stands for, or one that no field takes.
func (f cronField) number(text string) int {
	if i := slices.Index(f.names, strings.ToUpper(text)); i >= 0 {
		return f.first + i
	}
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return -1
}
