package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/infra/local/console"
	"github.com/recon3d/recon3d/infra/local/gateway"
	"github.com/recon3d/recon3d/infra/local/manifest"
	"github.com/recon3d/recon3d/infra/local/supervise"
	"github.com/recon3d/recon3d/infra/local/timer"
)

// world is the whole system on this machine: a process each for Redis, COS, every function, a second relay and the workers, and between
// any two of them a link that can be harmed. What is the platform's (the front doors, the timer) is this process.
type world struct {
	plan    Plan
	dir     string
	bin     string
	console *console.Console
	log     *os.File
	ledger  *ledger

	network  *network
	units    map[string]*unit
	ports    map[string]string // host:port, by process
	arrivals arrivals
	doors    []string // the gateways' own addresses
	storage  *storage
	post     *post
	people   *people
	sweeper  timer.Function
	timing   atomic.Pointer[Fault] // nil: the timer is as it should be
	servers  []*http.Server
	timerEnd context.CancelFunc
	redis    *redis.Client // past all links
	bucket   *cos.Client   // likewise
	started  time.Time
	fresh    map[string]int // descriptors of each function when it was young
	untidy   bool           // users leave what they have, for a test that goes on with it
}

const (
	cosID  = "AKIDchaos"
	cosKey = "the key of the chaos's own COS endpoint"
	// deadline is what a task may take that nothing is wrong with any more: TASK_TIMEOUT, the longest pause between two tries of anything, on a machine
	// on which real workers compute slowly.
	deadline    = 3 * time.Minute
	taskTimeout = 50 * time.Second
)

// environment is what all functions get: short leases, so that losing one costs seconds, and as many attempts as any run can cost.
func (w *world) environment(callbackSecret, ticketSecret, userSecret string) map[string]string {
	return map[string]string{
		"RUN_MODE": "web", "HOST": "127.0.0.1", "LOG_LEVEL": "INFO", "PATH": os.Getenv("PATH"),
		"AUTH_MODE": "jwt", "JWT_SECRET": userSecret, "TICKET_SECRET": ticketSecret, "TICKET_TTL": "20s",
		"CALLBACK_SECRETS": callbackSecret, "COS_SECRET_ID": cosID, "COS_SECRET_KEY": cosKey,
		"HEARTBEAT_TIMEOUT": lease.String(), "TASK_TIMEOUT": taskTimeout.String(), "SWEEP_INTERVAL": sweep.String(), "DISPATCH_TIMEOUT": "3s",
		"DISPATCH_DEADLINE": "10m", "MAX_ATTEMPTS": "30", "CREATE_RATE": "100000/m", "MAX_ACTIVE_TASKS": "5000",
		"STREAM_LINGER": "1s", "STREAM_MAX": "15s",
	}
}

// start starts everything and returns when all of it answers. more is names and values of variables, in turn, that all functions get.
func start(ctx context.Context, plan Plan, bin, dir string, more ...string) (_ *world, err error) {
	w := &world{
		plan: plan, dir: dir, bin: bin, ledger: newLedger(plan), units: map[string]*unit{}, ports: map[string]string{},
		fresh: map[string]int{},
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		return nil, err
	}
	w.console = console.New(w.log, false, slog.LevelInfo)
	if w.network, err = startNetwork(ctx, filepath.Join(bin, "toxiproxy"), w.console); err != nil {
		return nil, err
	}
	for _, name := range slices.Concat(functions(), []string{"redis", "cosd", "gateway-1", "gateway-2", "cos", "callbacks"}, fakes(), reals()) {
		if w.ports[name], err = w.network.reserve(); err != nil {
			return nil, err
		}
	}
	for _, name := range links() {
		_, to, _ := strings.Cut(name, arrow)
		if err := w.network.link(ctx, name, w.ports[to]); err != nil {
			return nil, err
		}
	}
	if err := w.startStores(ctx); err != nil {
		return nil, err
	}
	callbackSecret := "whsec_" + base64.StdEncoding.EncodeToString([]byte(rand.Text()))
	userSecret := rand.Text() + rand.Text()
	common := w.environment(callbackSecret, rand.Text()+rand.Text(), userSecret)
	for i := 0; i < len(more); i += 2 {
		common[more[i]] = more[i+1]
	}
	if err := w.startFunctions(common); err != nil {
		return nil, err
	}
	if err := w.startWorkers(callbackSecret); err != nil {
		return nil, err
	}
	w.people = newPeople([]string{w.network.url("users" + arrow + "gateway-1"), w.network.url("users" + arrow + "gateway-2")}, userSecret, plan.Seed, w.ledger)
	for name, u := range w.units {
		if err := u.wait(ctx); err != nil {
			return nil, fmt.Errorf("%s (its log: %s)", err, w.log.Name()) //nolint:errorlint // what it wraps is of no use
		}
		if slices.Contains(functions(), name) {
			w.fresh[name] = u.descriptors()
		}
	}
	w.started = time.Now()
	w.startTimer()
	return w, nil
}

// startStores starts Redis and COS. Redis writes through before it answers (appendfsync always): with everysec a write that waits for a
// slow fsync is acknowledged while it is only in the process's memory, and SIGKILL would take it along.
func (w *world) startStores(ctx context.Context) error {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return errors.New("there is no redis-server on the PATH (Debian's package redis-server has it)")
	}
	data := filepath.Join(w.dir, "redis")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	clock, err := w.clock("redis")
	if err != nil {
		return err
	}
	w.redis = redis.NewClient(&redis.Options{Addr: w.ports["redis"], PoolSize: 4, MaxRetries: 5})
	_, port, _ := net.SplitHostPort(w.ports["redis"]) // it was joined
	w.units["redis"] = launch(supervise.Spec{
		Name: "redis", Path: path, Dir: data, Env: append(os.Environ(), clock...),
		Args:  []string{"--bind", "127.0.0.1", "--port", port, "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--loglevel", "warning"},
		Probe: func(ctx context.Context) error { return w.redis.Ping(ctx).Err() },
	}, w.console)

	objects := filepath.Join(w.dir, "cos")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	w.units["cosd"] = launch(supervise.Spec{
		Name: "cosd", Path: self, Env: []string{roleEnv + "=cosd", folderEnv + "=" + objects, addressEnv + "=" + w.ports["cosd"]},
		Probe: func(ctx context.Context) error { return dial(ctx, w.ports["cosd"]) },
	}, w.console)
	w.bucket = cos.NewClient(
		&cos.BaseURL{BucketURL: &url.URL{Scheme: "http", Host: w.ports["cosd"]}},
		&http.Client{Transport: &cos.AuthorizationTransport{SecretID: cosID, SecretKey: cosKey}, Timeout: 20 * time.Second},
	)
	w.storage = newStorage(w.ports["cosd"], w.plan.Seed, w.ledger)
	if err := w.serve(w.ports["cos"], w.storage); err != nil {
		return err
	}
	for _, name := range []string{"redis", "cosd"} {
		if err := w.units[name].wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// serve serves HTTP within this process.
func (w *world) serve(address string, handler http.Handler) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	w.servers = append(w.servers, s)
	go func() { _ = s.Serve(l) }() // until it is closed
	return nil
}

// programOf is the binary of a process: both relays are one.
func programOf(function string) string {
	if strings.HasPrefix(function, "relay-") {
		return "relay"
	}
	return function
}

func (w *world) startFunctions(common map[string]string) error {
	deployment, err := manifest.ReadDeployment("serverless.yml")
	if err != nil {
		return err
	}
	routes, err := manifest.ReadRoutes("infra/cloud/routes.yaml", deployment)
	if err != nil {
		return err
	}
	deployment, routes = deployment.Without("web"), routes.Without("web")
	common["PUBLIC_BASE_URL"] = w.network.url("users" + arrow + "gateway-1")
	common["CALLBACK_BASE_URL"] = w.network.url("python"+arrow+"callbacks") + "/api/reconstruction/callback"
	for _, name := range functions() {
		about, _ := deployment.Function(programOf(name))
		temporary := filepath.Join(w.dir, "tmp-"+name)
		if err := os.Mkdir(temporary, 0o700); err != nil {
			return err
		}
		host, port, _ := net.SplitHostPort(w.ports[name]) // they were joined
		env := map[string]string{
			"HOST": host, "PORT": port, "TMPDIR": temporary, "GOMEMLIMIT": fmt.Sprint(about.Memory / 10 * 9),
			"REDIS_URL": "redis://" + w.network.links[name+arrow+"redis"],
		}
		if name != "callback-status" {
			env["COS_BUCKET_URL"] = w.network.url(name + arrow + "cos")
		}
		if name == "create-task" || name == "sweeper" {
			env["WORKER_URLS"] = w.workersOf(name)
		}
		if name == "relay-2" {
			env["RELAY_LEAN"] = "1"
		}
		spec := supervise.Spec{Name: name, Path: filepath.Join(w.bin, programOf(name)), Memory: about.Memory}
		spec.Probe = func(ctx context.Context) error { return dial(ctx, w.ports[name]) }
		if name == "sweeper" {
			env["RUN_MODE"], env["_LAMBDA_SERVER_PORT"] = "event", port
			w.sweeper = timer.Function{Name: name, Address: w.network.links["timer"+arrow+"sweeper"], Memory: about.Memory, Timeout: about.Timeout}
			direct := timer.Function{Name: name, Address: w.ports[name], Timeout: time.Second}
			spec.Probe = direct.Ping
		}
		for _, e := range []map[string]string{common, env} {
			for k, v := range e {
				spec.Env = append(spec.Env, k+"="+v) // the later of equal names counts
			}
		}
		w.units[name] = launch(spec, w.console)
	}
	return w.openDoors(deployment, routes)
}

// openDoors starts the front doors. Each has a relay of its own; all else they share.
func (w *world) openDoors(deployment manifest.Deployment, routes manifest.Routes) error {
	for _, door := range []string{"1", "2"} {
		upstreams := map[string]gateway.Upstream{}
		for _, name := range webFunctions() {
			about, _ := deployment.Function(programOf(name))
			if programOf(name) != name && name != "relay-"+door {
				continue
			}
			upstreams[programOf(name)] = gateway.Upstream{
				Address: w.network.links["gateway"+arrow+name], Timeout: about.Timeout, Wait: w.units[name].wait,
			}
		}
		g, err := gateway.New(routes, upstreams, w.console.Logger("gateway-"+door))
		if err != nil {
			return err
		}
		f := &front{gateway: g, routes: routes, relay: "relay-" + door, arrival: &w.arrivals, ledger: w.ledger}
		w.doors = append(w.doors, "http://"+w.ports["gateway-"+door])
		if err := w.serve(w.ports["gateway-"+door], f); err != nil {
			return err
		}
	}
	w.post = newPost(w.ports["gateway-1"], w.plan.Seed, w.ledger, w.sender)
	return w.serve(w.ports["callbacks"], w.post)
}

// sender tells which worker calls by that address.
func (w *world) sender(host string) string {
	name, _, _ := strings.Cut(w.network.names[host], arrow)
	return name
}

// workersOf is WORKER_URLS of a function.
func (w *world) workersOf(function string) string {
	var all []string
	for _, name := range slices.Concat(fakes(), reals()) {
		if !slices.Contains(fakes(), name) && !there(workerPython) {
			continue
		}
		all = append(all, w.network.url(function+arrow+name))
	}
	return strings.Join(all, ",")
}

// workerPython is the interpreter of the real worker's own environment, which make makes.
const workerPython = "functions/worker/.venv/bin/python"

// redisNow is what Redis' clock says.
func (w *world) redisNow(ctx context.Context) (time.Time, error) { return w.redis.Time(ctx).Result() }

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// newer tells whether what was made of a source is there, and no older.
func newer(made, source string) bool {
	m, err := os.Stat(made)
	if err != nil {
		return false
	}
	s, err := os.Stat(source)
	return err == nil && !m.ModTime().Before(s.ModTime())
}

func (w *world) startWorkers(secret string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, name := range fakes() {
		folder := filepath.Join(w.dir, name)
		if err := os.Mkdir(folder, 0o700); err != nil {
			return err
		}
		w.units[name] = launch(supervise.Spec{
			Name: name, Path: self, Probe: func(ctx context.Context) error { return dial(ctx, w.ports[name]) },
			Env: []string{
				roleEnv + "=worker", addressEnv + "=" + w.ports[name], folderEnv + "=" + folder,
				viaEnv + "=" + w.network.links[name+arrow+"callbacks"], secretEnv + "=" + secret,
			},
		}, w.console)
	}
	python, err := filepath.Abs(workerPython)
	if err != nil {
		return err
	}
	if !there(python) {
		fmt.Fprintln(os.Stderr, "chaos: no real workers, for there is no "+workerPython+" (make worker)")
		return nil
	}
	for i, name := range reals() {
		folder := filepath.Join(w.dir, name)
		if err := os.Mkdir(folder, 0o700); err != nil {
			return err
		}
		// One is the worker as it is shipped, with as small a model as it makes. The other has an engine that computes nothing.
		module := []string{"worker", "tests.quick_worker"}[i%2]
		// Its pauses between two tries become ten minutes long, which no run lasts.
		program := fmt.Sprintf("import runpy, worker.outbox.sender as sender, worker.outbox.store as store; assert sender.RETRY_CAP == store.RETRY_CAP; "+
			"sender.RETRY_CAP = store.RETRY_CAP = %.1f; runpy.run_module(%q, run_name='__main__', alter_sys=True)", retryMost.Seconds(), module)
		host, port, _ := net.SplitHostPort(w.ports[name]) // they were joined
		clock, err := w.clock(name)
		if err != nil {
			return err
		}
		w.units[name] = launch(supervise.Spec{
			Name: name, Path: python, Args: []string{"-c", program}, Dir: filepath.Join("functions", "worker"),
			Env: append(clock,
				"PATH="+os.Getenv("PATH"), "HOST="+host, "PORT="+port, "DATA_DIR="+folder, "TMPDIR="+folder, secretEnv+"="+secret, "PYTHONUNBUFFERED=1",
				"PYTHONDONTWRITEBYTECODE=1", "FACES=1000", "QUEUE_MAX=3", "HEARTBEAT_SECONDS=0.7", "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1",
			),
			Probe: func(ctx context.Context) error { return healthy(ctx, w.ports[name]) },
		}, w.console)
	}
	return nil
}

// health is what a worker says of itself.
type health struct {
	Queue  struct{ Running, Queued, Delivering int }
	Outbox struct{ Pending, Dead int }
}

func healthOf(ctx context.Context, address string) (h health, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/health", nil)
	if err != nil {
		return h, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return h, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close() // it was read
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New("GET /health: " + res.Status)
	}
	if err == nil {
		err = json.Unmarshal(body, &h)
	}
	return h, err
}

func healthy(ctx context.Context, address string) error {
	_, err := healthOf(ctx, address)
	return err
}

// startTimer calls the sweeper as the platform's timer does: at every tick, whatever became of the one before.
func (w *world) startTimer() {
	ctx, cancel := context.WithCancel(context.Background())
	w.timerEnd = cancel
	go func() {
		tick := time.NewTicker(sweep)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			runs := 1
			if f := w.timing.Load(); f != nil {
				runs = f.Amount
			}
			w.callSweeper(ctx, runs)
		}
	}()
}

// sweepEvent is what the timer sends.
const sweepEvent = `{"Type":"Timer","TriggerName":"sweep","Time":"2026-01-01T00:00:00Z","Message":""}`

// stopTimer ends the calls of the sweeper with one more, which is waited for.
func (w *world) stopTimer(ctx context.Context) error {
	w.timerEnd()
	_, err := w.sweeper.Invoke(ctx, []byte(sweepEvent))
	return err
}

// callSweeper has so many runs of the sweeper begin at once.
func (w *world) callSweeper(ctx context.Context, runs int) {
	for range runs {
		w.arrivals.tell("sweeper")
		go func() {
			if _, err := w.sweeper.Invoke(ctx, []byte(sweepEvent)); err == nil {
				w.ledger.works("sweeper")
			}
		}()
	}
}

// close ends everything; the network and the stores last.
func (w *world) close() {
	patience, cancel := context.WithTimeout(context.Background(), gone)
	defer cancel()
	if w.timerEnd != nil {
		w.timerEnd()
	}
	for _, order := range [][]string{slices.Concat(fakes(), reals()), functions(), {"redis", "cosd"}} {
		done := make(chan struct{}, len(order))
		for _, name := range order {
			go func() {
				if u := w.units[name]; u != nil {
					u.stop(patience)
				}
				done <- struct{}{}
			}()
		}
		for range order {
			<-done
		}
	}
	for _, s := range w.servers {
		_ = s.Close() // nobody is left who would wait
	}
	if w.network != nil {
		w.network.close(patience)
	}
	if w.redis != nil {
		_ = w.redis.Close() // nothing is under way
	}
	if w.log != nil {
		_ = w.log.Close() // it is only read by people
	}
}
