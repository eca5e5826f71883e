// Chaos breaks the whole system on purpose, by a plan that is drawn from a seed, and then judges whether anything was lost, came twice,
// or was left behind. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/recon3d/recon3d/infra/local/cosd"
)

func main() {
	// This program is also the fake workers and the COS endpoint of the system that it breaks.
	switch role := os.Getenv(roleEnv); role {
	case "":
		os.Exit(run(os.Args[1:]))
	default:
		if err := serveRole(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func serveRole(role string) error {
	switch role {
	case "worker":
		return serveFakeWorker()
	case "cosd":
		log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
		bucket, err := cosd.New(os.Getenv(folderEnv), cosd.Options{SecretID: cosID, SecretKey: cosKey, Logger: log})
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", os.Getenv(addressEnv))
		if err != nil {
			return err
		}
		return (&http.Server{Handler: bucket, ReadHeaderTimeout: 10 * time.Second}).Serve(l)
	}
	return fmt.Errorf("%s=%s is unknown", roleEnv, role)
}

const usage = `Usage: go run ./infra/e2e/chaos [flags]        (make chaos SEED=7 TASKS=100)

Starts the whole system, lets people use it while things go wrong, waits until it has come to rest, and judges what is left. Exit
code 1 where an invariant is violated. Progress goes to standard error, the report (Markdown) to standard output. It is run at the
root of the repository, after make build redis worker.

Flags:
`

func run(args []string) (exitCode int) {
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	seed := flags.Uint64("seed", 0, "draw the plan from this `number`; 0: any")
	tasks := flags.Int("tasks", 100, "create `N` tasks")
	bin := flags.String("bin", ".build/bin", "`folder` of the functions' binaries")
	output := flags.String("json", "", "write the report to this `file` too, as JSON")
	soak := flags.Duration("soak", 0, "a steady stream of tasks for so `long`, few faults, and whether anything grows")
	calm := flags.Bool("calm", false, "no faults: what the system does by itself")
	from := flags.String("plan", "", "run the plan in this `file` instead of drawing one (testdata has those that failed once)")
	write := flags.String("draw", "", "write the plan to this `file`, as JSON, and run nothing")
	keep := flags.Bool("keep", false, "keep the run's folder, with its log, also where all is well")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if *tasks < 1 || flags.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "chaos: -tasks takes a positive number, and there are no other arguments")
		return 2
	}
	if *seed == 0 {
		*seed = 1 + rand.Uint64N(1e6)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once; the kernel takes its children along
	plan := draw(*seed, *tasks)
	if *soak > 0 {
		plan = soakPlan(*seed, *soak)
	}
	if *from != "" {
		var err error
		if plan, err = readPlan(*from); err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
			return 2
		}
	}
	if *calm {
		plan.Faults = nil
	}
	if *write != "" {
		if err := writeJSON(*write, plan); err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
			return 1
		}
		return 0
	}
	r, err := rage(ctx, plan, *bin, *keep, *soak > 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	fmt.Print(r.markdown())
	if *output != "" {
		if err := writeJSON(*output, r); err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
			return 1
		}
	}
	if r.violated() {
		return 1
	}
	return 0
}

// outcome is what comes of a run: a *Report or a *SoakReport.
type outcome interface {
	markdown() string
	violated() bool
}

// rage runs a plan and reports.
func rage(ctx context.Context, plan Plan, bin string, keep, soak bool) (r outcome, err error) {
	say := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
	}
	say("chaos: seed %d, %d tasks, %d faults", plan.Seed, len(plan.Tasks), len(plan.Faults))
	for _, f := range plan.Faults {
		fmt.Fprintln(os.Stderr, "  ", f)
	}
	if len(plan.Clocks) > 0 {
		fmt.Fprintf(os.Stderr, "   all the time: clocks that are wrong, in seconds: %v\n", plan.Clocks)
	}
	if bin, err = filepath.Abs(bin); err != nil {
		return nil, err
	}
	if err := findPrograms(ctx, bin, say); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "recon3d-chaos-")
	if err != nil {
		return nil, err
	}
	var more []string
	if soak {
		more = []string{"RETENTION", soakRetention.String()}
	}
	w, err := start(ctx, plan, bin, dir, more...)
	if err != nil {
		return nil, err
	}
	defer w.close()
	say("the system is up: %d processes, %d links; its log: %s", len(w.units)+1, len(w.network.links), w.log.Name())

	if soak {
		r, err = w.soak(ctx, say)
	} else {
		r, err = w.run(ctx, say)
	}
	if err != nil {
		return nil, err
	}
	if !r.violated() && !keep {
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// findPrograms sees to it that there are the functions, toxiproxy, which has a module of its own, for its dependencies are none of the
// product's, and the wrong clock, where there is a C compiler.
func findPrograms(ctx context.Context, bin string, say func(string, ...any)) error {
	for _, f := range functions() {
		if _, err := os.Stat(filepath.Join(bin, programOf(f))); err != nil {
			return fmt.Errorf("the functions are not built (%w): run make build", err)
		}
	}
	source := filepath.Join("infra", "e2e", "chaos", "clock", "clock.c")
	if library := filepath.Join(bin, "clock.so"); !newer(library, source) {
		//nolint:gosec // library is of this command's own argument
		if said, err := exec.CommandContext(ctx, "cc", "-O2", "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
			say("the clocks of Redis and real workers are right, for the wrong one can't be compiled: %v %s", err, said)
		}
	}
	program := filepath.Join(bin, "toxiproxy")
	if there(program) {
		return nil
	}
	say("building toxiproxy")
	//nolint:gosec // program is this command's own argument
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/Shopify/toxiproxy/v2/cmd/server")
	build.Dir, build.Stderr = filepath.Join("infra", "e2e", "chaos", "toxiproxy"), os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build toxiproxy: %w", err)
	}
	return nil
}

// run lets people and faults loose, waits for rest, and judges.
func (w *world) run(ctx context.Context, say func(string, ...any)) (*Report, error) {
	lives, end := context.WithCancel(ctx)
	defer end()
	var people sync.WaitGroup
	for _, s := range w.ledger.stories {
		people.Go(func() {
			if rested(lives, time.Until(w.started.Add(s.Plan.At))) {
				w.people.live(lives, s)
			}
		})
	}
	progress, stop := context.WithCancel(ctx)
	go func() {
		for rested(progress, 5*time.Second) {
			ended, accepted := w.ledger.ended()
			say("%3.0fs: %d tasks created, %d ended", time.Since(w.started).Seconds(), accepted, ended)
		}
	}()
	injected := w.harmAll(ctx)
	rested(ctx, time.Until(w.started.Add(w.plan.Length)))
	healed := time.Now()
	stop()
	if ctx.Err() != nil {
		return nil, errors.New("stopped before the end")
	}
	say("%3.0fs: all is healed", time.Since(w.started).Seconds())
	unended := w.rest(ctx, &people, func(line string) { say("%s", line) })
	rest := time.Now()
	end()
	if ctx.Err() != nil {
		return nil, errors.New("stopped before the end")
	}
	e, err := w.collect(ctx)
	if err != nil {
		return nil, err
	}
	if !w.untidy {
		if err := w.tidy(ctx, e); err != nil {
			return nil, err
		}
	}
	if err := w.hangUp(ctx, e); err != nil {
		return nil, err
	}
	e.Unended = unended
	say("%3.0fs: judging", time.Since(w.started).Seconds())
	return w.report(e, injected, healed, rest), nil
}

// hangUp cuts every link and counts what the functions keep all the same.
func (w *world) hangUp(ctx context.Context, e *Evidence) (err error) {
	for name := range w.network.links {
		if err := w.network.enable(ctx, name, false); err != nil {
			return err
		}
	}
	// What is being closed takes a moment, longer on a busy machine: until nothing has changed for a while.
	for until, same := time.Now().Add(10*time.Second), 0; same < 5 && time.Now().Before(until); same++ {
		if !rested(ctx, 200*time.Millisecond) {
			return ctx.Err()
		}
		for _, name := range functions() {
			now := [2]int{w.fresh[name], w.units[name].descriptors()}
			if e.Open[name] != now {
				same = 0
			}
			e.Open[name] = now
		}
	}
	e.Routines, err = w.countGoroutines(ctx)
	return err
}
