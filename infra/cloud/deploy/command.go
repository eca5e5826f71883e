package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// graceful is how long a command may take to end once it was told to.
const graceful = 15 * time.Second

// installed tells whether the scf CLI is there. https://cloud.tencent.com/document/product/1154/42990
func (l *launch) installed() error {
	if _, err := exec.LookPath("scf"); err != nil && !l.dryRun {
		return remedy(errors.New("scf, the CLI of the Serverless Cloud Framework, is not on the PATH"),
			"npm install --global serverless-cloud-framework (1.2.0 or newer: function URLs came with it)")
	}
	return nil
}

// check is make deploy-check on this stage's variables. It needs no account and changes nothing: a dry run makes it too.
func (l *launch) check(ctx context.Context) (string, error) {
	return "nothing to object", l.run(ctx, keyless(), "make", "--no-print-directory", "deploy-check", "ENV="+l.stage.file)
}

// pack is make package.
func (l *launch) pack(ctx context.Context) (string, error) {
	return "in .build/bundle", l.command(ctx, keyless(), "make", "--no-print-directory", "package")
}

// deploy hands the package over. The CLI reads the account and every `${env:…}` from its environment; without an account it would ask for
// a login in a browser and write what it gets to .env.
func (l *launch) deploy(ctx context.Context) (string, error) {
	return "handed over", l.command(ctx, l.stage.environ(), "scf", "deploy", "--stage", l.stage.name)
}

// remove takes the functions away, their URLs and timer with them. The CLI's own question can't be answered here.
func (l *launch) remove(ctx context.Context) (string, error) {
	there, err := l.list(ctx)
	if err != nil {
		return "", err
	}
	if len(there) == 0 {
		return "none is there", nil
	}
	if err := l.command(ctx, l.stage.environ(), "scf", "remove", "--stage", l.stage.name, "--forceDelete"); err != nil {
		return "", err
	}
	return "all are gone", l.gone(ctx)
}

// command runs a program that has effects: a dry run only says so.
func (l *launch) command(ctx context.Context, env []string, name string, args ...string) error {
	if l.dryRun {
		line := strings.Join(append([]string{name}, args...), " ")
		l.say("  $ %s", line)
		l.rehearsal.ran(line)
		return nil
	}
	return l.run(ctx, env, name, args...)
}

// run runs a program. What it prints is its own. Ctrl-C reaches it, and it is waited for.
func (l *launch) run(ctx context.Context, env []string, name string, args ...string) error {
	line := strings.Join(append([]string{name}, args...), " ")
	l.say("  $ %s", line)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, l.out, l.out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = graceful
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("`%s` failed: %w", line, err)
	}
	return nil
}
