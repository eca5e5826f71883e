package main

import (
	"context"
	"fmt"
	"log"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/infra/local/timer"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

const (
	// everybody is who owns all tasks where users are not told apart; here, half of them.
	everybody = "local"
	// dueTasks is how many tasks a measured sweep finds due.
	dueTasks = 1000
	// pageSize is how many tasks a measured page lists.
	pageSize = 20
)

// storedPolicy ends a lease at once, so that tasks whose worker fell silent can be made.
var storedPolicy = func() taskstore.Policy {
	p := storePolicy
	p.HeartbeatTimeout = time.Millisecond
	return p
}()

// warehouse is a Redis in which finished tasks are stored, and a sweeper that looks after it.
type warehouse struct {
	rdb             *redis.Client
	redis, sweeper  *process
	tick            timer.Function
	store           *taskstore.Store
	models          []*model // one of each user
	lives           []*life
	stored          int
	memory          float64 // bytes that the stored tasks take
	swept, sweeping sample  // what each sweep took, in ms of CPU: Redis' and the sweeper's
}

// measureStored measures what a sweep and a page cost as tasks pile up, and what each takes of memory. These Redis write no file: what
// that costs does not depend on what is stored.
func measureStored(ctx context.Context, b *bench) error {
	s, err := b.system(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	var all []*warehouse
	for _, size := range []int{1_000, 100_000, 1_000_000} {
		log.Printf("  storing %d tasks", size)
		w, err := s.warehouse(ctx, size)
		if err != nil {
			return err
		}
		defer func() { _ = w.rdb.Close() }() // nothing is under way
		all = append(all, w)
	}
	rounds := max(5, b.n/5)
	for round := range rounds + 1 { // in turn; the first warms up
		for _, w := range all {
			if err := w.sweep(ctx, round > 0); err != nil {
				return err
			}
		}
	}
	for _, w := range all {
		b.table.add(figure{
			what: fmt.Sprintf("sweep of 1,000 due tasks at %d stored, Redis' CPU", w.stored), value: w.swept.median(), unit: "ms",
			beside: fmt.Sprintf("median of %d; sweeper's CPU %s", rounds, amount(w.sweeping.median(), "ms")),
		})
	}
	few, more, most := all[0], all[1], all[2]
	b.table.add(figure{
		what: "sweep of 1,000 due tasks at 1 M stored ÷ at 1 k, Redis' CPU", value: most.swept.median() / few.swept.median(), unit: "×", atMost: new(1.1),
		beside: fmt.Sprintf("medians of %d sweeps, in turn; at 100 k ÷ at 1 k %s", rounds, amount(more.swept.median()/few.swept.median(), "×")),
	})
	for _, w := range all {
		if err := w.pages(ctx, b); err != nil {
			return err
		}
	}
	b.table.add(figure{
		what: "memory of a finished task with three results, in Redis", value: most.memory / float64(most.stored) / 1024, unit: "KB",
		beside: fmt.Sprintf("%s for a million of them", amount(most.memory/(1<<30), "GB")),
	})
	return nil
}

// warehouse makes one with that many tasks. It ends with the system.
func (s *system) warehouse(ctx context.Context, size int) (_ *warehouse, err error) {
	w := &warehouse{}
	if w.redis, err = startRedis(ctx, filepath.Join(s.dir, fmt.Sprint("stored-", size)), "--appendonly", "no"); err != nil {
		return nil, err
	}
	s.processes = append(s.processes, w.redis)
	w.rdb = redis.NewClient(&redis.Options{Addr: w.redis.address, ReadTimeout: time.Minute})
	w.store = taskstore.New(w.rdb, storedPolicy)
	if err := w.open(ctx); err != nil {
		return nil, err
	}
	empty, err := w.used(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.fill(ctx, size); err != nil {
		return nil, err
	}
	full, err := w.used(ctx)
	if err != nil {
		return nil, err
	}
	w.memory = full - empty
	w.sweeper, w.tick, err = s.startSweeper(ctx, "REDIS_URL=redis://"+w.redis.address, "HEARTBEAT_TIMEOUT=1ms", "TASK_TIMEOUT=1h", "SWEEP_INTERVAL=1h")
	return w, err
}

// open makes the users and a model of each.
func (w *warehouse) open(ctx context.Context) error {
	var err error
	if w.lives, err = newLives(ctx, w.rdb, 101); err != nil {
		return err
	}
	if w.lives[100], err = newLife(ctx, w.rdb, everybody); err != nil {
		return err
	}
	for _, l := range w.lives {
		m, err := newModel(ctx, w.rdb, w.store, l)
		if err != nil {
			return err
		}
		w.models = append(w.models, m)
		w.stored++
	}
	return w.models[0].check(ctx, w.rdb, w.store)
}

// fill stores finished tasks until there are that many: half of them everybody's, the others of a hundred users alike.
func (w *warehouse) fill(ctx context.Context, size int) error {
	now := time.Now().UnixMilli()
	due := now + storedPolicy.Retention.Milliseconds()
	users := len(w.models) - 1
	more := size - w.stored
	for i, m := range w.models {
		count := more / 2 / users
		if i == users {
			count = more - count*users
		}
		if _, err := m.copy(ctx, w.rdb, count, now, due); err != nil {
			return fmt.Errorf("store %d tasks like that of %s: %w", count, m.user, err)
		}
	}
	w.stored = size
	return w.settle(ctx)
}

// settle looks things up until no table grows any more: one that does moves a bucket at each look-up (incremental rehashing), and what
// is measured would depend on when it is measured.
func (w *warehouse) settle(ctx context.Context) error {
	const look = "for i = 1, ARGV[1] do redis.call('EXISTS', '') end\nfor i = 1, ARGV[2] do for _, k in ipairs(KEYS) do redis.call('ZSCORE', k, '') end end\nreturn 1"
	total := 8 * w.stored
	for _, m := range w.models {
		keys := []string{tagOf(m.user) + "kept", m.hash["userKey"] + ":tasks"}
		members, err := w.rdb.ZCard(ctx, keys[0]).Result()
		if err != nil {
			return err
		}
		if err := w.rdb.Eval(ctx, look, keys, total, 2*members).Err(); err != nil {
			return err
		}
		total = 0
	}
	return nil
}

// used tells what Redis has allocated, in bytes.
func (w *warehouse) used(ctx context.Context) (float64, error) {
	info, err := w.rdb.Info(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(info, "used_memory:")
	used, _, _ := strings.Cut(rest, "\r\n")
	return strconv.ParseFloat(used, 64)
}

// sweep has the sweeper find due tasks, half of them with a worker that fell silent, half of them with their retention over.
func (w *warehouse) sweep(ctx context.Context, counts bool) error {
	lost, err := w.due(ctx)
	if err != nil {
		return err
	}
	before, err := cpuTime(w.sweeper.pid())
	if err != nil {
		return err
	}
	s, err := meter(w.redis.pid(), func() error { return invokeWhenUp(ctx, w.tick) })
	if err != nil {
		return err
	}
	after, err := cpuTime(w.sweeper.pid())
	if err != nil {
		return err
	}
	if counts {
		w.swept.add(milliseconds(s.server))
		w.sweeping.add(milliseconds(after - before))
	}
	// What is left of them goes, and nothing is due when the next ones are made.
	err = each(ctx, len(lost), func(ctx context.Context, i int) error {
		id := lost[i].reserved.ID
		status, err := w.rdb.HGet(ctx, taskstore.TaskKey(id), "status").Result()
		if err == nil && status != string(task.Pending) {
			err = fmt.Errorf("task %s is %s after a sweep that had to take it from its worker", id, status)
		}
		if err != nil {
			return err
		}
		_, err = w.store.Delete(ctx, lost[i].user, id)
		return err
	})
	if err != nil {
		return err
	}
	return invokeWhenUp(ctx, w.tick)
}

// due makes the tasks of a sweep, and tells those that a worker lost.
func (w *warehouse) due(ctx context.Context) ([]*life, error) {
	lost := make([]*life, dueTasks/2)
	err := each(ctx, len(lost), func(ctx context.Context, i int) error {
		l := *w.lives[i%100]
		for _, c := range changes()[:3] { // up to its worker's having it
			if err := c.do(ctx, w.store, &l, 0); err != nil {
				return err
			}
		}
		lost[i] = &l
		return nil
	})
	over := time.Now().Add(-time.Hour)
	for _, m := range w.models[:100] {
		if err == nil {
			_, err = m.copy(ctx, w.rdb, dueTasks/2/100, over.Add(-storedPolicy.Retention).UnixMilli(), over.UnixMilli())
		}
	}
	return lost, err
}

// pages lists everybody's tasks and one user's, from the newest and from the middle.
func (w *warehouse) pages(ctx context.Context, b *bench) error {
	const times = 300
	for _, user := range []string{everybody, w.models[0].user} {
		ids, err := w.rdb.ZRange(ctx, w.userTasks(user), 0, -1).Result()
		if err != nil {
			return err
		}
		var server, took [2]float64
		for i, before := range []string{"", ids[len(ids)/2]} {
			s, err := meter(w.redis.pid(), func() error {
				for range times {
					tasks, _, err := w.store.List(ctx, user, before, pageSize)
					if err != nil {
						return err
					}
					if len(tasks) == 0 {
						return fmt.Errorf("a page of %s is empty", user)
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			server[i], took[i] = microseconds(s.server)/times, microseconds(s.took)/times
		}
		b.table.add(figure{
			what: fmt.Sprintf("page of %d at %d stored, of a user with %d", pageSize, w.stored, len(ids)), value: took[0], unit: "µs",
			beside: fmt.Sprintf("mean of %d, Redis' CPU %s; from the middle %s, %s", times, amount(server[0], "µs"), amount(took[1], "µs"), amount(server[1], "µs")),
		})
	}
	return nil
}

func (w *warehouse) userTasks(user string) string {
	for _, m := range w.models {
		if m.user == user {
			return m.hash["userKey"] + ":tasks"
		}
	}
	return ""
}
