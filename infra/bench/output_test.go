package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAReportGoesBetweenTheMarks(t *testing.T) {
	const report = "new\n"
	const beginMark = "<!-- results: go run ./infra/bench -o x.md -->\n"
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

func TestPicturesStandBesideAReport(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.md")
	if err := writeReport(file, "new\n", map[string]string{"b.svg": "<b/>", "a.svg": "<a/>"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"x.md": "new\n\n![a](a.svg)\n\n![b](b.svg)\n", "a.svg": "<a/>", "b.svg": "<b/>"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
