package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// bench is what the scenarios share.
type bench struct {
	n     int    // how often to repeat
	root  string // of the repository
	dir   string // for everything that is written; removed at the end
	began machine
	table *table
	relay relaySizes
}

// functions are the binaries that are measured, by the names of their folders.
func functions() []string {
	return []string{"picture", "create-task", "tasks", "callback-result", "callback-status", "relay", "web", "sweeper"}
}

// newBench builds the functions, as they are built for the platform.
func newBench(ctx context.Context, n int) (_ *bench, err error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/recon3d/recon3d").Output()
	if err != nil {
		return nil, fmt.Errorf("find the repository (run this inside of it): %w", err)
	}
	dir, err := os.MkdirTemp("", "recon3d-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{n: n, root: strings.TrimSpace(string(root)), dir: dir, table: &table{}}
	if err := b.build(ctx); err != nil {
		b.close()
		return nil, err
	}
	b.began = thisMachine()
	return b, nil
}

func (b *bench) build(ctx context.Context) error {
	log.Print("building the functions")
	args := []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(b.dir, "bin") + "/"}
	for _, f := range functions() {
		args = append(args, "./functions/"+f)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stderr = b.root, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the functions: %w", err)
	}
	return nil
}

func (b *bench) binary(function string) string { return filepath.Join(b.dir, "bin", function) }

// measure runs the scenarios that match, one after the other. One that fails does not stop the others.
func (b *bench) measure(ctx context.Context, matching *regexp.Regexp) (failed bool) {
	for _, s := range scenarios() {
		if !matching.MatchString(s.name) {
			continue
		}
		log.Printf("%s: %s", s.name, s.about)
		b.table.scenario(s.name)
		err := s.run(ctx, b)
		if ctx.Err() != nil {
			log.Print("interrupted")
			return true
		}
		var skipped skip
		switch {
		case errors.As(err, &skipped):
			log.Printf("%s: skipped: %v", s.name, err)
			b.table.note(fmt.Sprintf("%s: skipped: %v.", s.name, err))
		case err != nil:
			log.Printf("%s: failed: %v", s.name, err)
			b.table.note(fmt.Sprintf("%s: failed: %v.", s.name, err))
			failed = true
		}
	}
	return failed
}

// skip is why a scenario can't be measured on this machine.
type skip string

func (s skip) Error() string { return string(s) }

func (b *bench) report() string {
	return fmt.Sprintf("%s\n\n%s", b.began, b.table)
}

func (b *bench) close() {
	if err := os.RemoveAll(b.dir); err != nil {
		log.Print(err)
	}
}
