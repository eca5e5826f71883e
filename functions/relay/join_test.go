package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// Every order is gone through in which the following can happen to one task, with the relay's own hub, bell and topic: three events are
// stored and rung; two clients join, from the first event on or from one that only another process was told of, take what there is, leave
// and come back; the subscription is asked for, made, confirmed, given up and lost; bells are delayed and lost; readings, two at a time, are
// begun, answered and merged, and fail. A client is told each event once and in order, and what it has not been told after all of this it
// is told once everything that was on its way has come: by the heartbeat's reading where a bell was lost silently, else without it.
//
//	go test ./functions/relay -run TestEveryOrderOfAJoin -v -deep
func TestEveryOrderOfAJoin(t *testing.T) {
	for name, most := range map[string]budget{
		"a connection and a bell are lost":         {events: 2, joins: 1, crowd: 1, cuts: 1, losses: 1},
		"a connection is lost and a reading fails": {events: 2, joins: 1, crowd: 1, cuts: 1, failures: 1},
		"one leaves and another comes":             {events: 2, joins: 2, crowd: 1, departures: 1},
		"two come":                                 {events: 2, joins: 2, crowd: 2},
	} {
		if *deep {
			most.events++
			most.departures++
			most.forgets++
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, states := explore(t, most, none)
			if found != "" {
				t.Error(found)
			}
			t.Logf("%d states", states)
		})
	}
}

var deep = flag.Bool("deep", false, "let more happen in TestEveryOrderOfAJoin, which then takes many minutes")

// The explorer finds mistakes in the join.
func TestPlantedMistakesInAJoinAreFound(t *testing.T) {
	for name, mistake := range map[string]mistake{
		"the stream is read before the subscription is confirmed, and not after": readEarly,
		"a number that is missing is not noticed":                                deafToGaps,
		"what was subscribed to is not subscribed to again":                      noRenewal,
		"what a reading brings is not told":                                      noWake,
	} {
		t.Run(name, func(t *testing.T) {
			found, states := explore(t, budget{events: 2, joins: 1, crowd: 1, cuts: 1, losses: 1}, mistake)
			if found == "" {
				t.Errorf("not found in %d states", states)
			}
			t.Log(found)
		})
	}
}

// mistake is one that is planted.
type mistake int

const (
	none mistake = iota
	readEarly
	deafToGaps
	noRenewal
	noWake
)

// budget is how often things happen at most, and how many clients there are at a time.
type budget struct{ events, joins, crowd, cuts, losses, failures, departures, forgets int }

// explore goes through all states, breadth first, and tells the first path that breaks a promise, "" if none does. A state is reached
// by its path from the beginning each time: hubs can't be copied.
func explore(t *testing.T, most budget, planted mistake) (found string, states int) {
	t.Helper()
	seen := map[string]bool{}
	paths := [][]step{nil}
	for len(paths) > 0 {
		path := paths[0]
		paths = paths[1:]
		var steps []step
		replay(t, path, most, planted, func(p *play) { steps = p.steps() })
		for _, step := range steps {
			next := append(slices.Clone(path), step)
			var broken, state string
			replay(t, next, most, planted, func(p *play) {
				broken, state = p.broken, p.state()
				if broken == "" && !seen[state] {
					p.settle()
					broken = p.broken
				}
			})
			if broken != "" {
				return fmt.Sprintf("%s: %s", next, broken), len(seen)
			}
			if !seen[state] {
				seen[state] = true
				paths = append(paths, next)
			}
		}
	}
	return "", len(seen)
}

// replay takes a path, and lets look see where it leads.
func replay(t *testing.T, path []step, most budget, planted mistake, look func(*play)) {
	p := newPlay(t, most, planted)
	for _, step := range path {
		p.take(step)
	}
	look(p)
	p.abandon()
}

// play is the relay, with Redis and the network between them in the hands of a test.
type play struct {
	t       *testing.T
	events  int64 // the last one's number
	left    budget
	planted mistake
	hub     *hub
	conn    *redis.PubSub // nil: there is none
	wire    *wire
	broken  string // the promise that was broken

	stored     int64 // events in the stream
	subscribed bool  // at Redis
	toRedis    []string
	toRelay    []string
	lost       bool // a bell, silently
	readings   []*outReading
	clients    []*viewer
	was        int64 // number of the newest event that the client was told who left, 0 if none
}

// viewer is a client.
type viewer struct {
	topic *topic
	at    cursor
	last  int64 // number of the newest event that it was told
	woken bool
	chair int32
}

func (v *viewer) wake()        { v.woken = true }
func (v *viewer) seat() *int32 { return &v.chair }

// outReading is one that the hub has begun.
type outReading struct {
	asked  chan int64
	answer chan reply
	done   chan struct{}
	after  int64
	read   int64 // events that were there when Redis answered, 0 before
}

type reply struct {
	log taskstore.Log
	err error
}

type readingKey struct{}

// wire is a connection to Redis that only keeps what was written.
type wire struct {
	net.Conn
	written [][]byte
}

func (w *wire) Write(b []byte) (int, error) {
	w.written = append(w.written, bytes.Clone(b))
	return len(b), nil
}
func (*wire) Read([]byte) (int, error)           { return 0, net.ErrClosed }
func (*wire) Close() error                       { return nil }
func (*wire) SetDeadline(time.Time) error        { return nil }
func (*wire) SetReadDeadline(_ time.Time) error  { return nil }
func (*wire) SetWriteDeadline(_ time.Time) error { return nil }

// nowhere is a client whose connections are the present wire.
func nowhere(present **wire) *redis.Client {
	return redis.NewClient(&redis.Options{
		Dialer: func(context.Context, string, string) (net.Conn, error) { return *present, nil }, MaxRetries: -1, PoolSize: 1, IdleCheckFrequency: -1,
	})
}

func newPlay(t *testing.T, most budget, planted mistake) *play {
	p := &play{t: t, events: int64(most.events), left: most, planted: planted, stored: 1}
	p.left.events--
	times := (&streamConfig{Max: time.Hour, Linger: time.Second}).pace()
	p.hub = &hub{
		logs: p.logs, pace: times, count: &counters{}, roused: func() {}, stopping: context.Background(),
		topics: map[string]*topic{}, wake: make(chan struct{}, 1), wheel: newWheel(times.heartbeat, time.Now()),
	}
	p.hub.bell = newBell(nowhere(&p.wire), times, p.hub.count, p.hub.rung, p.hub.confirmed)
	p.hub.bell.line = p.hub.bell.rdb // not read by ears
	return p
}

// logs is how the hub reads: the answer comes when the test says so.
func (p *play) logs(ctx context.Context, asks []taskstore.Ask) ([]taskstore.Log, error) {
	r := ctx.Value(readingKey{}).(*outReading)
	r.asked <- asks[0].After
	a := <-r.answer
	return []taskstore.Log{a.log}, a.err
}

// log is what Redis answers that has so many events, as taskstore.ReadLogs does.
func (p *play) log(stored, after int64) taskstore.Log {
	l := taskstore.Log{Exists: true, Status: p.event(stored).Status, Attempt: 1, Last: stored}
	for n := int64(1); n <= stored; n++ {
		if n > after || after > stored {
			l.Events = append(l.Events, p.event(n))
		}
	}
	return l
}

func (p *play) event(n int64) task.Event {
	e := event(n, 0)
	if n == p.events {
		e.Status = task.Completed
	}
	return e
}

func (p *play) topic() *topic { return p.hub.topics[taskstore.Channel(someTask)] }

// step is one thing that happens, to a client or reading where it is of one.
type step struct {
	what  string
	which int
}

func (s step) String() string { return strings.Replace(s.what, "#", fmt.Sprint(s.which), 1) + ";" }

// steps lists what may happen next.
func (p *play) steps() (may []step) {
	if p.broken != "" {
		return nil
	}
	each := func(ok bool, what string, which int) {
		if ok {
			may = append(may, step{what, which})
		}
	}
	when := func(ok bool, what string) { each(ok, what, 0) }
	when(p.left.events > 0, "an event")
	when(p.left.joins > 0 && len(p.clients) < p.left.crowd, "a client comes")
	when(p.left.joins > 0 && len(p.clients) < p.left.crowd && p.stored > 1, "a client comes with the newest event")
	when(p.left.joins > 0 && len(p.clients) < p.left.crowd && p.was > 0, "who left comes back")
	when(p.conn == nil, "connect")
	when(p.conn != nil && len(p.hub.bell.changed) > 0, "ask for channels")
	when(len(p.toRedis) > 0, "Redis takes a command")
	when(len(p.toRelay) > 0, "a message arrives")
	when(len(p.toRelay) > 0 && p.left.losses > 0 && p.toRelay[0] != "subscribed", "a message is lost")
	when(p.conn != nil && p.left.cuts > 0, "the connection is lost")
	when(len(p.hub.stale) > 0 && len(p.readings) < pipelines, "a reading begins")
	for i, r := range p.readings {
		each(r.read == 0, "Redis answers reading #", i)
		each(r.read > 0, "reading # arrives", i)
		each(p.left.failures > 0, "reading # fails", i)
	}
	for i, v := range p.clients {
		each(v.woken, "client # takes", i)
		each(p.left.departures > 0, "client # leaves", i)
	}
	t := p.topic()
	when(t != nil && t.clients == 0 && p.left.forgets > 0, "the topic is forgotten")
	return may
}

// take makes one step.
func (p *play) take(s step) {
	ctx, which := context.Background(), s.which
	switch s.what {
	case "an event":
		p.left.events--
		p.stored++
		if p.subscribed {
			p.toRelay = append(p.toRelay, fmt.Sprint(p.stored))
		}
	case "a client comes":
		p.join(0)
	case "a client comes with the newest event":
		p.join(p.stored)
	case "who left comes back":
		p.join(p.was)
		p.was = 0
	case "connect":
		if p.planted != noRenewal {
			p.hub.bell.renew()
		}
		p.wire = &wire{}
		p.conn = p.hub.bell.line.Subscribe(ctx)
	case "ask for channels":
		if err := p.hub.bell.ask(ctx, p.conn); err != nil {
			p.t.Fatal(err)
		}
		for _, command := range p.wire.written {
			name, _, _ := strings.Cut(strings.SplitN(string(command), "\r\n", 4)[2], "\r\n")
			if strings.Contains(string(command), taskstore.Channel(someTask)) {
				p.toRedis = append(p.toRedis, name)
			}
		}
		p.wire.written = nil
	case "Redis takes a command":
		p.subscribed = p.toRedis[0] == "subscribe"
		if p.subscribed {
			p.toRelay = append(p.toRelay, "subscribed")
		}
		p.toRedis = p.toRedis[1:]
	case "a message arrives":
		p.deliver()
	case "a message is lost":
		p.left.losses--
		p.lost = true
		p.toRelay = p.toRelay[1:]
	case "the connection is lost":
		p.left.cuts--
		p.conn, p.subscribed, p.toRedis, p.toRelay = nil, false, nil, nil
		p.hub.bell.up.Store(false)
	case "a reading begins":
		p.begin()
	case "Redis answers reading #":
		p.readings[which].read = p.stored
	case "reading # arrives":
		r := p.readings[which]
		p.merge(which, reply{log: p.log(r.read, r.after)})
	case "reading # fails":
		p.left.failures--
		p.merge(which, reply{err: fault.Away("Redis", nil)})
	case "client # takes":
		p.serve(p.clients[which])
	case "client # leaves":
		p.left.departures--
		v := p.clients[which]
		v.topic.unwatch(v)
		p.hub.leave(v.topic)
		p.clients = slices.Delete(p.clients, which, which+1)
		p.was = v.last
	case "the topic is forgotten":
		p.left.forgets--
		p.hub.drop(p.topic())
	default:
		p.t.Fatalf("no step %q", s.what)
	}
}

func (p *play) join(after int64) {
	p.left.joins--
	v := &viewer{last: after, woken: true}
	known := p.topic() != nil
	v.topic, v.at = p.hub.join(someTask, after)
	if !known && p.planted == readEarly {
		p.hub.markStale(v.topic)
	}
	v.topic.watch(v)
	p.clients = append(p.clients, v)
}

// deliver has the relay take the next message, as bell.receive does.
func (p *play) deliver() {
	message := p.toRelay[0]
	p.toRelay = p.toRelay[1:]
	channel := taskstore.Channel(someTask)
	if message == "subscribed" {
		if p.hub.bell.confirm(channel) && p.planted != readEarly {
			p.hub.confirmed(channel)
		}
		return
	}
	var n int64
	if _, err := fmt.Sscan(message, &n); err != nil {
		p.t.Fatal(err)
	}
	if t := p.topic(); t != nil && p.planted == deafToGaps {
		t.ring(p.event(n))
		return
	}
	e := p.event(n)
	p.hub.rung(channel, strings.Join([]string{message, "kind", e.Kind, "status", string(e.Status), "attempt", "1", "at", fmt.Sprint(e.At.UnixMilli())}, "\xff"))
}

func (p *play) begin() {
	topics := p.hub.take()
	if len(topics) == 0 {
		return // nobody waits for it any more
	}
	r := &outReading{asked: make(chan int64), answer: make(chan reply), done: make(chan struct{})}
	go func() {
		defer close(r.done)
		_ = p.hub.update(context.WithValue(context.Background(), readingKey{}, r), topics) // says what the answer says
	}()
	r.after = <-r.asked
	p.readings = append(p.readings, r)
}

func (p *play) merge(which int, a reply) {
	r := p.readings[which]
	p.readings = slices.Delete(p.readings, which, which+1)
	var asleep []bool
	for _, v := range p.clients {
		asleep = append(asleep, v.woken)
	}
	r.answer <- a
	<-r.done
	if p.planted == noWake {
		for i, v := range p.clients {
			v.woken = asleep[i]
		}
	}
}

// serve sends a client what there is for it.
func (p *play) serve(v *viewer) {
	v.woken = false
	b, _, err := v.topic.next(context.Background(), nil, &v.at, plain, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, n := range told(p.t, b) {
		if n != v.last+1 || n > p.stored {
			p.broken = fmt.Sprintf("event %d follows event %d", n, v.last)
		}
		v.last = n
	}
}

// settle lets all that is on its way come, and looks whether everybody has been told everything.
func (p *play) settle() {
	p.left.cuts, p.left.losses, p.left.failures, p.left.departures, p.left.forgets, p.left.joins, p.left.events = 0, 0, 0, 0, 0, 0, 0
	beaten := !p.lost
	for {
		may := p.steps()
		switch {
		case p.broken != "":
			return
		case len(may) > 0:
			p.take(may[0])
		case beaten:
			for i, v := range p.clients {
				if v.last != p.stored {
					p.broken = fmt.Sprintf("client %d is told nothing after event %d of %d", i, v.last, p.stored)
				}
			}
			return
		default:
			beaten = true
			if t := p.topic(); t != nil {
				t.tick(time.Now())
			}
		}
	}
}

// abandon ends the readings that are out.
func (p *play) abandon() {
	for len(p.readings) > 0 {
		p.merge(0, reply{err: fault.Away("Redis", nil)})
	}
}

// state is all that what follows depends on.
func (p *play) state() string {
	var s strings.Builder
	channel := taskstore.Channel(someTask)
	b := p.hub.bell
	fmt.Fprint(&s, p.left, p.conn != nil, p.stored, p.subscribed, p.lost, p.was, p.toRedis, p.toRelay, b.channels[channel], slices.Contains(b.changed, channel), len(b.changed) > 0, b.up.Load())
	for _, r := range p.readings {
		fmt.Fprint(&s, " reading ", r.after, r.read)
	}
	topics := []*topic{p.topic()}
	for _, v := range p.clients {
		if !slices.Contains(topics, v.topic) {
			topics = append(topics, v.topic)
		}
		fmt.Fprint(&s, " client ", slices.Index(topics, v.topic), v.at.after-v.last, v.last, v.at.needs > v.topic.answered, v.at.needs-v.topic.asked, v.at.epoch, v.woken)
	}
	for _, t := range topics {
		if t != nil {
			fmt.Fprint(&s, " topic ", t.known, t.doubted, t.last(), t.status, t.asked-t.answered, t.owed > t.answered, t.owed-t.asked, t.awaited, t.stale, t.clients, t.epoch, t.missing)
		}
	}
	return s.String()
}
