package scf

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"
)

// drainer is a handler with connections that net/http does not know of any more: hijacked ones. Drain returns when they have ended,
// or ctx is done; the ctx of build, which is done by then, is what told them to.
type drainer interface {
	Drain(ctx context.Context)
}

// serveWeb is a plain HTTP server. A connection that is accepted means that the function is ready.
func serveWeb(ctx context.Context, how hosting, handler http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(how.Host, strconv.Itoa(int(how.Port))))
	if err != nil {
		return fmt.Errorf("listen on HOST and PORT: %w", err)
	}
	server := &http.Server{
		Handler:           withHeaderCredentials(handler),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       75 * time.Second, // longer than the 60 s of common proxies, so that it is they who hang up
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	slog.Info("listening", "address", listener.Addr().String())

	select {
	case err := <-ended:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	slog.Info("stopping")
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(patience); err != nil {
		slog.Warn("requests cut", "after", drainTime.String(), "error", err)
		return server.Close()
	}
	if d, ok := handler.(drainer); ok {
		d.Drain(patience)
	}
	return nil
}
