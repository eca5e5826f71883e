// Package scf runs an http.Handler or a timer function on SCF, on AWS Lambda or as a plain server: the same binary on either
// cloud and on a laptop. It is the only importer of their libraries; no handler knows where it runs.
package scf

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/recon3d/recon3d/shared/config"
	"github.com/recon3d/recon3d/shared/telemetry"
)

// drainTime bounds how long what is being answered may take once the process is told to stop.
const drainTime = 10 * time.Second

// Run serves the handler that build makes, as RUN_MODE says (web by default), until the process is told to stop; then it
// lets running requests end and exits with 0. The ctx of build is done as soon as the process is told to stop, which
// is for handlers that would otherwise run on, such as streams. A configuration that can't be right ends the process with 2.
func Run(build func(ctx context.Context) (http.Handler, error)) {
	os.Exit(run(hosting{fallback: Web}, build, traceHandler, map[Mode]host[http.Handler]{Web: serveWeb, Event: serveEvents, Lambda: serveLambda}))
}

// RunTimer runs the function that build makes at each event of a timer, as RUN_MODE says: event (the default) or lambda. An
// error that it returns is logged and is the platform's to retry.
func RunTimer(build func(ctx context.Context) (func(ctx context.Context) error, error)) {
	os.Exit(run(hosting{fallback: Event, timer: true}, build, traceTimer, map[Mode]host[func(context.Context) error]{Event: timeEvents, Lambda: timeLambda}))
}

// host runs h until ctx is done. An error is why it could not.
type host[H any] func(ctx context.Context, how hosting, h H) error

func run[H any](how hosting, build func(context.Context) (H, error), trace func(*telemetry.Tracer, H) H, hosts map[Mode]host[H]) (exitCode int) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	read := struct {
		Hosting hosting
		Traces  telemetry.Config
	}{Hosting: how}
	wrong := config.Load(&read)
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: read.Hosting.LogLevel})))
	h, err := build(ctx)
	if err = errors.Join(wrong, err); err != nil {
		// In plain words for the person who has to mend it, and as a line for the log.
		fmt.Fprintln(os.Stderr, err)
		slog.Error("start failed", "error", err)
		return 2
	}
	if tracer := telemetry.New(read.Traces); tracer != nil {
		defer tracer.Close()
		h = trace(tracer, h)
	}
	if err := hosts[read.Hosting.Mode](ctx, read.Hosting, h); err != nil {
		slog.Error("host failed", "mode", read.Hosting.Mode, "error", err)
		return 1
	}
	return 0
}
