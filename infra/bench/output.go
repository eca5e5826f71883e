package main

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Where a file has these marks, a report goes between them. The first one's line goes on with the command that makes it.
const (
	beginMark = "<!-- results: "
	endMark   = "<!-- end of results -->"
)

// writeReport writes a report to a file: between its marks, or as the whole of it where it has none. The pictures are written
// beside it, and shown below it.
func writeReport(path, report string, pictures map[string]string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(pictures)) {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(pictures[name]), 0o644); err != nil { //nolint:gosec // to be read by all
			return err
		}
		report += "\n![" + strings.TrimSuffix(name, ".svg") + "](" + name + ")\n"
	}
	return os.WriteFile(path, []byte(insert(string(old), report)), 0o644) //nolint:gosec // to be read by all
}

func insert(text, report string) string {
	begin := strings.Index(text, beginMark)
	if begin < 0 {
		return report
	}
	line, rest, begins := strings.Cut(text[begin:], "\n")
	_, after, ends := strings.Cut(rest, endMark)
	if !begins || !ends {
		return report
	}
	return text[:begin] + line + "\n\n" + strings.TrimSpace(report) + "\n\n" + endMark + after
}
