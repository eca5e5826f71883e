package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"time"
)

// relaySizes is how large the scenarios of the relay are.
type relaySizes struct {
	clients int           // of A, B, C and slow; D has twice as many
	length  time.Duration // of A, B and slow
	hold    time.Duration // how long D's clients idle: longer than a heartbeat of 15 s
	grace   time.Duration // how long events may take until they count as lost
	rounds  int           // of which the medians are taken
	only    *regexp.Regexp
}

// eventServer is a server of event streams that is measured. open starts it in a folder of its own, where it may write.
type eventServer struct {
	name string
	open func(ctx context.Context, b *bench, dir string) (venue, error)
}

// venue is such a server while it runs, with its topics, which are numbered from 0.
type venue interface {
	// processes are the server's own, and the Redis that it needs, nil where it needs none.
	processes() (server, redis *process)
	// traits are fixed from its start on.
	traits() traits
	// addTopics makes more topics.
	addTopics(ctx context.Context, count int) error
	// request is what a client sends that watches a topic and has got the event with that id last, "" for none.
	request(topic int, lastID string) []byte
	// publish publishes a topic's event of that number, which is one more than the last one's, and waits for the answer. Lanes are
	// connections: each may be used by one goroutine at a time.
	publish(ctx context.Context, lane, topic int, number int64) error
	// stuff publishes an event of that many bytes beside the numbered ones. Clients count it not.
	stuff(ctx context.Context, lane, topic, size int) error
	// forgotten waits until the server keeps nothing at hand that was watched.
	forgotten(ctx context.Context) error
	close() error
}

// traits of a venue.
type traits struct {
	address      string
	first        int64         // number of the last event that a topic has from its making on
	numberInData bool          // see crowd.Config
	lanes        int           // connections for publishing
	started      time.Duration // from the start of its process to the first answer
	idle         float64       // MB, after it
	lingers      bool          // it keeps what nobody watches at hand for a while
}

// The servers that budgets speak of.
const (
	plainRelay = "recon3d, net/http"
	leanRelay  = "recon3d, lean"
	nchan      = "nchan + Redis"
)

// eventServers are all that there are, ours first.
func eventServers() []eventServer {
	return []eventServer{
		{plainRelay, openRelay},
		{leanRelay, openLeanRelay},
		{nchan, openNchan},
		{"net/http, in memory", openPeer("nethttp")},
		{"r3labs/sse", openPeer("r3labs")},
		{"tmaxmax/go-sse", openPeer("tmaxmax")},
	}
}

// relayCase is one thing that is measured of each of them.
type relayCase struct {
	name string
	run  func(ctx context.Context, s *show) (outcome, error)
}

func relayCases() []relayCase {
	return []relayCase{
		{"A", manyTopics},
		{"B", oneTopic},
		{"C", comeBackLater},
		{"C soon", comeBackSoon},
		{"D", idleClients},
		{"slow", slowReaders},
	}
}

// outcome is what was measured once. What was not measured is zero.
type outcome struct {
	p50, p99, slowest  time.Duration
	events, deliveries int64
	took               time.Duration // from the first event to the last delivery
	cpu                cpuTimes      // meanwhile
	publishing         cpuTimes      // of as many events on topics that nobody watches
	lost, doubled, cut int64
	behind             time.Duration // by which publishing took longer than it was to
	resident, kernel   float64       // KB a client
	started            time.Duration
	idle               float64 // MB
	trouble            error   // why nothing was measured
}

// show is a case under way: a fresh venue and how large everything is.
type show struct {
	relaySizes
	venue venue
	next  []int64 // numbers of the next events of the topics
}

// seldom is a GOGC with which the generator collects once a second or less often.
const seldom = 800

// measureRelay lets the servers take turns in each case, several rounds.
func measureRelay(ctx context.Context, b *bench) error {
	if err := allowDescriptors(3 * b.relay.clients); err != nil {
		return err
	}
	// The generator's own collections, several a second of a heap this small, would hold up what it measures.
	defer debug.SetGCPercent(debug.SetGCPercent(seldom))
	results := relayResults{}
	skipped := map[string]bool{}
	for round := range b.relay.rounds {
		for _, c := range relayCases() {
			for _, server := range eventServers() {
				name := server.name + "/" + c.name
				if skipped[server.name] || !b.relay.only.MatchString(name) {
					continue
				}
				o, err := b.stage(ctx, server, c)
				var without skip
				switch {
				case ctx.Err() != nil:
					return ctx.Err()
				case errors.As(err, &without):
					skipped[server.name] = true
					b.table.note(fmt.Sprintf("relay: %s: skipped: %v.", server.name, err))
				case errors.Is(err, errNoCase):
				default:
					o.trouble = err
					log.Printf("  round %d: %s: %s", round+1, name, o)
					results.add(server.name, c.name, o)
				}
			}
		}
	}
	results.report(b)
	for _, ours := range []string{plainRelay, leanRelay} {
		if wrong := results.told(ours, outcome.wrong); wrong != "" {
			return fmt.Errorf("%s: %s", ours, wrong)
		}
	}
	return nil
}

// errNoCase says that a case is none for a server.
var errNoCase = errors.New("this server has no such case")

// stage runs a case on a fresh server.
func (b *bench) stage(ctx context.Context, server eventServer, c relayCase) (o outcome, err error) {
	dir, err := os.MkdirTemp(b.dir, "relay-")
	if err != nil {
		return outcome{}, err
	}
	v, err := server.open(ctx, b, dir)
	if err != nil {
		return outcome{}, err
	}
	defer func() { err = errors.Join(err, v.close(), os.RemoveAll(filepath.Clean(dir))) }()
	o, err = c.run(ctx, &show{relaySizes: b.relay, venue: v})
	o.started, o.idle = v.traits().started, v.traits().idle
	return o, err
}
