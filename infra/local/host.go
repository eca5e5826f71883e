package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/recon3d/recon3d/infra/local/console"
	"github.com/recon3d/recon3d/infra/local/gateway"
	"github.com/recon3d/recon3d/infra/local/manifest"
	"github.com/recon3d/recon3d/infra/local/supervise"
)

// What is deployed, relative to the repository's root.
const (
	deploymentFile = "serverless.yml"
	routesFile     = "infra/cloud/routes.yaml"
	builtPage      = "functions/web/dist" // by make web, with Node
)

// web is the function that serves the page, the only one which the rest can do without.
const web = "web"

const (
	// comeUp is how long the parts may take until they answer. The slowest is the worker, which loads its engine.
	comeUp = 2 * time.Minute
	// drain is how long all but Redis may take to end.
	drain = 10 * time.Second
	// handBack is how much of that the worker may take to give its tasks back, while the gateway still takes its callbacks.
	handBack = 4 * time.Second
	// redisTime is how long Redis may take to write what it has.
	redisTime = 5 * time.Second
)

// host is the running system.
type host struct {
	settings
	console *console.Console
	log     *slog.Logger
	dir     *dataDir
	url     string // of the gateway

	roles     map[string]role // by function; nil where the bucket is not the embedded one
	worker    *supervise.Process
	functions map[string]*supervise.Process
	timers    *timers
	gateway   *http.Server
	failed    chan error // the gateway or the COS endpoint ended by itself

	// cleanup ends the rest, in the opposite order of its start.
	cleanup []func()
}

// start starts everything and returns when all of it answers. What was started is stopped again where a part does not.
func start(ctx context.Context, s settings, c *console.Console) (_ *host, err error) {
	h := &host{settings: s, console: c, log: c.Logger("host"), functions: map[string]*supervise.Process{}, failed: make(chan error, 2)}
	defer func() {
		if err != nil {
			h.stop()
		}
	}()
	deployment, err := manifest.ReadDeployment(deploymentFile)
	if err != nil {
		return nil, err
	}
	routes, err := manifest.ReadRoutes(routesFile, deployment)
	if err != nil {
		return nil, err
	}
	if s.WebRoot == "" {
		h.log.Warn("there is no page: make web builds it, with Node; / answers 404")
		deployment, routes = deployment.Without(web), routes.Without(web)
	}
	if h.dir, err = openDataDir(s.DataDir); err != nil {
		return nil, err
	}
	h.cleanup = append(h.cleanup, func() {
		if err := h.dir.close(); err != nil {
			h.log.Warn("lock not released", "error", err)
		}
	})
	chosen, err := h.dir.secrets()
	if err != nil {
		return nil, err
	}
	h.choose(chosen)
	listener, err := h.listen()
	if err != nil {
		return nil, err
	}
	h.cleanup = append(h.cleanup, func() { _ = listener.Close() }) // the gateway has closed it, if it came to that

	var up readiness
	if err := h.startCOS(deployment, &up); err != nil {
		return nil, err
	}
	if err := h.startRedis(chosen.RedisPassword, &up); err != nil {
		return nil, err
	}
	if err := h.startWorker(&up); err != nil {
		return nil, err
	}
	upstreams, err := h.startFunctions(deployment, &up)
	if err != nil {
		return nil, err
	}
	front, err := gateway.New(routes, upstreams, c.Logger("gateway"))
	if err != nil {
		return nil, err
	}
	h.gateway = h.serve("gateway", listener, front)
	if err := up.wait(ctx, comeUp); err != nil {
		return nil, err
	}
	h.timers.start()
	return h, nil
}

// choose fills in what the environment leaves open.
func (h *host) choose(kept secrets) {
	choose(&h.CallbackSecrets, kept.CallbackSecrets)
	choose(&h.TicketSecret, kept.TicketSecret)
	if h.BucketURL == "" { // the secrets of another COS are its own
		choose(&h.COSSecretID, kept.COSSecretID)
		choose(&h.COSSecretKey, kept.COSSecretKey)
	}
}

// listen takes the gateway's port.
func (h *host) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(h.Host, strconv.Itoa(int(h.Port))))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d is in use: stop what uses it, or take another one: PORT=%d make up", h.Port, h.Port+1)
	case err != nil:
		return nil, fmt.Errorf("listen on HOST and PORT: %w", err)
	}
	h.url = "http://localhost:" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	choose(&h.PublicBaseURL, h.url)
	return l, nil
}

// serve serves HTTP within this process until it is shut down.
func (h *host) serve(name string, l net.Listener, handler http.Handler) *http.Server {
	log := h.console.Logger(name)
	s := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			h.failed <- fmt.Errorf("%s ended: %w", name, err)
		}
	}()
	return s
}

// wait returns when ctx is done, or with an error when a part that can't be restarted ended.
func (h *host) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-h.failed:
		return err
	}
}

// stop ends everything: first the worker, which gives its tasks back by callbacks; then the gateway takes no more, and it and
// the functions finish what they have; Redis, COS and the lock last. It takes any state of start.
func (h *host) stop() {
	patience, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if h.worker != nil {
		soon, cancel := context.WithTimeout(patience, handBack)
		h.worker.Stop(soon)
		cancel()
	}
	var parts sync.WaitGroup
	if h.timers != nil {
		parts.Go(h.timers.stop)
	}
	for _, f := range h.functions {
		parts.Go(func() { f.Stop(patience) })
	}
	if h.gateway != nil {
		parts.Go(func() { h.shutdown(patience, "gateway", h.gateway) })
	}
	parts.Wait()
	for i := len(h.cleanup) - 1; i >= 0; i-- {
		h.cleanup[i]()
	}
}

// shutdown ends a server: it takes nothing new, and what it has may end until patience is done.
func (h *host) shutdown(patience context.Context, name string, s *http.Server) {
	if err := s.Shutdown(patience); err != nil {
		h.log.Warn("requests cut", "of", name, "error", err)
		_ = s.Close() // closes connections, which is all that is left to do
	}
}

// readiness is the parts that have to answer.
type readiness struct {
	parts []func(context.Context) error
}

func (r *readiness) add(part func(context.Context) error) { r.parts = append(r.parts, part) }

// wait returns when all parts answer, or with the error of the first that does not within patience.
func (r *readiness) wait(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answers := make(chan error, len(r.parts))
	for _, part := range r.parts {
		go func() { answers <- part(ctx) }()
	}
	for range r.parts {
		if err := <-answers; err != nil {
			return err
		}
	}
	return nil
}
