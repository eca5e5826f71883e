package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/recon3d/recon3d/infra/local/cosd"
	"github.com/recon3d/recon3d/infra/local/gateway"
	"github.com/recon3d/recon3d/infra/local/manifest"
	"github.com/recon3d/recon3d/infra/local/redisserver"
	"github.com/recon3d/recon3d/infra/local/supervise"
	"github.com/recon3d/recon3d/infra/local/timer"
	"github.com/recon3d/recon3d/shared/redisdb"
)

// workerPython is the interpreter of the worker's own environment, which make makes.
const workerPython = "functions/worker/.venv/bin/python"

// startCOS serves the embedded COS endpoint, unless there is another.
func (h *host) startCOS(d manifest.Deployment, up *readiness) error {
	if h.BucketURL != "" {
		up.add(func(ctx context.Context) error { return answers(ctx, "COS_BUCKET_URL", h.BucketURL) })
		return nil
	}
	// Pages of the gateway, by whichever name it is called, and those that may call the API.
	origins := append([]string{h.PublicBaseURL, h.url, strings.Replace(h.url, "localhost", "127.0.0.1", 1)}, h.CORSOrigins...)
	var callers []cosd.Caller
	h.roles = map[string]role{}
	for _, f := range d.Functions {
		r, err := roleOf(f.Name, h.COSSecretKey)
		if err != nil {
			return fmt.Errorf("role of %s: %w", f.Name, err)
		}
		if r.Policy != nil {
			h.roles[f.Name] = r
			callers = append(callers, cosd.Caller(r))
		}
	}
	endpoint, err := cosd.New(h.dir.file("cos"), cosd.Options{
		SecretID: h.COSSecretID, SecretKey: h.COSSecretKey, Callers: callers, CORSOrigins: origins, Logger: h.console.Logger("cos"),
	})
	if err != nil {
		return err
	}
	l, err := h.dir.listenAgain("cos")
	if err != nil {
		return err
	}
	h.BucketURL = "http://" + l.Addr().String()
	server := h.serve("cos", l, endpoint)
	h.cleanup = append(h.cleanup, func() {
		now, cancel := context.WithCancel(context.Background())
		cancel() // nobody is left who would wait for it
		h.shutdown(now, "cos", server)
	})
	h.log.Info("COS is embedded", "url", h.BucketURL, "folder", h.dir.file("cos"))
	return nil
}

// startRedis starts a redis-server, or where there is none an embedded one, unless REDIS_URL names another.
func (h *host) startRedis(password string, up *readiness) error {
	path, found := redisserver.Find()
	switch {
	case h.RedisURL != "":
	case found:
		port, release, err := supervise.ReservePort()
		if err != nil {
			return err
		}
		h.cleanup = append(h.cleanup, release)
		server := redisserver.Server{Path: path, Dir: h.dir.file("redis"), Port: port, Password: password}
		spec, err := server.Spec()
		if err != nil {
			return err
		}
		p := supervise.Start(spec, h.console)
		h.cleanup = append(h.cleanup, func() {
			patience, cancel := context.WithTimeout(context.Background(), redisTime)
			defer cancel()
			p.Stop(patience)
		})
		h.RedisURL = server.URL()
		up.add(p.Wait)
	default:
		embedded, err := redisserver.StartEmbedded(password)
		if err != nil {
			return err
		}
		h.cleanup = append(h.cleanup, embedded.Close)
		h.RedisURL = embedded.URL(password)
		h.log.Warn("Redis is embedded: its data is gone at exit, for there is no " + redisserver.Program + " on the PATH")
	}
	rdb, err := redisdb.Open(redisdb.Config{URL: h.RedisURL})
	if err != nil {
		return err
	}
	up.add(func(ctx context.Context) error {
		defer func() { _ = rdb.Close() }()
		return until(ctx, "Redis", func(ctx context.Context) error { return rdb.Ping(ctx).Err() })
	})
	return nil
}

// startWorker starts the worker, unless there are others.
func (h *host) startWorker(up *readiness) error {
	if h.WorkerURLs != "" {
		return nil // they may come and go: the dispatch copes with it
	}
	python, err := filepath.Abs(workerPython)
	if err != nil {
		return fmt.Errorf("find the worker: %w", err)
	}
	if _, err := os.Stat(python); err != nil {
		return fmt.Errorf("the worker has no Python environment (%s): run make worker, or set WORKER_URLS", workerPython)
	}
	port, release, err := supervise.ReservePort()
	if err != nil {
		return err
	}
	h.cleanup = append(h.cleanup, release)
	dir := h.dir.file("worker")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of the worker: %w", err)
	}
	h.WorkerURLs = "http://127.0.0.1:" + strconv.Itoa(port)
	h.worker = supervise.Start(supervise.Spec{
		Name: "worker", Path: python, Args: []string{"-m", "worker"}, Dir: filepath.Join("functions", "worker"), Env: h.workerEnviron(port, dir).list(),
		Probe: func(ctx context.Context) error { return healthy(ctx, h.WorkerURLs) },
	}, h.console)
	up.add(h.worker.Wait)
	return nil
}

// startFunctions starts every function of the deployment as its kind is hosted, and tells where the web functions are.
func (h *host) startFunctions(d manifest.Deployment, up *readiness) (map[string]gateway.Upstream, error) {
	upstreams, common := map[string]gateway.Upstream{}, h.functionEnviron()
	h.timers = &timers{}
	for _, f := range d.Functions {
		port, release, err := supervise.ReservePort()
		if err != nil {
			return nil, err
		}
		h.cleanup = append(h.cleanup, release)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		event := timer.Function{Name: f.Name, Address: address, Memory: f.Memory, Timeout: f.Timeout, Environment: h.roles[f.Name].environment()}
		spec := supervise.Spec{Name: f.Name, Path: filepath.Join(h.bin, f.Name), Memory: f.Memory}
		switch f.Kind {
		case manifest.Web:
			spec.Env = common.with(environ{"RUN_MODE": "web", "HOST": "127.0.0.1", "PORT": strconv.Itoa(port)}).list()
			spec.Probe = func(ctx context.Context) error { return accepts(ctx, address) }
		case manifest.Event:
			spec.Env = common.with(environ{"RUN_MODE": "event", "_LAMBDA_SERVER_PORT": strconv.Itoa(port)}).list()
			spec.Probe = event.Ping
		}
		if os.Getenv("GOMEMLIMIT") == "" {
			spec.Env = append(spec.Env, "GOMEMLIMIT="+strconv.FormatInt(f.Memory/10*9, 10)) // collect garbage before the limit kills
		}
		p := supervise.Start(spec, h.console)
		h.functions[f.Name] = p
		up.add(p.Wait)
		if f.Kind == manifest.Web {
			upstreams[f.Name] = gateway.Upstream{Address: address, Timeout: f.Timeout, Wait: p.Wait, Header: h.roles[f.Name].header()}
		}
		for _, t := range d.Timers {
			if t.Function == f.Name {
				h.timers.all = append(h.timers.all, timer.Timer{Name: t.Name, Message: t.Message, Every: h.SweepInterval, Function: event, Log: h.console.Logger(f.Name)})
			}
		}
	}
	return upstreams, nil
}
