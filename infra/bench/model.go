package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-redis/redis/v8"
	"github.com/google/uuid"

	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// model is a finished task as the store's own scripts left it in Redis: what stored tasks are made after, a million of them in seconds.
type model struct {
	id, user string
	hash     map[string]string
	results  map[string]string
	events   []redis.XMessage
	copies   *redis.Script
}

// newModel takes a task through its life and reads what is left of it.
func newModel(ctx context.Context, rdb *redis.Client, store *taskstore.Store, l *life) (*model, error) {
	for _, c := range changes() {
		for time := range c.times {
			if err := c.do(ctx, store, l, time); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	m := &model{id: l.reserved.ID, user: l.user}
	if err := m.read(ctx, rdb, m.id); err != nil {
		return nil, err
	}
	m.copies = redis.NewScript(m.script())
	return m, nil
}

// read reads a task's keys.
func (m *model) read(ctx context.Context, rdb *redis.Client, id string) (err error) {
	if m.hash, err = rdb.HGetAll(ctx, taskstore.TaskKey(id)).Result(); err != nil {
		return err
	}
	if m.results, err = rdb.HGetAll(ctx, taskstore.TaskKey(id)+":results").Result(); err != nil {
		return err
	}
	m.events, err = rdb.XRange(ctx, taskstore.EventsKey(id), "-", "+").Result()
	return err
}

// script makes copies: it is given when they finished, when they are due, and their ids, all of the model's user.
func (m *model) script() string {
	var s strings.Builder
	literal := func(v string) string {
		quoted := make([]string, 0, 3)
		for part := range strings.SplitSeq(v, m.id) {
			var escaped strings.Builder
			for _, c := range []byte(part) {
				fmt.Fprintf(&escaped, "\\%03d", c)
			}
			quoted = append(quoted, "'"+escaped.String()+"'")
		}
		return strings.Join(quoted, "..id..")
	}
	hash := func(key string, fields map[string]string) {
		fmt.Fprintf(&s, "redis.call('HSET',%s", key)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			value := literal(fields[name])
			if name == "finishedAt" {
				value = "ARGV[1]"
			}
			fmt.Fprintf(&s, ",%s,%s", literal(name), value)
		}
		s.WriteString(")\n")
	}
	s.WriteString("for i=3,#ARGV do\nlocal id=ARGV[i]\nlocal key=" + literal(taskstore.TaskKey(m.id)) + "\n")
	hash("key", m.hash)
	hash("key..':results'", m.results)
	for _, e := range m.events {
		fmt.Fprintf(&s, "redis.call('XADD',key..':events','%s'", e.ID)
		for _, name := range slices.Sorted(maps.Keys(e.Values)) {
			fmt.Fprintf(&s, ",'%s',%s", name, literal(fmt.Sprint(e.Values[name])))
		}
		s.WriteString(")\n")
	}
	s.WriteString("redis.call('RESTORE',key..':events',0,redis.call('DUMP',key..':events'),'REPLACE')\n") // as verdict.lua leaves it
	fmt.Fprintf(&s, "redis.call('ZADD','%skept',ARGV[2],id)\n", tagOf(m.user))
	fmt.Fprintf(&s, "redis.call('ZADD','%s:tasks',0,id)\nend\nreturn 'ok'", m.hash["userKey"])
	return s.String()
}

func tagOf(user string) string { return "recon:{" + string(task.PartitionOf(user)) + "}:" }

// idAt makes an id as one of that time (Unix ms) is: what comes first in its user's list is what is deleted first.
func idAt(user string, at int64) string {
	id := uuid.MustParse(task.NewID(user))
	for i := range 6 { // RFC 9562, section 5.7
		id[i] = byte(at >> (8 * (5 - i)))
	}
	return id.String()
}

// copy stores that many more tasks like the model, finished and due at those times (ms), and tells the id of the last.
func (m *model) copy(ctx context.Context, rdb *redis.Client, count int, finished, due int64) (last string, err error) {
	const batch = 200
	for made := 0; made < count; made += batch {
		args := []any{finished, due}
		for range min(batch, count-made) {
			last = idAt(m.user, finished)
			args = append(args, last)
		}
		if err := m.copies.Run(ctx, rdb, nil, args...).Err(); err != nil {
			return "", err
		}
	}
	return last, nil
}

// check compares a copy with the model: what is stored, how Redis encodes it, and that the store's indexes have it.
func (m *model) check(ctx context.Context, rdb *redis.Client, store *taskstore.Store) error {
	finished, err := strconv.ParseInt(m.hash["finishedAt"], 10, 64)
	if err != nil {
		return err
	}
	due, err := rdb.ZScore(ctx, tagOf(m.user)+"kept", m.id).Result()
	if err != nil {
		return fmt.Errorf("when the model is due: %w", err)
	}
	id, err := m.copy(ctx, rdb, 1, finished, int64(due))
	if err != nil {
		return err
	}
	tasks, _, err := store.List(ctx, m.user, "", 100)
	if err != nil || !slices.ContainsFunc(tasks, func(t task.Task) bool { return t.ID == id }) {
		return errors.Join(errors.New("a copy is not in its user's list"), err)
	}
	if at, err := rdb.ZScore(ctx, tagOf(m.user)+"kept", id).Result(); err != nil || at != due {
		return errors.Join(fmt.Errorf("a copy is due at %f, the model at %f", at, due), err)
	}
	var copied model
	if err := copied.read(ctx, rdb, id); err != nil {
		return err
	}
	if is, want := fmt.Sprint(copied.hash, copied.results, copied.events), fmt.Sprint(m.hash, m.results, m.events); strings.ReplaceAll(is, id, m.id) != want {
		return fmt.Errorf("a copy is %s, the model %s", is, want)
	}
	for _, suffix := range []string{"", ":results", ":events"} {
		is, err := rdb.ObjectEncoding(ctx, taskstore.TaskKey(id)+suffix).Result()
		want, err2 := rdb.ObjectEncoding(ctx, taskstore.TaskKey(m.id)+suffix).Result()
		if err := errors.Join(err, err2); err != nil || is != want {
			return errors.Join(fmt.Errorf("a copy's %s is encoded as %s, the model's as %s", suffix, is, want), err)
		}
		size, err := rdb.MemoryUsage(ctx, taskstore.TaskKey(id)+suffix).Result()
		wanted, err2 := rdb.MemoryUsage(ctx, taskstore.TaskKey(m.id)+suffix).Result()
		if err := errors.Join(err, err2); err != nil || math.Abs(float64(size-wanted)) > 0.05*float64(wanted) {
			return errors.Join(fmt.Errorf("a copy's %s takes %d bytes, the model's %d", suffix, size, wanted), err)
		}
	}
	return nil
}
