package main

import (
	"context"
	"sync"
	"time"

	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// topic is what the process knows of one task: its log, in memory. It grows by what is read from the task's stream and by what
// rings, each event once, in order, without holes. Any number of clients follow it, each at its own cursor: there is no
// queue that a slow one could fill, and a frame is made once for all of them.
type topic struct {
	channel string // where it rings; it ends in the task's id, of which there is no second copy
	taskID  string

	mu       sync.Mutex
	watchers []watcher
	log      []entry     // numbered without holes
	begin    int64       // number of the log's first entry
	status   task.Status // of the newest status event
	fault    error       // why the log can't be told: the topic is gone
	attempt  int         // the present one: results of a lower one are gone
	epoch    int32       // rises when the log is replaced, not extended
	asked    int32       // readings begun so far
	answered int32       // serial of the newest reading merged
	owed     int32       // serial of the reading that was left out because nobody waited for it: before it the log may lack something
	known    bool        // a log has been read
	doubted  bool        // what was read contradicts the log: Redis lost events that we have
	gone     bool        // the task was deleted
	missing  bool        // a reading did not find it, and nothing rang yet
	awaited  bool        // a client waits for the next reading, whatever it brings

	progress        []byte // frame of the present progress, nil if there is none
	progressAt      int64  // unix ms
	progressVersion int32

	// Of the hub, under its lock.
	hub     *hub
	stale   bool          // among those to be read
	clients int32         // that have joined and not left
	left    time.Duration // when the last one left, since the hub began
	spot    spot
}

// watcher is a client of a topic, whichever way its bytes go. This is all that a topic knows of them.
type watcher interface {
	// wake says that the topic has something new. It is called with locks held: it returns at once, and looks later.
	wake()
	// seat is where the topic notes the watcher's place among the others.
	seat() *int32
}

// cursor is how far a client is in a topic.
type cursor struct {
	after    int64 // number of the last durable event that it has
	epoch    int32
	progress int32
	needs    int32 // serial of the reading without which it can't be served, 0 if there is none
}

// reading is what to read of a topic's stream.
type reading struct {
	taskstore.Ask
	serial int32
}

// outlook is what a client at a cursor is to expect.
type outlook struct {
	more  bool // there is more already
	end   bool // nothing will ever follow
	waits bool // nothing can be told before Redis is read
	sent  int  // events that were appended
}

// batchSize is about how many bytes go out at once.
const batchSize = 64 << 10

func newTopic(taskID string) *topic {
	channel := taskstore.Channel(taskID)
	return &topic{channel: channel, taskID: channel[len(channel)-len(taskID):], begin: 1}
}

// topicOf makes a topic of a log that was read whole.
func topicOf(taskID string, read taskstore.Log) *topic {
	t := newTopic(taskID)
	t.merge(t.ask(), read)
	return t
}

func (t *topic) last() int64 { return t.begin + int64(len(t.log)) - 1 }

// watch has w woken at every change from now on.
func (t *topic) watch(w watcher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*w.seat() = int32(len(t.watchers))
	t.watchers = append(t.watchers, w)
}

func (t *topic) unwatch(w watcher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := len(t.watchers) - 1
	i := *w.seat()
	t.watchers[i] = t.watchers[last]
	*t.watchers[i].seat() = i
	t.watchers[last] = nil
	t.watchers = t.watchers[:last]
}

// wake lets all clients look again. The caller holds the lock.
func (t *topic) wake() {
	for _, w := range t.watchers {
		w.wake()
	}
}

// cursor is where a client that has the events up to number after begins. It tells whether the client can be served without
// another reading. An id that the topic has not heard of may be newer than the bell; the attempt rises without an event,
// which takes the URLs from results; and what has ended may have been deleted, which is not to be told a moment late.
func (t *topic) cursor(after int64) (_ cursor, enough bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := cursor{after: after, epoch: t.epoch}
	enough = t.known && t.answered >= t.owed && !t.doubted && !t.missing && after <= t.last() && !t.status.Final()
	for n := max(after+1, t.begin); enough && n <= t.last(); n++ {
		enough = t.log[n-t.begin].result == nil
	}
	if !enough {
		c.needs = t.asked + 1
	}
	return c, enough
}

// serves tells whether next has something for a client at c, be it the end.
func (t *topic) serves(c cursor) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.gone || t.reached(c)
}

// reached tells whether what a client at c needs has been read. The caller holds the lock.
func (t *topic) reached(c cursor) bool {
	if t.known && t.answered >= c.needs {
		return true
	}
	t.awaited = true
	return false
}

// next appends to dst what a client at c has not been sent, and moves c behind it. A cursor that can't be served is set before
// the first event that is kept.
func (t *topic) next(ctx context.Context, dst []byte, c *cursor, f framing, sign signer) ([]byte, outlook, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.reached(*c) {
		return dst, outlook{end: t.gone, waits: true}, nil
	}
	if c.epoch != t.epoch || c.after < t.begin-1 || c.after > t.last() {
		c.epoch, c.after = t.epoch, t.begin-1
	}
	var o outlook
	for size := len(dst); c.after < t.last(); c.after++ {
		if o.more = len(dst)-size > batchSize; o.more {
			return dst, o, nil
		}
		e := &t.log[c.after+1-t.begin]
		if err := t.encode(ctx, e, c.after+1, sign); err != nil {
			return dst, o, err
		}
		dst = f.append(dst, e.frame)
		o.sent++
	}
	if t.progress != nil && c.progress != t.progressVersion {
		dst = f.append(dst, t.progress)
		o.sent++
	}
	c.progress = t.progressVersion
	// A deletion cancels a task that still runs, and rings right after it: what rang before the end is sent before it.
	o.end = t.gone || t.status.Final()
	return dst, o, nil
}

// encode makes an entry's frame, or the next one when the URL in the last one is old or of a result that is gone.
func (t *topic) encode(ctx context.Context, e *entry, number int64, sign signer) error {
	wants := e.result != nil && int(e.attempt) >= t.attempt && !t.gone
	now := time.Now().Unix()
	if e.frame != nil && wants == (e.signedAt != 0) && (!wants || now-e.signedAt < int64(freshURL/time.Second)) {
		return nil
	}
	var url *string
	e.signedAt = 0
	if r := e.result; wants {
		// Signing computes and asks nobody, so the lock may be held.
		signed, err := sign(ctx, r)
		if err != nil {
			return err
		}
		url, e.signedAt = &signed, now
	}
	e.frame = encode(e.event(t.taskID, number), url)
	return nil
}

// cool forgets the frames: those who are here have most likely been sent them, and for the next one they are soon made again.
func (t *topic) cool() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.log {
		t.log[i].frame = nil
	}
}

// behind tells about how many bytes a client at c has not been sent, once they are more than most.
func (t *topic) behind(c cursor, most int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for n := t.last(); n > c.after && n >= t.begin && most >= 0; n-- {
		most -= t.log[n-t.begin].size()
	}
	return most < 0
}

// complete tells whether a client that has the events up to number after has all that there will ever be.
func (t *topic) complete(after int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status.Final() && (after == t.last() || len(t.log) == 0)
}

// over tells whether nothing will follow what is in the log.
func (t *topic) over() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status.Final()
}

// absent tells whether there is no such task any more, or (err) nothing that can be told of it.
func (t *topic) absent() (_ bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.gone, t.fault
}

// ask tells what to read from the stream: from the newest event on that the topic has, which must still be the same.
func (t *topic) ask() reading {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked++
	r := reading{Ask: taskstore.Ask{TaskID: t.taskID}, serial: t.asked}
	if t.known && !t.doubted && len(t.log) > 0 {
		r.After = t.last() - 1
	}
	return r
}

// owe leaves a reading out. Whoever comes next has to wait for one that begins from here on.
func (t *topic) owe() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owed = t.asked + 1
}

// merge takes in what was read. It tells whether the whole log has to be read again.
func (t *topic) merge(ask reading, read taskstore.Log) (again bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.news()
	defer func() {
		if t.awaited || t.news() != before {
			t.awaited = false
			t.wake()
		}
	}()
	if !read.Exists {
		// What rings of its deletion, the CANCELLED before all, may still be on its way: it has until the next reading.
		t.gone = t.missing || !t.known || t.status.Final()
		t.missing = true
		return false
	}
	whole := ask.After == 0
	begins := len(read.Events) > 0 && read.Events[0].Number == ask.After+1
	switch {
	case whole && (len(t.log) == 0 || t.doubted || !t.agrees(read.Events)):
		t.replace(read.Events)
	case !whole && (!begins || !t.agrees(read.Events)):
		t.doubted = true
		return true
	}
	for _, e := range read.Events {
		t.add(e)
	}
	t.known, t.missing, t.attempt = true, false, max(t.attempt, read.Attempt)
	t.answered = max(t.answered, ask.serial)
	if len(t.log) == 0 {
		t.status = read.Status // the stream has expired
	}
	if p := read.Progress; p != nil && p.At.UnixMilli() > t.progressAt {
		t.setProgress(*p)
	}
	return false
}

// news is what a reading may change that clients see.
type news struct {
	last            int64
	epoch, progress int32
	known, gone     bool
	status          task.Status
}

func (t *topic) news() news {
	return news{t.last(), t.epoch, t.progressVersion, t.known, t.gone, t.status}
}

// agrees tells whether events, which have no holes, go on from the log and are the same where both have a number.
func (t *topic) agrees(events []task.Event) bool {
	if len(t.log) == 0 || len(events) == 0 {
		return true
	}
	if events[0].Number > t.last()+1 {
		return false
	}
	for _, e := range events {
		if n := e.Number; n >= t.begin && n <= t.last() && !t.log[n-t.begin].is(e) {
			return false
		}
	}
	return true
}

// replace starts the log over, unless it says the same: Redis came back without events that it had told us of (a failover, a
// lost second). Every client is sent what is kept, from the first.
func (t *topic) replace(events []task.Event) {
	t.doubted = false
	if t.known && len(events) == len(t.log) && t.agrees(events) {
		return
	}
	if t.known {
		t.epoch++
	}
	t.log, t.begin, t.status, t.attempt, t.progress, t.progressAt = make([]entry, 0, len(events)), 1, "", 0, nil, 0
	for _, e := range events {
		t.append(e)
	}
}

// add appends e where it is the next one.
func (t *topic) add(e task.Event) (missed bool) {
	if e.Number <= t.last() {
		return false
	}
	if e.Number > t.last()+1 {
		return true
	}
	t.append(e)
	return false
}

// append notes e, and draws from it what the topic says beside it. Progress is of a PROCESSING that lasts.
func (t *topic) append(e task.Event) {
	if len(t.log) == 0 {
		t.begin = e.Number
	}
	t.log = append(t.log, newEntry(e))
	t.attempt = max(t.attempt, e.Attempt)
	if e.Kind == task.StatusEvent {
		t.status, t.progress = interned(e.Status), nil
	}
}

// ring takes in what the bell told. It tells whether something was missed, so that the stream has to be read.
func (t *topic) ring(e task.Event) (missed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known || t.doubted {
		return true
	}
	if e.Kind == task.ProgressEvent {
		if e.At.UnixMilli() >= t.progressAt {
			t.setProgress(e)
			t.wake()
		}
		return false
	}
	if missed = t.add(e); !missed {
		t.wake()
	}
	return missed
}

func (t *topic) setProgress(e task.Event) {
	if t.status != task.Processing || e.Attempt < t.attempt {
		return
	}
	t.progress, t.progressAt = encode(e, nil), e.At.UnixMilli()
	t.progressVersion++
}

// end says that the task was deleted, or (err) that nothing can be told of it.
func (t *topic) end(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gone, t.fault = true, err
	t.wake()
}

func (t *topic) isGone() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.gone
}
