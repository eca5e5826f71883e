package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// hub keeps the topics that clients of this process watch up to date. The stream in Redis is the truth, the bell only says
// when to look: a topic is read when its subscription is confirmed, when a number is missing, and at every heartbeat.
type hub struct {
	store     *taskstore.Store
	bell      *bell
	heartbeat time.Duration
	readTime  time.Duration // bounds one reading

	mu      sync.Mutex
	topics  map[string]*topic // by channel
	clients map[*topic]int    // how many watch each
	stale   map[*topic]bool   // to be read
	wake    chan struct{}     // stale has grown; holds one

	cancel  context.CancelFunc
	running sync.WaitGroup
}

func startHub(rdb redis.UniversalClient, store *taskstore.Store, p pace) *hub {
	ctx, cancel := context.WithCancel(context.Background())
	h := &hub{
		store: store, heartbeat: p.heartbeat, readTime: p.read, cancel: cancel,
		topics: map[string]*topic{}, clients: map[*topic]int{}, stale: map[*topic]bool{}, wake: make(chan struct{}, 1),
	}
	h.bell = newBell(rdb, p, h.rung, h.confirmed)
	h.running.Go(func() { h.bell.run(ctx) })
	h.running.Go(func() { h.tend(ctx) })
	return h
}

// stop ends all that the hub runs, and waits for it.
func (h *hub) stop() {
	h.cancel()
	h.running.Wait()
}

// join tells the topic of a task, for a client that leaves it later. The client has just read the task's log, or was not
// able to (nil).
func (h *hub) join(taskID string, read *taskstore.Log) *topic {
	channel := taskstore.Channel(taskID)
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[channel]
	if t == nil || t.isGone() {
		t = newTopic(taskID)
		h.topics[channel] = t
		if already := h.bell.want(channel); already {
			h.markStale(t) // nothing will be confirmed, and what rang since the reading was for nobody
		}
	}
	if read != nil {
		t.merge(taskstore.Ask{TaskID: taskID}, *read)
	} else {
		h.markStale(t)
	}
	h.clients[t]++
	return t
}

func (h *hub) leave(t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients[t]--; h.clients[t] > 0 {
		return
	}
	delete(h.clients, t)
	delete(h.stale, t)
	if channel := taskstore.Channel(t.taskID); h.topics[channel] == t {
		delete(h.topics, channel)
		h.bell.unwant(channel)
	}
}

// markStale has t read soon. The caller holds the lock.
func (h *hub) markStale(t *topic) {
	h.stale[t] = true
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *hub) confirmed(channel string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[channel]; t != nil {
		h.markStale(t)
	}
}

func (h *hub) rung(channel, payload string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[channel]
	if t == nil {
		return
	}
	switch e, gone, err := taskstore.ParseBell(t.taskID, payload); {
	case err != nil:
		slog.Error("bell not understood", "taskId", t.taskID, "error", err)
		h.markStale(t)
	case gone:
		t.end()
	case t.ring(e):
		h.markStale(t)
	}
}

// tend reads what is stale, and beats the heart of all streams.
func (h *hub) tend(ctx context.Context) {
	heart := time.NewTicker(h.heartbeat)
	defer heart.Stop()
	var pause backoff
	var retry <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-heart.C:
			h.beat()
		case <-h.wake:
			if retry != nil {
				continue // Redis is away: not before the pause is over
			}
		case <-retry:
		}
		retry = nil
		if err := h.read(ctx); err != nil && ctx.Err() == nil {
			slog.Warn("events not read", "error", err)
			retry = time.After(pause.next())
			continue
		}
		pause.reset()
	}
}

func (h *hub) beat() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.topics {
		t.beat()
		h.stale[t] = true
	}
}

// read brings all stale topics up to date, in one pipeline. What could not be read stays stale.
func (h *hub) read(ctx context.Context) error {
	h.mu.Lock()
	topics := slices.Collect(maps.Keys(h.stale))
	clear(h.stale) // whatever rings from here on marks again
	h.mu.Unlock()
	if len(topics) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, h.readTime)
	defer cancel()
	return h.update(ctx, topics)
}

// update reads topics and merges what it read. A log that can't be understood ends its own streams and no others.
func (h *hub) update(ctx context.Context, topics []*topic) error {
	asks := make([]taskstore.Ask, len(topics))
	for i, t := range topics {
		asks[i] = t.ask()
	}
	logs, err := h.store.ReadLogs(ctx, asks)
	if away := fault.Is(err, fault.Unavailable) || ctx.Err() != nil; err != nil && !away {
		if len(topics) == 1 {
			slog.Error("log not understood", "taskId", topics[0].taskID, "error", err)
			topics[0].end()
			return nil
		}
		half := len(topics) / 2
		return errors.Join(h.update(ctx, topics[:half]), h.update(ctx, topics[half:]))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, t := range topics {
		switch {
		case h.clients[t] == 0: // all have left meanwhile
		case err != nil, t.merge(asks[i], logs[i]):
			h.markStale(t)
		}
	}
	return err
}
