// Host is what the platform is to the functions, where there is none: for one machine with containers (compose.yaml), each command a
// container of its own.
//
//	host gateway    leads each path of infra/cloud/routes.yaml to its function's container, with the platform's limits
//	host timer      calls the timer functions of serverless.yml
//	host cos        is the bucket, over a folder
//
// It finds serverless.yml and routes.yaml in its working folder, as in the root of the repository.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

const usage = `usage: host gateway [-listen ADDRESS] [-published ADDRESS -auth-mode MODE]
       host timer [-every DURATION]
       host cos [-listen ADDRESS] [-dir FOLDER]

What the platform is to the functions, for one machine with containers: see infra/cloud/compose/compose.yaml.
`

const (
	deploymentFile = "serverless.yml"
	routesFile     = "infra/cloud/routes.yaml"
)

// drain is how long what is being answered may take once the process is told to stop.
const drain = 12 * time.Second

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	if err := run(os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "host:", err)
		}
		os.Exit(2)
	}
}

func run(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	commands := map[string]func(context.Context, []string) error{"gateway": runGateway, "timer": runTimer, "cos": runCOS}
	if len(args) > 0 && commands[args[0]] != nil {
		return commands[args[0]](ctx, args[1:])
	}
	fmt.Fprint(os.Stderr, usage)
	return flag.ErrHelp
}

// parse reads a command's flags; nothing may follow them.
func parse(flags *flag.FlagSet, args []string) error {
	flags.Usage = func() { _, _ = fmt.Fprint(flags.Output(), usage); flags.PrintDefaults() }
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s takes no %q", flags.Name(), flags.Arg(0))
	}
	return nil
}

func readDeployment() (manifest.Deployment, manifest.Routes, error) {
	d, err := manifest.ReadDeployment(deploymentFile)
	if err != nil {
		return manifest.Deployment{}, nil, err
	}
	routes, err := manifest.ReadRoutes(routesFile, d)
	return d, routes, err
}

// serve serves HTTP until ctx is done, and lets what is being answered end.
func serve(ctx context.Context, address string, handler http.Handler) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	slog.Info("listening", "address", l.Addr().String())
	select {
	case err := <-ended:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	slog.Info("stopping")
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := s.Shutdown(patience); err != nil {
		slog.Warn("requests cut", "after", drain.String(), "error", err)
		return s.Close()
	}
	return nil
}
