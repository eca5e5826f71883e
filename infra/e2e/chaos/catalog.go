package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fault is one thing that goes wrong, for a while.
type Fault struct {
	Kind   string
	Victim string        // a process, a link, or what all share: cos, callbacks
	At     time.Duration // since the start
	Length time.Duration // until it heals; 0 where it heals by itself
	Amount int           // what it is of, by the kind
}

func (f Fault) String() string {
	s := fmt.Sprintf("%6.2fs  %-20s %s", f.At.Seconds(), f.Kind, f.Victim)
	if f.Length > 0 {
		s += fmt.Sprintf(", for %.1fs", f.Length.Seconds())
	}
	if f.Amount != 0 {
		s += fmt.Sprintf(", %d", f.Amount)
	}
	return s
}

// kind is a kind of fault, and what it may happen to.
type kind struct {
	name        string
	victims     []string
	from, to    time.Duration // its length
	least, most int           // its amount
	unit        string        // of the amount
	about       string
}

// The processes of the system.
const (
	fakeWorkers = 4
	realWorkers = 2
)

// webFunctions answer HTTP. There are two relays, so that a client that comes back may meet the other one.
func webFunctions() []string {
	return []string{"picture", "create-task", "tasks", "callback-result", "callback-status", "relay-1", "relay-2"}
}

func functions() []string { return append(webFunctions(), "sweeper") }

func numbered(name string, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%d", name, i+1))
	}
	return all
}

func fakes() []string { return numbered("worker", fakeWorkers) }
func reals() []string { return numbered("python", realWorkers) }

// The names of links: who calls, and whom.
const arrow = ">"

// links are all pairs of processes that speak with each other. Workers reach COS by the URLs that functions sign, which lead over those
// functions' links.
func links() []string {
	all := []string{"users" + arrow + "gateway-1", "users" + arrow + "gateway-2", "timer" + arrow + "sweeper", "python" + arrow + "callbacks"}
	for _, f := range webFunctions() {
		all = append(all, "gateway"+arrow+f)
	}
	for _, f := range functions() {
		all = append(all, f+arrow+"redis")
		if f != "callback-status" {
			all = append(all, f+arrow+"cos")
		}
	}
	for _, w := range fakes() {
		all = append(all, w+arrow+"callbacks")
	}
	for _, w := range slices.Concat(fakes(), reals()) {
		all = append(all, "create-task"+arrow+w, "sweeper"+arrow+w)
	}
	return all
}

const (
	lease = 3 * time.Second // HEARTBEAT_TIMEOUT
	sweep = time.Second     // SWEEP_INTERVAL
)

// catalog is every kind of fault. What is killed in a request is killed as soon as one is on its way and the amount of milliseconds
// more has passed.
func catalog() []kind {
	const s = time.Second
	toRedis := slices.DeleteFunc(links(), func(l string) bool { return !strings.HasSuffix(l, "redis") })
	fakeLinks := slices.DeleteFunc(links(), func(l string) bool { return !strings.HasPrefix(l, "worker-") })
	all := links()
	return []kind{
		{"kill in a request", []string{"picture", "create-task", "tasks"}, 0, 0, 0, 40, "ms", "SIGKILL while it answers"},
		{"kill in a callback", []string{"callback-result", "callback-status"}, 0, 0, 0, 20, "ms", "SIGKILL while it answers"},
		{"kill a relay", []string{"relay-1", "relay-2"}, 0, 0, 0, 40, "ms", "SIGKILL with open streams"},
		{"kill the sweeper", []string{"sweeper"}, 0, 0, 0, 40, "ms", "SIGKILL in a run"},
		{"kill redis", []string{"redis"}, 0, 0, 0, 0, "", "SIGKILL; what it acknowledged is in its append-only file"},
		{"kill cos", []string{"cosd"}, 0, 0, 0, 0, "", "SIGKILL"},
		{"kill a worker", fakes(), 0, 0, 0, 0, "", "SIGKILL; it comes back at once and goes on"},
		{"lose a worker", fakes(), lease + s, 3 * lease, 0, 0, "", "SIGKILL; it stays away for longer than its leases"},
		{"kill python", reals(), 0, 0, 0, 0, "", "SIGKILL of a real worker and its engine"},
		{"lose python", reals(), lease + s, 3 * lease, 0, 0, "", "the same, and it stays away"},
		{"kill an engine", reals(), 0, 0, 0, 0, "", "SIGKILL of the engine's process alone"},
		{"pause a function", webFunctions(), s, 6 * s, 0, 0, "", "SIGSTOP, SIGCONT"},
		{"pause a worker", slices.Concat(fakes(), reals()), lease + s, 2 * lease, 0, 0, "", "SIGSTOP for longer than its leases"},
		{"pause redis", []string{"redis"}, s, 6 * s, 0, 0, "", "SIGSTOP; an outage for all"},
		{"pause cos", []string{"cosd"}, s, 6 * s, 0, 0, "", "SIGSTOP"},
		{"pause the sweeper", []string{"sweeper"}, 4*sweep + s, 8 * s, 0, 0, "", "SIGSTOP for longer than four of its runs"},
		{"cut a worker off", fakeLinks, lease + s, 3 * lease, 0, 0, "", "it works on, and is thought to be lost"},
		{"cut", all, s, 5 * s, 0, 0, "", "connections closed, new ones refused"},
		{"delay", all, 2 * s, 6 * s, 100, 1500, "ms", "latency, with as much jitter as half of it"},
		{"throttle", all, 2 * s, 6 * s, 1, 32, "KB/s", "bandwidth"},
		{"reset", all, s, 4 * s, 0, 300, "ms", "RST after so long"},
		{"swallow", all, s, 5 * s, 0, 0, "", "connections stay open and nothing comes through"},
		{"break off", all, s, 5 * s, 20, 4000, "bytes", "answers break off after so many"},
		{"redis breaks off", toRedis, s, 4 * s, 1, 600, "bytes", "replies break off: a script ran, and nobody was told"},
		{"cos answers 500", []string{"cos"}, s, 5 * s, 0, 0, "", "half of the time after it did what was asked"},
		{"cos answers 503", []string{"cos"}, s, 5 * s, 0, 0, "", "the same, SlowDown"},
		{"cos is slow", []string{"cos"}, 2 * s, 6 * s, 300, 4000, "ms", "before each answer"},
		{"cos lies of a PUT", []string{"cos"}, s, 5 * s, 0, 0, "", "a wrong x-cos-hash-crc64ecma for what was put"},
		{"cos lies in a GET", []string{"cos"}, s, 5 * s, 0, 0, "", "one byte of what is read is another"},
		{"callbacks twice", []string{"callbacks"}, 2 * s, 8 * s, 0, 0, "", "each delivered twice at a time"},
		{"callbacks out of turn", []string{"callbacks"}, 2 * s, 8 * s, 100, 2000, "ms", "answered 503, and delivered later"},
		{"callbacks too late", []string{"callbacks"}, 2 * s, 6 * s, 4000, 8000, "ms", "the same, after the lease"},
		{"callbacks replayed", []string{"callbacks"}, 2 * s, 6 * s, 0, 0, "", "old ones, of older attempts first, once more"},
		{"answers lost", []string{"callbacks"}, 2 * s, 6 * s, 0, 0, "", "delivered, and the worker is not told"},
		{"clock ahead", fakes(), 4 * s, 10 * s, 120, 120, "s", "of a worker, which signs and verifies by it"},
		{"clock behind", fakes(), 4 * s, 10 * s, 120, 120, "s", "the same"},
		{"clock of Redis leaps", []string{"redis"}, 2 * s, 8 * s, -8, 8, "s", "and comes back"},
		{"redis is full", []string{"redis"}, s, 5 * s, 0, 0, "", "maxmemory is reached, and nothing may be evicted"},
		{"redis can't save", []string{"redis"}, s, 5 * s, 0, 0, "", "no writes are taken (MISCONF)"},
		{"redis is a replica", []string{"redis"}, s, 5 * s, 0, 0, "", "of nobody, as in a failover: reads go on"},
		{"redis forgets scripts", []string{"redis"}, s, 5 * s, 0, 0, "", "SCRIPT FLUSH, again and again"},
		{"redis hangs up", []string{"redis"}, s, 5 * s, 20, 500, "ms", "every so often all connections, subscriptions included"},
		{"redis holds writes", []string{"redis"}, s, 6 * s, 0, 0, "", "until it heals: what was given up is done all the same"},
		{"redis is busy", []string{"redis"}, s, 5 * s, 0, 0, "", "with somebody's endless script (BUSY)"},
		{"redis turns clients away", []string{"redis"}, s, 5 * s, 0, 0, "", "maxclients is reached"},
		{"cos forbids", []string{"cos"}, s, 5 * s, 0, 0, "", "403 half of the time: credentials that have run out, a clock that is off"},
		{"cos answers 409", []string{"cos"}, s, 5 * s, 0, 0, "", "half of the time, to what writes"},
		{"cos breaks off", []string{"cos"}, s, 5 * s, 0, 0, "", "in the middle of what is put, of what is got, or before the answer"},
		{"cos fails in a 200", []string{"cos"}, s, 5 * s, 0, 0, "", "an error in the body of the answer to a copy or to many deletions, half of the time after it did some"},
		{"freeze a function", webFunctions(), 2 * s, 8 * s, 0, 0, "", "as between requests, and its connections die meanwhile"},
		{"descriptors run out", functions(), s, 5 * s, 0, 0, "", "RLIMIT_NOFILE: no connection can be made or taken"},
		{"hand-overs answered late", fakes(), 3 * s, 8 * s, 1500, 6000, "ms", "taken, and nobody waits for the answer any more"},
		{"hand-overs answered badly", fakes(), 3 * s, 8 * s, 0, 0, "", "taken, and answered with another status, nonsense, no end, a way to somewhere else, nothing"},
		{"timer is silent", []string{"timer"}, 5 * s, 10 * s, 0, 0, "", "nobody calls the sweeper, then two at once"},
		{"timer stutters", []string{"timer"}, 3 * s, 8 * s, 3, 3, "runs", "runs of the sweeper at once"},
		{"creates at once", []string{"users"}, 3 * s, 6 * s, 20, 20, "times", "times the same, by each user"},
		{"streams at once", []string{"users"}, 2 * s, 6 * s, 5, 40, "strangers", "strangers who open and leave streams, with ids that they can't have seen"},
		{"outbox torn", reals(), s, 2 * s, 0, 0, "", "a real worker is killed and half of its file is gone"},
		{"outbox forgets", reals(), s, 2 * s, 0, 0, "", "the same, of what was written last"},
		{"disk full", reals(), 2 * s, 8 * s, 0, 0, "", "no file of a real worker may grow (RLIMIT_FSIZE)"},
	}
}
