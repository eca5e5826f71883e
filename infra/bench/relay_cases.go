package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/recon3d/recon3d/infra/bench/crowd"
)

// quiet is how long it is watched, after all events came, whether any comes again.
const quiet = 200 * time.Millisecond

// audienceOf makes clients, not connected, of which number i watches topic first + i % topics.
func (s *show) audienceOf(clients, first, topics int, clock *crowd.Clock, mute func(client int) bool) (*crowd.Crowd, error) {
	known := s.venue.traits()
	topic := func(client int) int { return first + client%topics }
	return crowd.Start(crowd.Config{
		Address: known.address, Size: clients, Topic: topic, NumberInData: known.numberInData, Mute: mute, Sent: clock,
		Request: func(client int, lastID string) []byte { return s.venue.request(topic(client), lastID) },
	})
}

// patienceOfMany is how long thousands may take to come, or to be forgotten.
const patienceOfMany = time.Minute

// seat connects a crowd and waits until it has what its topics began with.
func (s *show) seat(ctx context.Context, c *crowd.Crowd, counted int) error {
	ctx, cancel := context.WithTimeout(ctx, patienceOfMany)
	defer cancel()
	if err := c.Connect(ctx); err != nil {
		return err
	}
	return c.Delivered(ctx, int64(counted)*s.venue.traits().first)
}

// settle waits until a crowd has got so many events, or until they count as lost, and tells what came of them.
func (s *show) settle(ctx context.Context, c *crowd.Crowd, events int64) (o outcome, last time.Time, err error) {
	waiting, cancel := context.WithTimeout(ctx, s.grace)
	defer cancel()
	if err := c.Delivered(waiting, events); err != nil && (ctx.Err() != nil || waiting.Err() == nil) {
		return o, last, err
	}
	select {
	case <-time.After(quiet): // watching
	case <-ctx.Done():
		return o, last, ctx.Err()
	}
	t, err := c.Tally()
	if err != nil {
		return o, last, err
	}
	delays, err := c.Delays()
	if err != nil {
		return o, last, err
	}
	o.p50, o.p99, o.slowest = delays.Percentile(50), delays.Percentile(99), delays.Percentile(100)
	missing, excess, err := c.Missing(s.last)
	o.lost, o.doubled, o.cut = t.Lost+missing, t.Doubled+excess, int64(t.Cut)
	return o, t.Last, err
}

// manyTopics is A: each client watches a topic of its own, and each topic has an event a second.
func manyTopics(ctx context.Context, s *show) (outcome, error) { return s.spread(ctx, nil) }

// spread is A, where some clients may be mute.
func (s *show) spread(ctx context.Context, mute func(client int) bool) (o outcome, err error) {
	events, rate := int(s.length.Seconds()*float64(s.clients)), float64(s.clients)
	publishing, err := s.publishUnheard(ctx, min(events, 4*s.clients), rate)
	if err != nil {
		return o, fmt.Errorf("publish what nobody watches: %w", err)
	}
	first, err := s.addTopics(ctx, s.clients)
	if err != nil {
		return o, err
	}
	clock := crowd.NewClock(first+s.clients, 16)
	c, err := s.audienceOf(s.clients, first, s.clients, clock, mute)
	if err != nil {
		return o, err
	}
	defer c.Close()
	hearing := 0
	for i := range s.clients {
		if mute == nil || !mute(i) {
			hearing++
		}
	}
	if err := s.seat(ctx, c, hearing); err != nil {
		return o, err
	}
	if mute != nil {
		if err := s.stuffMute(ctx, first, mute); err != nil {
			return o, err
		}
	}
	before, err := s.cpu()
	if err != nil {
		return o, err
	}
	began := time.Now()
	behind, err := s.publishAt(ctx, clock, first, s.clients, events, rate)
	if err != nil {
		return o, err
	}
	delivered := int64(0)
	for i := range s.clients {
		if mute == nil || !mute(i) {
			delivered += s.last(first+i) - s.venue.traits().first
		}
	}
	o, last, err := s.settle(ctx, c, delivered+int64(hearing)*s.venue.traits().first)
	if err != nil {
		return o, err
	}
	after, err := s.cpu()
	o.events, o.deliveries, o.took, o.behind = int64(events), delivered, last.Sub(began), behind
	o.cpu, o.publishing = after.minus(before), publishing.times(float64(events))
	return o, err
}

// publishUnheard tells what publishing costs by itself, an event.
func (s *show) publishUnheard(ctx context.Context, events int, rate float64) (perEvent share, err error) {
	topics := max(s.clients/10, 1)
	first, err := s.addTopics(ctx, topics)
	if err != nil {
		return share{}, err
	}
	before, err := s.cpu()
	if err != nil {
		return share{}, err
	}
	if _, err := s.publishAt(ctx, nil, first, topics, events, rate); err != nil {
		return share{}, err
	}
	after, err := s.cpu()
	return share{after.minus(before), events}, err
}

// share is what so many events took.
type share struct {
	cpuTimes
	events int
}

// times is what another number of events takes.
func (s share) times(events float64) cpuTimes {
	k := events / float64(s.events)
	scale := func(d time.Duration) time.Duration { return time.Duration(float64(d) * k) }
	return cpuTimes{scale(s.server), scale(s.redis), scale(s.generator)}
}

// window is how many events of B are under way at once. With more, a server that is behind sends several in one write, and what is
// measured is how well it joins them.
const window = 1

// oneTopic is B: all clients watch one topic. It is a closed loop: the next event is published when all clients together lack
// no more than a window of them, so that the rate is what the server keeps.
func oneTopic(ctx context.Context, s *show) (o outcome, err error) {
	topic, err := s.addTopics(ctx, 1)
	if err != nil {
		return o, err
	}
	clock := crowd.NewClock(1, 1024)
	c, err := s.audienceOf(s.clients, topic, 1, clock, nil)
	if err != nil {
		return o, err
	}
	defer c.Close()
	if err := s.seat(ctx, c, s.clients); err != nil {
		return o, err
	}
	clients := int64(s.clients)
	before, err := s.cpu()
	if err != nil {
		return o, err
	}
	began := time.Now()
	for time.Since(began) < s.length {
		waiting, cancel := context.WithTimeout(ctx, s.grace)
		err := c.Delivered(waiting, clients*max(s.last(topic)-window+1, 0))
		late := waiting.Err() != nil
		cancel()
		if late && ctx.Err() == nil {
			break // what is missing is counted below
		}
		if err != nil {
			return o, err
		}
		if err := s.publish(ctx, clock, 0, topic); err != nil {
			return o, err
		}
	}
	o, last, err := s.settle(ctx, c, clients*s.last(topic))
	if err != nil {
		return o, err
	}
	after, err := s.cpu()
	o.events = s.last(topic) - s.venue.traits().first
	o.deliveries, o.took, o.cpu = clients*o.events-o.lost, last.Sub(began), after.minus(before)
	return o, err
}

// missedEach is how many events each client of C misses.
const missedEach = 3

// comeBackLater is C: each client watches a topic of its own, all drop, each misses a few events, and all come back at once when
// the server keeps nothing of theirs at hand.
func comeBackLater(ctx context.Context, s *show) (outcome, error) {
	return s.comeBack(ctx, s.venue.forgotten)
}

// comeBackSoon is C as soon as the events have been missed. It is no other case where the server does not linger.
func comeBackSoon(ctx context.Context, s *show) (outcome, error) {
	if !s.venue.traits().lingers {
		return outcome{}, errNoCase
	}
	return s.comeBack(ctx, func(context.Context) error { return nil })
}

func (s *show) comeBack(ctx context.Context, away func(context.Context) error) (o outcome, err error) {
	first, err := s.addTopics(ctx, s.clients)
	if err != nil {
		return o, err
	}
	c, err := s.audienceOf(s.clients, first, s.clients, crowd.NewClock(first+s.clients, 16), nil)
	if err != nil {
		return o, err
	}
	defer c.Close()
	server, _ := s.venue.processes()
	empty, err := descriptors(server.pid())
	if err != nil {
		return o, err
	}
	if err := s.seat(ctx, c, s.clients); err != nil {
		return o, err
	}
	// One event is seen, so that all have an id to go on from.
	if _, err := s.publishAt(ctx, nil, first, s.clients, s.clients, 1e6); err != nil {
		return o, err
	}
	had := s.venue.traits().first + 1
	if err := c.Delivered(ctx, had*int64(s.clients)); err != nil {
		return o, err
	}
	if err := c.Drop(); err != nil {
		return o, err
	}
	if err := awaitDescriptors(ctx, server.pid(), empty+s.clients/100+16); err != nil {
		return o, fmt.Errorf("wait until the server knows that its clients have gone: %w", err)
	}
	if _, err := s.publishAt(ctx, nil, first, s.clients, missedEach*s.clients, 1e6); err != nil {
		return o, err
	}
	if err := away(ctx); err != nil {
		return o, err
	}
	before, err := s.cpu()
	if err != nil {
		return o, err
	}
	began := time.Now()
	if err := c.Connect(ctx); err != nil {
		return o, err
	}
	o, last, err := s.settle(ctx, c, (had+missedEach)*int64(s.clients))
	if err != nil {
		return o, err
	}
	after, err := s.cpu()
	o.events, o.deliveries, o.took = int64(missedEach*s.clients), int64(missedEach*s.clients)-o.lost, last.Sub(began)
	o.cpu = after.minus(before)
	return o, err
}

// awaitDescriptors waits until a process has no more than that many open.
func awaitDescriptors(ctx context.Context, pid, atMost int) error {
	ctx, cancel := context.WithTimeout(ctx, patienceOfMany)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		open, err := descriptors(pid)
		if err != nil || open <= atMost {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d descriptors are open: %w", open, ctx.Err())
		}
	}
}

// idleClients is D: twice as many clients, each on a topic of its own, and nothing happens but heartbeats.
func idleClients(ctx context.Context, s *show) (o outcome, err error) {
	clients := 2 * s.clients
	first, err := s.addTopics(ctx, clients)
	if err != nil {
		return o, err
	}
	c, err := s.audienceOf(clients, first, clients, nil, nil)
	if err != nil {
		return o, err
	}
	defer c.Close()
	server, _ := s.venue.processes()
	before, _, err := memory(server.pid())
	if err != nil {
		return o, err
	}
	kernelBefore, err := kernelMemory()
	if err != nil {
		return o, err
	}
	if err := s.seat(ctx, c, clients); err != nil {
		return o, err
	}
	used, err := s.cpu()
	if err != nil {
		return o, err
	}
	select {
	case <-time.After(s.hold): // the idling itself
	case <-ctx.Done():
		return o, ctx.Err()
	}
	after, _, err := memory(server.pid())
	if err != nil {
		return o, err
	}
	kernelAfter, err := kernelMemory()
	if err != nil {
		return o, err
	}
	o, _, err = s.settle(ctx, c, int64(clients)*s.venue.traits().first)
	if err != nil {
		return o, err
	}
	usedAfter, err := s.cpu()
	o.cpu, o.took = usedAfter.minus(used), s.hold
	o.resident, o.kernel = (after-before)*1024/float64(clients), (kernelAfter-kernelBefore)/float64(clients)
	return o, err
}

// slowReaders is A, where one client in ten reads nothing and the way to it is full.
func slowReaders(ctx context.Context, s *show) (outcome, error) {
	return s.spread(ctx, func(client int) bool { return client%10 == 0 })
}

// What a mute client is sent before A begins: more than what the buffers of both ends take, less than what ours cuts a client for.
const (
	stuffing       = 96 << 10
	stuffingPieces = 12
)

// stuffMute fills the way to the mute clients.
func (s *show) stuffMute(ctx context.Context, first int, mute func(client int) bool) error {
	lanes := s.venue.traits().lanes
	group, ctx := errgroup.WithContext(ctx)
	for lane := range lanes {
		group.Go(func() error {
			for i := lane; i < s.clients; i += lanes {
				for range stuffingPieces {
					if !mute(i) {
						continue
					}
					if err := s.venue.stuff(ctx, lane, first+i, stuffing/stuffingPieces); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// kernelMemory is what the kernel holds for itself, in KB: slabs, stacks, page tables. It is the whole machine's, and both ends of
// each connection are on it.
func kernelMemory() (kB float64, err error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "Slab", "KernelStack", "PageTables":
			n, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			if err != nil {
				return 0, fmt.Errorf("/proc/meminfo: %s: %w", name, err)
			}
			kB += n
			found++
		}
	}
	if found != 3 {
		return 0, errors.New("/proc/meminfo does not tell the kernel's own memory")
	}
	return kB, nil
}

// descriptors is how many a process has open.
func descriptors(pid int) (int, error) {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(list), err
}
