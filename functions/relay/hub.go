package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// hub keeps the topics that clients of this process watch up to date. The stream in Redis is the truth, the bell only says
// when to look: a topic is read when its subscription is confirmed, when a number is missing, and at every heartbeat.
//
// Locks are taken in this order: a lean connection's, the hub's, a topic's.
type hub struct {
	logs   func(context.Context, []taskstore.Ask) ([]taskstore.Log, error)
	sign   signer
	bell   *bell
	pace   pace
	count  *counters
	roused func() // sends what woken clients are to be sent, where they don't do so themselves; called with no lock held
	begun  time.Time

	stopping context.Context //nolint:containedctx // done when the process is told to stop

	mu     sync.Mutex
	topics map[string]*topic // by channel
	stale  []*topic          // to be read
	wheel  *wheel
	thrift thrift
	wake   chan struct{} // stale has grown; holds one
	away   atomic.Bool   // Redis was, at the last reading

	cancel  context.CancelFunc
	running sync.WaitGroup
}

const (
	// A pipeline takes what has become stale while others were out. Two keep Redis busy while the answers of one are parsed.
	pipelines    = 2
	pipelineSize = 256 // topics

	// quiet is for how long nobody has come when a crowd is over.
	quiet = 2 * time.Second
)

func startHub(stopping context.Context, rdb redis.UniversalClient, logs func(context.Context, []taskstore.Ask) ([]taskstore.Log, error), sign signer, p pace, count *counters, roused func()) *hub {
	ctx, cancel := context.WithCancel(context.Background())
	h := &hub{
		logs: logs, sign: sign, pace: p, count: count, roused: roused, begun: time.Now(), stopping: stopping, cancel: cancel,
		topics: map[string]*topic{}, wake: make(chan struct{}, 1),
	}
	h.wheel = newWheel(p.heartbeat, h.begun)
	h.bell = newBell(rdb, p, count, h.rung, h.confirmed)
	h.running.Go(func() { h.bell.run(ctx) })
	h.running.Go(func() { h.tend(ctx) })
	return h
}

// stop ends all that the hub runs, and waits for it.
func (h *hub) stop() {
	h.cancel()
	h.running.Wait()
}

// join tells the topic of a task and where in it a client begins that has the events up to number after, and that leaves it later.
func (h *hub) join(taskID string, after int64) (*topic, cursor) {
	channel := taskstore.Channel(taskID)
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[channel]
	if t != nil && t.isGone() {
		h.drop(t)
		t = nil
	}
	known := t != nil
	if !known {
		t = newTopic(taskID)
		t.hub = h
		h.topics[t.channel] = t
		h.wheel.put(t, spread(h.pace.heartbeat))
	}
	t.clients++
	h.thrift.came()
	c, enough := t.cursor(after)
	switch {
	case enough:
		h.count.joinsMemory.Add(1)
		return t, c
	case known:
		h.markStale(t)
	default:
		// It is read once the subscription is confirmed, unless nothing will be, or not soon.
		if already, up := h.bell.want(t.channel); already || !up {
			h.markStale(t)
		}
	}
	h.count.joinsRead.Add(1)
	return t, c
}

// leave is the end of a join. The topic stays for a while, for whoever reloads a page or lost a connection.
func (h *hub) leave(t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.clients--; t.clients > 0 {
		return
	}
	t.left = time.Since(h.begun)
	switch {
	case h.topics[t.channel] != t: // gone, and another is in its place
	case h.pace.linger == 0 || t.isGone():
		h.drop(t)
	default:
		h.wheel.put(t, h.pace.linger)
	}
}

// drop forgets a topic. The caller holds the lock.
func (h *hub) drop(t *topic) {
	h.wheel.remove(t)
	delete(h.topics, t.channel)
	h.bell.unwant(t.channel)
}

// place implements timed.
func (t *topic) place() *spot { return &t.spot }

// tick implements timed: a topic is read at each heartbeat, and forgotten a while after its last client has left.
func (t *topic) tick(now time.Time) time.Duration {
	h := t.hub
	if t.clients > 0 {
		t.cool()
		h.markStale(t)
		return h.pace.heartbeat
	}
	if rest := h.pace.linger - (now.Sub(h.begun) - t.left); rest > 0 {
		return rest
	}
	h.drop(t)
	return 0
}

// follow has a client's heart beat, and s woken whenever there is something for the client.
func (h *hub) follow(s sender, c *follower) {
	c.topic.watch(s)
	h.mu.Lock()
	c.opened = time.Since(h.begun)
	h.wheel.put(s, c.begin())
	h.mu.Unlock()
	if h.stopping.Err() != nil {
		s.signal(sigStop) // it came after the others were told
	}
}

// unfollow is the end of a follow.
func (h *hub) unfollow(s sender, c *follower) {
	c.topic.unwatch(s)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wheel.remove(s)
}

// remind has s ticked that soon.
func (h *hub) remind(s sender, in time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wheel.put(s, in)
}

// markStale has t read soon. The caller holds the lock.
func (h *hub) markStale(t *topic) {
	if !t.stale {
		t.stale = true
		h.stale = append(h.stale, t)
	}
	h.stir()
}

func (h *hub) stir() {
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
	t := h.topics[channel]
	h.mu.Unlock()
	if t == nil {
		return
	}
	e, gone, err := taskstore.ParseBell(t.taskID, payload)
	missed := false
	switch {
	case err != nil:
		slog.Error("bell not understood", "taskId", t.taskID, "error", err)
		missed = true
	case gone:
		t.end(nil)
	default:
		missed = t.ring(e)
	}
	if missed {
		h.count.gaps.Add(1)
		h.mu.Lock()
		h.markStale(t)
		h.mu.Unlock()
	}
	h.roused()
}

// tend reads what is stale, turns the wheel, and lets the clients go when the process is told to stop.
func (h *hub) tend(ctx context.Context) {
	turn := time.NewTicker(h.wheel.width)
	defer turn.Stop()
	heart := time.NewTicker(h.pace.heartbeat)
	defer heart.Stop()
	calm := time.NewTicker(quiet)
	defer calm.Stop()
	var pause backoff
	var retry <-chan time.Time
	back := make(chan error, pipelines)
	out := 0
	told := h.stopping.Done()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-turn.C:
			h.turn(now)
		case <-calm.C:
			h.mu.Lock()
			over := h.thrift.look()
			h.mu.Unlock()
			if over {
				giveBack()
			}
		case <-heart.C:
			h.running.Go(func() { h.bell.probe(ctx) })
		case <-told:
			told = nil
			h.running.Go(func() { h.dismiss(ctx) })
		case <-h.wake:
		case <-retry:
			retry = nil
		case err := <-back:
			out--
			h.away.Store(err != nil)
			if err == nil {
				pause.reset()
				break
			}
			slog.Warn("events not read", "error", err)
			retry = time.After(pause.next())
		}
		for out < pipelines && retry == nil { // else Redis is away: not before the pause is over
			topics := h.take()
			if len(topics) == 0 {
				break
			}
			out++
			h.running.Go(func() {
				back <- h.read(ctx, topics)
				h.roused()
			})
		}
	}
}

// turn ticks what is due.
func (h *hub) turn(now time.Time) {
	h.mu.Lock()
	h.wheel.turn(now)
	h.mu.Unlock()
	h.roused()
}

// dismiss tells the clients that the process stops, spread over a while, so that they don't come back in one wave.
func (h *hub) dismiss(ctx context.Context) {
	var clients []sender
	h.mu.Lock()
	h.wheel.each(func(t timed) {
		if s, ok := t.(sender); ok {
			clients = append(clients, s)
		}
	})
	h.mu.Unlock()
	group := max(10, len(clients)/100)
	each := min(time.Millisecond, h.pace.drain/time.Duration(len(clients)+1))
	pause := time.NewTicker(max(each*time.Duration(group), 1))
	defer pause.Stop()
	for group := range slices.Chunk(clients, group) {
		for _, s := range group {
			s.signal(sigStop)
		}
		h.roused()
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
	}
}

// take tells what one pipeline is to read.
func (h *hub) take() []*topic {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := min(len(h.stale), pipelineSize)
	topics := h.stale[:n:n]
	h.stale = h.stale[n:]
	if len(h.stale) == 0 {
		h.stale = nil
	}
	return slices.DeleteFunc(topics, func(t *topic) bool {
		t.stale = false // whatever rings from here on marks it again
		if t.clients == 0 {
			t.owe()
		}
		return t.clients == 0
	})
}

// read brings topics up to date, in one pipeline. What could not be read stays stale.
func (h *hub) read(ctx context.Context, topics []*topic) error {
	ctx, cancel := context.WithTimeout(ctx, h.pace.read)
	defer cancel()
	return h.update(ctx, topics)
}

// update reads topics and merges what it read. A log that can't be understood ends its own streams and no others.
func (h *hub) update(ctx context.Context, topics []*topic) error {
	readings := make([]reading, len(topics))
	asks := make([]taskstore.Ask, len(topics))
	for i, t := range topics {
		readings[i] = t.ask()
		asks[i] = readings[i].Ask
	}
	logs, err := h.logs(ctx, asks)
	if away := fault.Is(err, fault.Unavailable) || ctx.Err() != nil; err != nil && !away {
		if len(topics) == 1 {
			slog.Error("log not understood", "taskId", topics[0].taskID, "error", err)
			topics[0].end(err)
			return nil
		}
		half := len(topics) / 2
		return errors.Join(h.update(ctx, topics[:half]), h.update(ctx, topics[half:]))
	}
	for i, t := range topics {
		if err != nil || t.merge(readings[i], logs[i]) {
			h.mu.Lock()
			h.markStale(t)
			h.mu.Unlock()
		}
	}
	return err
}

// size is how many topics there are.
func (h *hub) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.topics)
}
