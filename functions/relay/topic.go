package main

import (
	"context"
	"sync"
	"time"

	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// topic is what the process knows of one task: its log, in memory. It grows by what is read from the task's stream and by what
// rings, each event once, in order, without holes. Any number of clients follow it, each at its own cursor: there is no
// queue that a slow one could fill, and a frame is made once for all of them.
type topic struct {
	taskID string

	mu      sync.Mutex
	changed chan struct{} // closed at the next change
	known   bool          // a log has been read
	doubted bool          // what was read contradicts the log: Redis lost events that we have
	gone    bool          // the task was deleted
	missing bool          // a reading did not find it, and nothing rang yet
	epoch   int           // rises when the log is replaced, not extended
	log     []entry       // numbered without holes
	status  task.Status   // of the newest status event
	attempt int           // the present one: results of a lower one are gone
	beats   int           // heartbeats so far
	reads   int           // readings merged so far

	progress        []byte // frame of the present progress, nil if there is none
	progressAt      time.Time
	progressVersion int
}

// entry is an event and its frame, made when first needed.
type entry struct {
	event    task.Event
	frame    []byte
	signedAt time.Time // when the frame's URL was signed
	hasURL   bool
}

// cursor is how far a client is in a topic.
type cursor struct {
	after    int64 // number of the last durable event that it has
	epoch    int
	progress int
	beats    int
	reads    int // how many readings have to be merged before it can be served
}

// batch is what a client at a cursor is to be sent next.
type batch struct {
	frames  [][]byte
	more    bool            // there is more already
	end     bool            // nothing will ever follow
	changed <-chan struct{} // closed when there is more
}

const (
	// batchSize is about how many bytes go out before the next write deadline begins.
	batchSize = 64 << 10
	// freshURL is how long a signed URL is handed out: whoever gets it has at least half of its life.
	freshURL = cosstore.URLLife / 2
)

func newTopic(taskID string) *topic { return &topic{taskID: taskID, changed: make(chan struct{})} }

// topicOf makes a topic of a log that was read whole.
func topicOf(taskID string, read taskstore.Log) *topic {
	t := newTopic(taskID)
	t.merge(taskstore.Ask{TaskID: taskID}, read)
	return t
}

func (t *topic) first() int64 {
	if len(t.log) == 0 {
		return 1
	}
	return t.log[0].event.Number
}

func (t *topic) last() int64 { return t.first() + int64(len(t.log)) - 1 }

// wake lets all clients look again. The caller holds the lock.
func (t *topic) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// cursor is where a client that has the events up to number after begins. Where the client's own reading failed, it is served
// only after the next one: until then nobody can tell an id from the future from one that the topic has not heard of yet.
func (t *topic) cursor(after int64, hasRead bool) cursor {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := cursor{after: after, epoch: t.epoch, beats: t.beats}
	if !hasRead {
		c.reads = t.reads + 1
	}
	return c
}

// serves tells whether next has more than comments for a client at c.
func (t *topic) serves(c cursor) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.gone || t.known && t.reads >= c.reads
}

// next tells what a client at c has not been sent, and moves c behind it. A cursor that can't be served is set before
// the first event that is kept.
func (t *topic) next(ctx context.Context, c *cursor, objects *cosstore.Store) (batch, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := batch{changed: t.changed}
	if c.beats != t.beats {
		c.beats = t.beats
		b.frames = append(b.frames, comment)
	}
	if !t.known || t.reads < c.reads {
		b.end = t.gone
		return b, nil
	}
	if c.epoch != t.epoch || c.after < t.first()-1 || c.after > t.last() {
		c.epoch, c.after = t.epoch, t.first()-1
	}
	for size := 0; c.after < t.last(); c.after++ {
		if size > batchSize {
			b.more = true
			return b, nil
		}
		frame, err := t.frame(ctx, &t.log[c.after+1-t.first()], objects)
		if err != nil {
			return b, err
		}
		b.frames = append(b.frames, frame)
		size += len(frame)
	}
	if t.progress != nil && c.progress != t.progressVersion {
		b.frames = append(b.frames, t.progress)
	}
	c.progress = t.progressVersion
	// A deletion cancels a task that still runs, and rings right after it: what rang before the end is sent before it.
	b.end = t.gone || t.status.Final()
	return b, nil
}

// frame makes the entry's frame, or the next one when the URL in the last one is old or of a result that is gone.
func (t *topic) frame(ctx context.Context, e *entry, objects *cosstore.Store) ([]byte, error) {
	wantsURL := e.event.Result != nil && e.event.Attempt >= t.attempt && !t.gone
	if e.frame != nil && e.hasURL == wantsURL && (!wantsURL || time.Since(e.signedAt) < freshURL) {
		return e.frame, nil
	}
	var url *string
	if wantsURL {
		r := e.event.Result
		// Signing computes and asks nobody, so the lock may be held.
		signed, err := objects.PresignGet(ctx, r.Key, cosstore.GetOptions{Filename: r.Name, ContentType: r.ContentType})
		if err != nil {
			return nil, err
		}
		url = &signed
	}
	e.frame, e.hasURL, e.signedAt = encode(e.event, url), wantsURL, time.Now()
	return e.frame, nil
}

// beat makes every client be sent a comment.
func (t *topic) beat() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.beats++
	t.wake()
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

// ask tells what to read from the stream: from the newest event on that the topic has, which must still be the same.
func (t *topic) ask() taskstore.Ask {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known || t.doubted || len(t.log) == 0 {
		return taskstore.Ask{TaskID: t.taskID}
	}
	return taskstore.Ask{TaskID: t.taskID, After: t.last() - 1}
}

// merge takes in what was read. It tells whether the whole log has to be read again.
func (t *topic) merge(ask taskstore.Ask, read taskstore.Log) (again bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.wake()
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
	t.reads++
	if len(t.log) == 0 {
		t.status = read.Status // the stream has expired
	}
	if p := read.Progress; p != nil && p.At.After(t.progressAt) {
		t.setProgress(*p)
	}
	return false
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
		if n := e.Number; n >= t.first() && n <= t.last() && !same(e, t.log[n-t.first()].event) {
			return false
		}
	}
	return true
}

func same(a, b task.Event) bool {
	return a.Kind == b.Kind && a.Attempt == b.Attempt && a.At.Equal(b.At) && a.Status == b.Status
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
	t.log, t.status, t.attempt, t.progress, t.progressAt = nil, "", 0, nil, time.Time{}
	for _, e := range events {
		t.log = append(t.log, entry{event: e})
		t.note(e)
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
	t.log = append(t.log, entry{event: e})
	t.note(e)
	return false
}

// note draws from a durable event what the topic says beside it. Progress is of a PROCESSING that lasts.
func (t *topic) note(e task.Event) {
	t.attempt = max(t.attempt, e.Attempt)
	if e.Kind == task.StatusEvent {
		t.status, t.progress = e.Status, nil
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
		if !e.At.Before(t.progressAt) {
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
	t.progress, t.progressAt = encode(e, nil), e.At
	t.progressVersion++
}

// end says that the task was deleted.
func (t *topic) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gone = true
	t.wake()
}

func (t *topic) isGone() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.gone
}
