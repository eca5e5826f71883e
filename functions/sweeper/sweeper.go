package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/dispatch"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/telemetry"
)

// sweeper does what is due, once. Runs may overlap: each change is guarded in the store, each hand-over is claimed there.
type sweeper struct {
	store      *taskstore.Store
	objects    *cosstore.Store
	dispatcher *dispatch.Dispatcher
	gap        time.Duration // between runs, from which on it was an outage
	budget     time.Duration
	told       atomic.Int64 // when (unix, s) a run was last logged
}

const (
	// budget is after how long a run begins nothing new, so that what it has begun ends before the function's time-out (60 s): a
	// hand-over takes at most DISPATCH_TIMEOUT and what recording it takes.
	budget = 40 * time.Second
	// perPartition bounds what one run takes on, of each of the 256 partitions. The rest stays due.
	perPartition = 50
	// looks is how many due tasks are judged in one pipeline: as many as hold up nobody else's changes for long.
	looks = 100
	// stops is how many workers are told to stop at a time.
	stops = 16
	// silence is for how long runs that found nothing to do are not logged, but for debugging: a longer one means that none ran.
	silence = time.Minute
)

// run does what is due. One failure does not stop the rest; all are told together.
func (s *sweeper) run(ctx context.Context) (err error) {
	start := time.Now()
	ctx, record := telemetry.Begin(ctx)
	ctx, span := telemetry.Start(ctx, telemetry.Internal, "sweep")
	defer func() {
		span.Note(record.Attrs()...)
		if err != nil {
			span.Fail("failed")
		}
		span.End()
	}()
	now, err := s.store.BeginRun(ctx, s.gap)
	if err != nil {
		return fmt.Errorf("begin the run: %w", err)
	}
	backlog, err := s.store.Backlog(ctx, now.Now)
	if err != nil {
		return fmt.Errorf("ask for the backlog: %w", err)
	}
	due, err := s.store.Due(ctx, now.Now, perPartition)
	if err != nil {
		return fmt.Errorf("list what is due: %w", err)
	}

	pending, lookErr := s.look(ctx, due, now)
	accepted, dispatchErr := s.dispatch(ctx, pending, now, start.Add(s.budget))
	trashErr := s.emptyTrash(ctx, now)
	// The end of a long run is no gap.
	_, endErr := s.store.BeginRun(ctx, s.gap)

	oldest := time.Duration(0)
	if len(pending) > 0 {
		oldest = now.Now.Sub(task.MadeAt(pending[0]))
	}
	telemetry.Note(ctx,
		slog.Int("living", backlog.Living), slog.Int64("lateMs", backlog.Late.Milliseconds()), slog.Int("due", len(due)),
		slog.Int("pending", len(pending)), slog.Int("accepted", accepted), slog.Int64("oldestMs", oldest.Milliseconds()),
	)
	s.tell(ctx, len(due) > 0, append(record.Attrs(), slog.Float64("ms", telemetry.Millis(time.Since(start)))))
	return errors.Join(lookErr, dispatchErr, trashErr, endErr)
}

// tell logs what a run was.
func (s *sweeper) tell(ctx context.Context, busy bool, attrs []slog.Attr) {
	level, now := slog.LevelDebug, time.Now().Unix()
	if busy || now-s.told.Load() >= int64(silence.Seconds()) {
		level = slog.LevelInfo
		s.told.Store(now)
	}
	slog.LogAttrs(ctx, level, "swept", attrs...)
}

// look has every due task judged, tells workers whose time is over to stop, and lists the tasks that are to be handed over,
// oldest first.
func (s *sweeper) look(ctx context.Context, due []string, run taskstore.Run) (pending []string, err error) {
	var failed []error
	var stopping errgroup.Group
	stopping.SetLimit(stops)
	for ids := range slices.Chunk(due, looks) {
		found, errs := s.store.LookAll(ctx, ids, run)
		for i, f := range found {
			if errs[i] != nil {
				failed = append(failed, fmt.Errorf("look at task %s: %w", ids[i], errs[i]))
				continue
			}
			switch f.What {
			case "pending":
				pending = append(pending, ids[i])
			case "lost", "timeout", "unavailable", "expired":
				slog.InfoContext(ctx, "task swept", "taskId", ids[i], "found", f.What, "status", f.Status)
			}
			if f.Holder.URL != "" {
				stopping.Go(func() error {
					s.dispatcher.Stop(ctx, f.Holder)
					return nil
				})
			}
		}
	}
	_ = stopping.Wait() // at best effort, as Stop is
	return pending, errors.Join(failed...)
}

// dispatch hands over what is pending, oldest first and one after the other, so that a worker's next free place goes to who
// waits longest. It ends at the first answer that all are busy. It tells how many were accepted.
func (s *sweeper) dispatch(ctx context.Context, pending []string, run taskstore.Run, until time.Time) (accepted int, err error) {
	if len(pending) == 0 {
		return 0, nil
	}
	busy, err := s.store.BusyUntil(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask whether the workers are busy: %w", err)
	}
	if run.Now.Before(busy) {
		return 0, nil
	}
	var failed []error
	for _, id := range pending {
		if time.Now().After(until) {
			slog.WarnContext(ctx, "time is up; the rest is for the next run", "taskId", id)
			break
		}
		claim, err := s.store.Claim(ctx, id, s.dispatcher.Timeout()+dispatch.ClaimSlack)
		if err != nil {
			failed = append(failed, fmt.Errorf("claim task %s: %w", id, err))
			continue
		}
		if claim == nil {
			if !busy.IsZero() {
				break // an overlapping run asks for this older task: a busy worker's next free place is not a younger one's
			}
			continue
		}
		o, _, err := s.dispatcher.Send(ctx, claim, s.dispatcher.Timeout(), run.Resumed)
		if err != nil {
			failed = append(failed, err)
		}
		if o.Fate == taskstore.Accepted {
			accepted++
		}
		if o.Fate == taskstore.Busy {
			break
		}
	}
	return accepted, errors.Join(failed...)
}

// trashPerPartition bounds how many objects one run deletes, of each partition.
const trashPerPartition = 100

// emptyTrash deletes the objects whose time has come.
func (s *sweeper) emptyTrash(ctx context.Context, run taskstore.Run) error {
	trash, err := s.store.RipeTrash(ctx, run.Now, trashPerPartition)
	if err != nil {
		return fmt.Errorf("list the trash: %w", err)
	}
	var keys []string
	for _, t := range trash {
		keys = append(keys, t.Keys...)
	}
	if len(keys) == 0 {
		return nil
	}
	if err := s.objects.DeleteMany(ctx, keys); err != nil {
		return fmt.Errorf("delete %d objects: %w", len(keys), err)
	}
	slog.InfoContext(ctx, "trash emptied", "objects", len(keys))
	if err := s.store.Emptied(ctx, trash, run.Now); err != nil {
		return fmt.Errorf("forget the trash: %w", err)
	}
	return nil
}
