package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// Where a file has these marks, a report goes between them.
const (
	beginMark = "<!-- results: go run ./infra/bench -o infra/bench/README.md -->\n"
	endMark   = "<!-- end of results -->"
)

// writeReport writes a report to a file: between its marks, or as the whole of it where it has none.
func writeReport(path, report string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(insert(string(old), report)), 0o644) //nolint:gosec // to be read by all
}

func insert(text, report string) string {
	before, rest, begins := strings.Cut(text, beginMark)
	_, after, ends := strings.Cut(rest, endMark)
	if !begins || !ends {
		return report
	}
	return before + beginMark + "\n" + strings.TrimSpace(report) + "\n\n" + endMark + after
}
