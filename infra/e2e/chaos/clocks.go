package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
)

// clock is what lets the clock of a process be set wrong: see clock/clock.c. It begins as wrong as the plan wants it.
func (w *world) clock(process string) ([]string, error) {
	library := filepath.Join(w.bin, "clock.so")
	if !there(library) {
		return nil, nil
	}
	if err := w.setClock(process, 0); err != nil {
		return nil, err
	}
	return []string{"LD_PRELOAD=" + library, "CLOCK_FILE=" + w.clockFile(process)}, nil
}

func (w *world) clockFile(process string) string { return filepath.Join(w.dir, "clock-"+process) }

// setClock has a process' clock leap by so many seconds from where the plan has it.
func (w *world) setClock(process string, leap int) error {
	file, err := os.OpenFile(w.clockFile(process), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	var seconds [8]byte
	binary.NativeEndian.PutUint64(seconds[:], uint64(w.plan.Clocks[process]+leap))
	_, err = file.WriteAt(seconds[:], 0) // in place: the file is mapped
	if err != nil {
		_ = file.Close() // the first error counts
		return fmt.Errorf("set the clock of %s: %w", process, err)
	}
	return file.Close()
}

// wrongClocks tells of which processes the clocks are wrong all the time, by how many seconds.
func (w *world) wrongClocks() map[string]int {
	if !there(filepath.Join(w.bin, "clock.so")) {
		return nil
	}
	return w.plan.Clocks
}

// leap has Redis' clock, by which everything is dated, leap and come back.
func (w *world) leap(f Fault) (heal func(context.Context) error, err error) {
	if !there(w.clockFile(f.Victim)) {
		return nil, errNoClock
	}
	return func(context.Context) error { return w.setClock(f.Victim, 0) }, w.setClock(f.Victim, f.Amount)
}
