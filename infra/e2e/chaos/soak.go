package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// soakPace is the time from one task to the next.
	soakPace = time.Second
	// soakFault is the mean time from one fault to the next.
	soakFault = 30 * time.Second
	// soakRetention is RETENTION: short, so that what comes and what goes are soon equal.
	soakRetention = time.Minute
	// trashLife is how long an object stays in the trash at most: a picture that was announced, until no PUT to its URL can be running any
	// more (an hour), and some slack.
	trashLife = 66 * time.Minute
	// material is from which part of its median on a growth over the run counts. Memory creeps by pages for hours, which a test of the slope
	// alone finds.
	material = 0.02
	// mostTries is how often a task is looked at, a second apart, until nothing is wrong with it: what it is read over may be harmed.
	mostTries = 15
	// afterEnd is how long after a task's end it is judged: late callbacks have come by then, and retention has not.
	afterEnd = 5 * time.Second
)

// soakPlan is a steady stream of tasks with a fault now and then. What grows in a process would be hidden by killing it: of what is watched
// for that nothing is killed.
func soakPlan(seed uint64, length time.Duration) Plan {
	rng := rand.New(rand.NewPCG(seed, 3))
	n := max(1, int(length/soakPace))
	p := Plan{Seed: seed, Length: length}
	for i := range n {
		t := drawTask(rng, i, length, n)
		if t.Intent == Stuck {
			t.Intent = Complete // it would be all that is under way
		}
		p.Tasks = append(p.Tasks, t)
	}
	var deck []kind
	for at := soakFault / 2; at < length-10*time.Second; at += between(rng, soakFault/2, soakFault*3/2) {
		if len(deck) == 0 {
			deck = soakDeck()
			rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		}
		k := deck[0]
		deck = deck[1:]
		p.Faults = append(p.Faults, Fault{
			Kind: k.name, Victim: k.victims[rng.IntN(len(k.victims))], At: at.Round(time.Millisecond),
			Length: min(between(rng, k.from, k.to), soakFault/2-time.Second).Round(time.Millisecond), Amount: k.least + rng.IntN(k.most-k.least+1),
		})
	}
	return p
}

// soakDeck is what may happen in a soak, dealt like cards.
func soakDeck() []kind {
	return slices.DeleteFunc(catalog(), func(k kind) bool {
		return strings.HasPrefix(k.name, "kill") && !strings.HasSuffix(k.name, "worker") && !strings.HasSuffix(k.name, "engine")
	})
}

// settled tells from when on a process may not grow any more: when it has met each kind of fault. Heaps, stacks and pools of connections grow
// to the most that was ever needed at once, and what that is shows in trouble only. Memory of Redis, whose tables are as large as they once
// had to be, likewise. It is the plan's end where the plan is too short.
func (p Plan) settled() time.Duration {
	met := map[string]bool{}
	for _, f := range p.Faults {
		met[f.Kind] = true
		if len(met) == len(soakDeck()) {
			return f.At + soakFault
		}
	}
	return p.Length
}

// series are samples of one thing.
type series struct {
	Name, Unit string
	At, Values []float64 // at in seconds since the start
	from       float64   // what is before is not judged: what is kept for a while has to fill first
}

// sampler measures, from time to time, all that must not grow.
type sampler struct {
	world *world
	all   []*series
	index map[string]*series
}

func (s *sampler) add(name, unit string, from time.Duration, value float64) {
	x := s.index[name]
	if x == nil {
		x = &series{Name: name, Unit: unit, from: from.Seconds()}
		s.index[name], s.all = x, append(s.all, x)
	}
	x.At, x.Values = append(x.At, time.Since(s.world.started).Seconds()), append(x.Values, value)
}

// sample measures once. What can't be reached at the moment is not measured.
func (s *sampler) sample(ctx context.Context, warm, settled time.Duration) error {
	for _, name := range functions() {
		pid := s.world.units[name].pid()
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return fmt.Errorf("%s does not run: %w", name, err)
		}
		for line := range strings.Lines(string(status)) {
			field, value, _ := strings.Cut(line, ":")
			n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			switch {
			case err != nil:
			case field == "RssAnon": // without the program's own pages, which come in from its file as they are first needed
				s.add(name+", memory", "MB", settled, n/1024)
			case field == "Threads":
				s.add(name+", threads", "", settled, n)
			}
		}
		s.add(name+", descriptors", "", settled, float64(s.world.units[name].descriptors()))
	}
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	counts, bytes, err := s.world.stored(short)
	if err != nil {
		if short.Err() != nil || ctx.Err() == nil {
			return nil // Redis is harmed just now
		}
		return err
	}
	for _, kind := range []string{"task", "events", "results", "in due", "in kept", "in tasks", "in active", "in pictures"} {
		s.add("redis, "+kind, "", warm, float64(counts[kind]))
	}
	s.add("redis, in trash", "", trashLife+warm, float64(counts["in trash"]))
	s.add("redis, memory of all but trash and idempotency keys", "KB", settled, bytes/1024)
	return nil
}

// stored counts Redis' keys by kind, the members of its indexes, and the bytes of all but what is kept for longer than a soak lasts: keys of
// idempotency (a day) and the trash (see trashLife).
func (w *world) stored(ctx context.Context) (counts map[string]int64, bytes float64, err error) {
	counts = map[string]int64{}
	scan := w.redis.Scan(ctx, 0, "recon:*", 1000).Iterator()
	for scan.Next(ctx) {
		kind := kindOf(scan.Val())
		counts[kind]++
		switch kind {
		case "due", "kept", "tasks", "active", "pictures", "trash":
			n, e := w.redis.ZCard(ctx, scan.Val()).Result()
			counts["in "+kind], err = counts["in "+kind]+n, errors.Join(err, e)
		}
		if kind != "trash" && kind != "idempotency" {
			n, e := w.redis.MemoryUsage(ctx, scan.Val()).Result()
			if e == nil {
				bytes += float64(n)
			}
		}
	}
	return counts, bytes, errors.Join(err, scan.Err())
}

// soak runs a soak's plan: each task is judged soon after its end and then forgotten, and at the end all that is left is.
func (w *world) soak(ctx context.Context, say func(string, ...any)) (*SoakReport, error) {
	r := &SoakReport{Seed: w.plan.Seed, Tasks: len(w.plan.Tasks), Violations: map[string][]string{}}
	lives, end := context.WithCancel(ctx)
	defer end()
	var people sync.WaitGroup
	var mu sync.Mutex // of r
	for _, s := range w.ledger.stories {
		people.Go(func() {
			if !rested(lives, time.Until(w.started.Add(s.Plan.At))) {
				return
			}
			w.people.live(lives, s)
			found, err := w.judgeOne(lives, s)
			mu.Lock()
			defer mu.Unlock()
			r.Errors += s.Errors
			if err != nil {
				found = map[string][]string{"rest": {fmt.Sprintf("task %d can't be judged: %v", s.Plan.Index, err)}}
			}
			for name, wrong := range found {
				r.Violations[name] = append(r.Violations[name], wrong...)
				say("%s: %s", name, wrong[0])
			}
			r.Judged++
			w.ledger.forget(s)
		})
	}
	samples := &sampler{world: w, index: map[string]*series{}}
	warm := soakRetention + min(time.Minute, w.plan.Length/10)
	every := max(w.plan.Length/400, time.Second)
	sampling, stop := context.WithCancel(ctx)
	sampled := make(chan error, 1)
	go func() {
		said := time.Now()
		for rested(sampling, every) {
			if err := samples.sample(sampling, warm, w.plan.settled()); err != nil && sampling.Err() == nil {
				sampled <- err
				return
			}
			if time.Since(said) > 30*time.Second {
				said = time.Now()
				mu.Lock()
				say("%4.0fs: %d of %d tasks judged, %d violations", time.Since(w.started).Seconds(), r.Judged, r.Tasks, len(r.Violations))
				mu.Unlock()
			}
		}
		sampled <- nil
	}()
	injected := w.harmAll(ctx)
	rested(ctx, time.Until(w.started.Add(w.plan.Length)))
	stop()
	if err := <-sampled; err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, errors.New("stopped before the end")
	}
	say("%4.0fs: no more tasks, no more faults", time.Since(w.started).Seconds())
	unended := w.rest(ctx, &people, func(line string) { say("%s", line) })
	end()
	if err := w.stopTimer(ctx); err != nil { // evidence is read piece by piece: no retention may end meanwhile
		return nil, err
	}
	w.ledger.stories = nil // of them none is left to be judged
	e, err := w.collect(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.hangUp(ctx, e); err != nil {
		return nil, err
	}
	e.Unended, e.Calls, e.Visits = unended, nil, nil // those that are left are of tasks that were judged
	for name, wrong := range judge(e) {
		if name != "one create" { // nobody is known any more
			r.Violations[name] = append(r.Violations[name], wrong...)
		}
	}
	for _, in := range injected {
		r.Faults = append(r.Faults, w.cost(e, in))
	}
	r.trends(samples.all)
	return r, nil
}

// forget leaves nothing of a story but its plan.
func (l *ledger) forget(s *Story) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*s = Story{Plan: s.Plan}
}

// judgeOne judges a task alone, soon after its end, and forgets its callbacks. What a day would let expire, a minute does from now on; its
// picture is deleted by its user.
func (w *world) judgeOne(ctx context.Context, s *Story) (map[string][]string, error) {
	id := s.TaskID()
	if !rested(ctx, afterEnd) || id == "" {
		return nil, errors.New("it did not come to its end")
	}
	e := &Evidence{
		Stories: []*Story{s}, Keys: map[string]Key{}, Last: map[string]Snapshot{}, Read: map[string]map[string]string{}, Listed: map[string][]string{},
		Taken: map[string][]handover{}, Document: map[string]string{}, Item: map[string]string{},
	}
	w.ledger.mu.Lock()
	w.ledger.calls = slices.DeleteFunc(w.ledger.calls, func(c Call) bool {
		if c.TaskID == id {
			e.Calls = append(e.Calls, c)
		}
		return c.TaskID == id
	})
	w.ledger.visits = slices.DeleteFunc(w.ledger.visits, func(v Visit) bool {
		if v.TaskID == id {
			e.Visits = append(e.Visits, v)
		}
		return v.TaskID == id
	})
	w.ledger.mu.Unlock()
	var found map[string][]string
	for try := 0; try == 0 || len(found) > 0 && try < mostTries && rested(ctx, time.Second); try++ {
		var err error
		if e.Keys, err = w.keysOf(ctx, id); err != nil {
			found = map[string][]string{"rest": {err.Error()}}
			continue
		}
		w.askStatus(ctx, e)
		found = judge(e)
		for _, whole := range []string{"indexes", "objects", "one create"} { // not to be judged of one task alone
			delete(found, whole)
		}
	}
	w.people.tidy(ctx, s)
	return found, nil
}

// tidy deletes a story's pictures: also those whose upload was answered and nobody heard it.
func (p *people) tidy(ctx context.Context, s *Story) {
	var gallery struct {
		Items []struct{ ID, Name string }
	}
	p.want(ctx, s, http.StatusOK, http.MethodGet, "/picture/list/page?size=100", nil, nil).into(&gallery)
	for _, picture := range gallery.Items {
		if picture.Name == s.Plan.pictureName() {
			p.want(ctx, s, http.StatusNoContent, http.MethodDelete, "/picture/"+picture.ID, nil, nil, http.StatusNotFound)
		}
	}
}

// keysOf reads a task's keys.
func (w *world) keysOf(ctx context.Context, id string) (map[string]Key, error) {
	name := "recon:{" + id[len(id)-2:] + "}:task:" + id
	keys := map[string]Key{}
	for _, key := range []string{name, name + ":events", name + ":results"} {
		k, there, err := readKey(ctx, w.redis, key)
		if err != nil {
			return nil, err
		}
		if there {
			keys[key] = k
		}
	}
	return keys, nil
}

// SoakReport is what came of a soak.
type SoakReport struct {
	Seed       uint64
	Tasks      int
	Judged     int
	Errors     int // tries of users that failed and were made again
	Faults     []FaultReport
	Violations map[string][]string
	Trends     []Trend
}

// Trend is what became of a series.
type Trend struct {
	Name, Unit         string
	Samples            int
	Median, Slope      float64   // slope: per hour
	Least, Most        float64   `json:"-"` // of the slope; infinite where there is too little to tell
	Share              float64   // of the median, by which it rises over what is judged
	Rises              bool      // the slope is above zero for certain
	Grows, TooFewToSay bool      // grows: it rises, and by a material share
	At, Values         []float64 // the averages it was judged by; At in seconds since the start
}

// points is how many averages a series is judged by.
const points = 40

// trends judges the series. A growth that is none is told in one of 20 soaks: the confidence is shared by all series (Bonferroni).
func (r *SoakReport) trends(all []*series) {
	confidence := 1 - 0.1/float64(max(1, len(all)))
	for _, s := range all {
		first, _ := slices.BinarySearch(s.At, s.from)
		at, values := blocks(s.At[first:], s.Values[first:], points)
		t := trendOf(at, values, confidence)
		x := Trend{
			Name: s.Name, Unit: s.Unit, Samples: len(s.At) - first, Median: t.Median, Slope: 3600 * t.Slope, Least: 3600 * t.Least, Most: 3600 * t.Most,
			Rises: t.grows(), TooFewToSay: len(values) < 8, At: at, Values: values,
		}
		if x.Rises {
			x.Share = t.Slope * (at[len(at)-1] - at[0]) / max(t.Median, 1)
			x.Grows = x.Share >= material
		}
		r.Trends = append(r.Trends, x)
		if x.Grows {
			r.Violations["flat"] = append(r.Violations["flat"], fmt.Sprintf("%s grows by %.3g %s an hour, and by %.3g at least", s.Name, x.Slope, s.Unit, x.Least))
		}
	}
}

func (r *SoakReport) markdown() string {
	var b strings.Builder
	verdict := "nothing is violated, nothing grows"
	if len(r.Violations) > 0 {
		verdict = fmt.Sprintf("%d INVARIANTS ARE VIOLATED", len(r.Violations))
	}
	fmt.Fprintf(&b, "# Soak: seed %d, %d tasks, %d faults: %s\n\n", r.Seed, r.Tasks, len(r.Faults), verdict)
	fmt.Fprintf(&b, "%d tasks judged. %d tries of users were made again.\n\n", r.Judged, r.Errors)
	b.WriteString("| | samples | median | slope an hour, between | | |\n|---|--:|--:|--:|---|---|\n")
	for _, t := range r.Trends {
		state := "flat"
		switch {
		case t.Grows:
			state = fmt.Sprintf("**grows** by %.1f %%", 100*t.Share)
		case t.Rises:
			state = fmt.Sprintf("rises by %.1f %%", 100*t.Share)
		case t.TooFewToSay:
			state = "too short to say"
		}
		fmt.Fprintf(&b, "| %s | %d | %.4g %s | %.3g (%.3g … %.3g) | %s | %s |\n",
			t.Name, t.Samples, t.Median, t.Unit, t.Slope, t.Least, t.Most, sparkline(t.Values), state)
	}
	b.WriteString((&Report{Faults: r.Faults}).byKind())
	for name, all := range r.Violations {
		for _, wrong := range all[:min(20, len(all))] {
			fmt.Fprintf(&b, "\n%s: %s\n", name, wrong)
		}
	}
	return b.String()
}

// sparkline draws values between their least and their most, by Unicode's block elements.
func sparkline(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	blocks := []rune("▁▂▃▄▅▆▇█")
	least, most := slices.Min(values), slices.Max(values)
	var b strings.Builder
	for _, v := range values {
		height := 0
		if most > least {
			height = int((v-least)/(most-least)*float64(len(blocks)-1) + 0.5)
		}
		b.WriteRune(blocks[height])
	}
	return b.String()
}
