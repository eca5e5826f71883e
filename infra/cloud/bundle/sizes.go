package main

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// bundle is a package that was made.
type bundle struct {
	folder, zip string
	files       []file
	size        int64 // of the zip, in bytes
	sum         [sha256.Size]byte
}

// file is one of its files; size is in bytes, unpacked.
type file struct {
	name string
	size int64
}

func mebibytes(n int64) string { return fmt.Sprintf("%7.1f MB", float64(n)/(1<<20)) }

// String is a small table of what is in it.
func (b bundle) String() string {
	var table strings.Builder
	row := func(name string, size int64, more string) {
		table.WriteString(strings.TrimRight(fmt.Sprintf("%-22s%s  %s", name, mebibytes(size), more), " ") + "\n")
	}
	var all, page int64
	pages := 0
	for _, f := range b.files {
		all += f.size
		if strings.HasPrefix(f.name, "site/") {
			page, pages = page+f.size, pages+1
			continue
		}
		row("  "+f.name, f.size, "")
	}
	row("  site", page, fmt.Sprintf("%d files", pages))
	row(b.folder, all, "")
	row(b.zip, b.size, fmt.Sprintf("of at most %d, sha256 %x", most>>20, b.sum))
	return table.String()
}

// tooLarge is an error where the zip is larger than it may be.
func (b bundle) tooLarge() error {
	if b.size <= most {
		return nil
	}
	return fmt.Errorf("%s has %d bytes, more than the %d that a package may have: the table says what they are", b.zip, b.size, most)
}
