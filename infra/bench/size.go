package main

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"strings"
)

// measureSize weighs the binaries.
func measureSize(_ context.Context, b *bench) error {
	for _, name := range functions() {
		info, err := os.Stat(b.binary(name))
		if err != nil {
			return err
		}
		extra, err := superfluous(b.binary(name))
		if err != nil {
			return fmt.Errorf("read binary %s: %w", name, err)
		}
		b.table.add(figure{what: name, value: float64(info.Size()) / (1 << 20), unit: "MB", atMost: new(16.0), beside: "stripped, static"})
		if len(extra) > 0 {
			b.table.add(figure{
				what: name + ": what a stripped, static binary has not", value: float64(len(extra)), unit: "sections", atMost: new(0.0),
				beside: strings.Join(extra, " "),
			})
		}
	}
	return nil
}

// superfluous lists what a stripped, static binary would not have: symbols, debugging information, what a dynamic loader reads.
func superfluous(path string) (names []string, err error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	for _, s := range f.Sections {
		if s.Type == elf.SHT_SYMTAB || s.Type == elf.SHT_DYNAMIC || s.Name == ".interp" || strings.HasPrefix(s.Name, ".debug_") || strings.HasPrefix(s.Name, ".zdebug_") {
			names = append(names, s.Name)
		}
	}
	return names, nil
}
