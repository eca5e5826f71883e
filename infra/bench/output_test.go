package main

import "testing"

func TestAReportGoesBetweenTheMarks(t *testing.T) {
	const report = "new\n"
	inserted := "# Bench\n" + beginMark + "\nnew\n\n" + endMark + "\nmore\n"
	for text, want := range map[string]string{
		"":    report,
		"old": report,
		"# Bench\n" + beginMark + "\nold\n\n" + endMark + "\nmore\n": inserted,
		"# Bench\n" + beginMark + endMark + "\nmore\n":               inserted,
		inserted:                           inserted,
		"# Bench\n" + beginMark + "no end": report,
	} {
		if got := insert(text, report); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}
