// Package dispatch hands tasks over to workers. create-task makes the first try, the sweeper all later ones; both hold a
// claim, so that of two dispatchers only one sends.
package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/telemetry"
)

// Dispatcher hands tasks over. It is safe for many goroutines.
type Dispatcher struct {
	*Stopper
	cfg     Config
	workers *workers
	store   *taskstore.Store
	objects *cosstore.Store
}

// New makes a dispatcher. cfg has been validated.
func New(cfg Config, store *taskstore.Store, objects *cosstore.Store, signer *callback.Signer) *Dispatcher {
	stopper := NewStopper(signer)
	asked := &workers{urls: cfg.Workers, client: stopper.client, heard: make([]health, len(cfg.Workers))}
	return &Dispatcher{Stopper: stopper, cfg: cfg, workers: asked, store: store, objects: objects}
}

// ClaimSlack is how much longer than the time-out a claim lasts: for recording what came of it.
const ClaimSlack = 5 * time.Second

// Timeout is how long a hand-over may take.
func (d *Dispatcher) Timeout() time.Duration { return d.cfg.Timeout }

// FirstWorker picks the worker that a new task is offered to first of those equally loaded, so that many share the load.
func (d *Dispatcher) FirstWorker() int { return rand.IntN(len(d.cfg.Workers)) }

// Send makes the hand-over that c is the claim of, within that time, and records what came of it. It asks one worker after
// the other, the least loaded first, while they clearly refuse, and stops at the first that may have the task. It tells the
// outcome and the task's status then. The error is that of recording; whatever the workers do is an outcome.
func (d *Dispatcher) Send(ctx context.Context, c *taskstore.Claim, within time.Duration, resumed time.Time) (taskstore.Outcome, task.Status, error) {
	ctx = telemetry.Resume(ctx, c.Trace)
	sending, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	start := time.Now()
	o := d.offer(sending, c)
	o.Resumed = resumed
	log := slog.With(
		"taskId", c.TaskID, "attempt", c.Attempt, "fate", o.Fate, "worker", o.Worker, "tries", c.Tries,
		"ms", telemetry.Millis(time.Since(start)), "ageMs", time.Since(task.MadeAt(c.TaskID)).Milliseconds(),
	)

	status, held, err := d.store.Record(ctx, c, o)
	switch {
	case err != nil:
		return o, "", fmt.Errorf("record hand-over %d of task %s as %s: %w", c.Attempt, c.TaskID, o.Fate, err)
	case held:
		log.Info("task handed over", "status", status, "pauseMs", o.Pause.Milliseconds())
	default:
		log.Info("hand-over came too late", "status", status)
		if o.Fate == taskstore.Accepted && (status == "" || status.Final()) {
			d.Stop(ctx, taskstore.Holder{TaskID: c.TaskID, URL: o.Worker, Attempt: c.Attempt})
		}
	}
	if o.Fate == taskstore.Busy {
		if err := d.store.MarkBusy(ctx, o.Pause, 2*d.cfg.SweepInterval); err != nil {
			log.Warn("can't mark the workers busy", "error", err)
		}
	}
	return o, status, nil
}

// offer asks the workers.
func (d *Dispatcher) offer(ctx context.Context, c *taskstore.Claim) taskstore.Outcome {
	n := len(d.cfg.Workers)
	all := taskstore.Outcome{Fate: taskstore.Refused, Next: (c.Worker + 1) % n, Pause: backoff(c.Tries)}
	var order []int
	var ordering sync.WaitGroup
	ordering.Go(func() { order = d.order(ctx, c) }) // while the picture is read
	msg, err := d.message(ctx, c)
	ordering.Wait()
	if err != nil {
		// Nothing was sent, and the workers are not to blame: the task waits as it does for busy ones.
		slog.Error("can't read the task's picture", "taskId", c.TaskID, "error", err)
		all.Fate = taskstore.Waiting
		return all
	}
	for _, index := range order {
		url := d.cfg.Workers[index]
		a := d.post(ctx, url, msg)
		d.workers.met(index, a.fate)
		if a.err != nil || a.fate != taskstore.Accepted {
			slog.Warn("worker did not take the task", "taskId", c.TaskID, "attempt", c.Attempt, "worker", url, "fate", a.fate, "status", a.status, "error", a.err)
		}
		switch a.fate {
		case taskstore.Refused:
		case taskstore.Busy:
			pause := min(a.retryAfter, 2*d.cfg.SweepInterval)
			if all.Fate != taskstore.Busy || pause < all.Pause {
				all.Pause = pause
			}
			all.Fate = taskstore.Busy
		default:
			return taskstore.Outcome{
				Fate: a.fate, Worker: url, Next: (index + 1) % n, Beats: a.beats, Message: a.message, Pause: backoff(c.Tries),
			}
		}
	}
	return all
}

// order lists the workers in the order in which they are to be asked. A later attempt follows an unknown fate or a lost lease: the
// worker that may have had it before is asked last, whatever it says of itself.
func (d *Dispatcher) order(ctx context.Context, c *taskstore.Claim) []int {
	n := len(d.cfg.Workers)
	order := d.workers.order(ctx, c.Worker%n)
	if before := (c.Worker%n + n - 1) % n; c.Attempt > 1 {
		i := slices.Index(order, before)
		order = append(slices.Delete(order, i, i+1), before)
	}
	return order
}

// Pauses between tries while no worker answers.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
)

// backoff is exponential with jitter: a random time in the upper half of firstPause × 2ⁿ, at most longestPause.
func backoff(tries int) time.Duration {
	d := longestPause
	if n := max(tries-1, 0); n < 6 {
		d = min(firstPause<<n, longestPause)
	}
	return d/2 + rand.N(d/2)
}
