package main

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

const someTask = "01a20812-cfbe-7e37-aed2-c61cd7b96a2b"

// kept is a log of which events first to last are in the stream; each version of an event differs from the others.
func kept(first, last int64, version int) taskstore.Log {
	l := taskstore.Log{Exists: true, Status: task.Processing, Attempt: 1, Last: last}
	for n := first; n <= last; n++ {
		l.Events = append(l.Events, event(n, version))
	}
	return l
}

func event(n int64, version int) task.Event {
	return task.Event{Number: n, Kind: task.StatusEvent, TaskID: someTask, Status: task.Processing, Attempt: 1, At: time.UnixMilli(n + int64(1000*version))}
}

// after cuts a log as ReadLogs does that is asked for what follows number n.
func after(l taskstore.Log, n int64) taskstore.Log {
	if n <= l.Last {
		l.Events = slices.DeleteFunc(slices.Clone(l.Events), func(e task.Event) bool { return e.Number <= n })
	}
	return l
}

// refresh reads l into t until t has no doubts, as the hub does.
func refresh(t *topic, l taskstore.Log) {
	for {
		ask := t.ask()
		if !t.merge(ask, after(l, ask.After)) {
			return
		}
	}
}

// take lists what a client at c is sent: numbers of durable events, 100 and its percent for progress.
func take(t *testing.T, topic *topic, c *cursor) []int64 {
	t.Helper()
	var got []int64
	for {
		b, o, err := topic.next(t.Context(), nil, c, plain, nil)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, told(t, b)...)
		if !o.more {
			return got
		}
	}
}

func told(t *testing.T, b []byte) (got []int64) {
	t.Helper()
	for f := range bytes.SplitAfterSeq(b, []byte("\n\n")) {
		if len(f) == 0 {
			continue
		}
		var n int64
		if _, err := fmt.Sscanf(string(f), "id: %d\n", &n); err != nil {
			_, percent, _ := bytes.Cut(f, []byte(`"progress":`))
			if _, err := fmt.Sscanf(string(percent), "%d", &n); err != nil {
				t.Fatalf("frame %q", f)
			}
			n += 100
		}
		got = append(got, n)
	}
	return got
}

func TestTopic(t *testing.T) {
	progress := func(ms int64) task.Event {
		return task.Event{Kind: task.ProgressEvent, TaskID: someTask, Attempt: 1, At: time.UnixMilli(ms), Progress: int(ms)}
	}
	for name, row := range map[string]struct {
		begin int64 // the client's last event
		do    func(*topic)
		want  []int64 // what the client is sent that came when the topic had the events 1 to 3
	}{
		"nothing new":                 {3, func(*topic) {}, nil},
		"the next one rings":          {3, func(p *topic) { p.ring(event(4, 0)) }, []int64{4}},
		"an old one rings":            {3, func(p *topic) { p.ring(event(2, 0)) }, nil},
		"one rings twice":             {3, func(p *topic) { p.ring(event(4, 0)); p.ring(event(4, 0)) }, []int64{4}},
		"a later one rings":           {3, func(p *topic) { p.ring(event(5, 0)) }, nil},
		"a later one rings, and read": {3, func(p *topic) { p.ring(event(5, 0)); refresh(p, kept(1, 5, 0)) }, []int64{4, 5}},
		"a late reading":              {3, func(p *topic) { p.ring(event(4, 0)); p.merge(reading{}, kept(1, 3, 0)) }, []int64{4}},
		"progress":                    {3, func(p *topic) { p.ring(progress(5)); p.ring(progress(6)) }, []int64{106}},
		"older progress":              {3, func(p *topic) { p.ring(progress(5)); p.ring(progress(4)) }, []int64{105}},
		"progress, then an event":     {3, func(p *topic) { p.ring(progress(5)); p.ring(event(4, 0)) }, []int64{4}},
		"from the future":             {9, func(p *topic) { refresh(p, kept(1, 3, 0)) }, []int64{1, 2, 3}},
		"from the future, not read":   {9, func(*topic) {}, nil},
		"an old reading":              {4, func(p *topic) { p.merge(reading{}, kept(1, 3, 0)) }, nil},
		"ahead of this process":       {4, func(*topic) {}, nil},
		"ahead, until it is read":     {4, func(p *topic) { refresh(p, kept(1, 5, 0)) }, []int64{5}},
		"the last event was lost":     {3, func(p *topic) { refresh(p, kept(1, 2, 0)) }, []int64{1, 2}},
		"lost, and its number reused": {3, func(p *topic) { refresh(p, kept(1, 4, 1)) }, []int64{1, 2, 3, 4}},
		"all was lost":                {3, func(p *topic) { refresh(p, kept(1, 0, 0)) }, nil},
		"all was lost, then one more": {3, func(p *topic) { refresh(p, kept(1, 0, 0)); p.ring(event(1, 1)) }, []int64{1}},
		"the oldest were trimmed":     {3, func(p *topic) { refresh(p, kept(3, 4, 0)) }, []int64{4}},
		"what follows was trimmed":    {3, func(p *topic) { refresh(p, kept(7, 8, 0)) }, []int64{7, 8}},
		"deleted":                     {3, func(p *topic) { p.end(nil) }, nil},
		"rung and at once deleted":    {3, func(p *topic) { p.ring(event(4, 0)); p.end(nil) }, []int64{4}},
		"not found before it rings": {3, func(p *topic) {
			p.merge(reading{}, taskstore.Log{})
			if p.isGone() {
				panic("gone before its end could ring")
			}
			p.ring(event(4, 0))
			p.end(nil)
		}, []int64{4}},
	} {
		t.Run(name, func(t *testing.T) {
			p := topicOf(someTask, kept(1, 3, 0))
			c, _ := p.cursor(row.begin)
			row.do(p)
			if got := take(t, p, &c); !slices.Equal(got, row.want) {
				t.Errorf("sent %v, want %v", got, row.want)
			}
			if again := take(t, p, &c); len(again) > 0 {
				t.Errorf("and again %v", again)
			}
		})
	}
}

func TestALongLogGoesOutInBatches(t *testing.T) {
	p := topicOf(someTask, kept(1, 5000, 0))
	c, _ := p.cursor(0)
	b, o, err := p.next(t.Context(), nil, &c, plain, nil)
	must(t, err)
	if !o.more || len(b) < batchSize || len(b) > batchSize+1000 {
		t.Errorf("a first batch of %d bytes, more %v", len(b), o.more)
	}
	first, rest := told(t, b), take(t, p, &c)
	if n := len(first) + len(rest); n != 5000 || rest[len(rest)-1] != 5000 {
		t.Errorf("%d events in all", n)
	}
}

func TestWhetherMemorySuffices(t *testing.T) {
	result := event(4, 0)
	result.Kind, result.Result = task.ResultEvent, &task.Result{Name: "a"}
	final := event(5, 0)
	final.Status = task.Completed
	for name, row := range map[string]struct {
		after int64
		do    func(*topic)
		want  bool
	}{
		"all of it":                            {0, func(*topic) {}, true},
		"nothing new":                          {3, func(*topic) {}, true},
		"an id that did not ring yet":          {4, func(*topic) {}, false},
		"a result that may have been lost":     {3, func(p *topic) { p.ring(result) }, false},
		"a result that the client has":         {4, func(p *topic) { p.ring(result) }, true},
		"a task that has ended":                {5, func(p *topic) { p.ring(result); p.ring(final) }, false},
		"what a reading contradicts":           {3, func(p *topic) { p.merge(p.ask(), after(kept(1, 3, 1), 2)) }, false},
		"what a reading did not find":          {3, func(p *topic) { p.merge(p.ask(), taskstore.Log{}) }, false},
		"a gap that was rung and not yet read": {3, func(p *topic) { p.ring(event(5, 0)) }, true},
	} {
		p := topicOf(someTask, kept(1, 3, 0))
		row.do(p)
		if _, enough := p.cursor(row.after); enough != row.want {
			t.Errorf("%s: %v", name, enough)
		}
	}
}
