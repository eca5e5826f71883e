// Local runs the whole system on one machine, hosted as on the platform: each function its own process, behind a gateway
// with the platform's limits, with a timer, a worker, Redis and a COS endpoint.
//
//	local [up]                 until Ctrl-C; prints "ready <url>" when everything answers
//	local demo IMAGE OUT       runs one picture through the public API and writes what comes of it to OUT
//
// It is run at the repository's root. It is configured by the environment alone, see settings.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/recon3d/recon3d/infra/local/console"
)

const usage = `usage: local [up]
       local demo IMAGE OUT`

// twice is how far apart two Ctrl-C of a person are at least. Shells and make may send one of them to a process twice.
const twice = 300 * time.Millisecond

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) (exitCode int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stopOnSignal(cancel)

	var err error
	switch {
	case len(args) == 0, len(args) == 1 && args[0] == "up":
		err = up(ctx)
	case len(args) == 3 && args[0] == "demo" && args[1] != "" && args[2] != "":
		err = demo(ctx, args[1], args[2])
	case len(args) > 0 && args[0] == "demo":
		err = errors.New("demo needs a picture and a folder for the results: make demo IMAGE=photo.png OUT=out/")
	default:
		err = errors.New(usage)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// up runs the system until ctx is done.
func up(ctx context.Context) error {
	s, err := load()
	if err != nil {
		return err
	}
	h, err := start(ctx, s, console.New(os.Stderr, isTerminal(os.Stderr), s.LogLevel))
	if err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // stopped while it started, which is no failure
		}
		return err
	}
	fmt.Println("ready " + h.url)
	failed := h.wait(ctx)
	h.log.Info("stopping")
	h.stop()
	h.log.Info("stopped")
	return failed
}

// stopOnSignal calls stop at the first Ctrl-C, SIGTERM or SIGHUP. A second Ctrl-C ends the process at once, and with it all
// that it started.
func stopOnSignal(stop context.CancelFunc) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		first := time.Now()
		stop()
		for s := range signals {
			if s == syscall.SIGINT && time.Since(first) > twice {
				os.Exit(130)
			}
		}
	}()
}

// isTerminal tells whether a person reads f.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
