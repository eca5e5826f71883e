package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// Report is what came of a plan. Times are in seconds.
type Report struct {
	Seed       uint64
	Tasks      int
	Faults     []FaultReport
	Clocks     map[string]int      // that were wrong, in seconds
	Violations map[string][]string // by the invariant's name
	Run, Heal  float64             // from the start to all healed, from there to rest
	Recovery   Figures             // of what was killed or paused: from its end until it was seen to work
	Lost       Figures             // of tasks whose worker was lost: from its loss until another word of theirs
	Waits      Figures             // of completed tasks: from create to end
	Errors     int                 // tries of users that failed and were made again
	Streams    int                 // event streams that were opened
	Callbacks  int                 // deliveries
	Copies     int                 // of them, what the post made
	Attempts   int                 // the most that one task took
	Open       map[string][2]int   // descriptors of each function, young and at the end
	Routines   map[string][2]int   // goroutines, likewise
}

// FaultReport is one fault and what it cost.
type FaultReport struct {
	Kind, Victim  string
	At, Length    float64
	Recovery      float64 // until the victim was seen to work, -1: it was not asked any more
	Tasks         int     // that a worker had
	Slowest       float64 // of them: until another word of it
	Trouble       string  `json:",omitempty"`
	lostDurations []float64
}

// Figures are many measurements in short.
type Figures struct {
	N                int
	Median, P95, Max float64
}

func figures(all []float64) Figures {
	if len(all) == 0 {
		return Figures{}
	}
	slices.Sort(all)
	rank := func(p float64) float64 { return all[min(len(all)-1, int(p*float64(len(all))))] }
	return Figures{len(all), rank(0.5), rank(0.95), all[len(all)-1]}
}

func (f Figures) String() string {
	if f.N == 0 {
		return "none"
	}
	return fmt.Sprintf("median %.2f s, 95 %% within %.2f s, at most %.2f s (%d)", f.Median, f.P95, f.Max, f.N)
}

// subject is whose working again shows that a fault is over.
func (f Fault) subject() string {
	from, to, link := strings.Cut(f.Victim, arrow)
	worker := strings.HasPrefix(f.Victim, "worker-") || strings.HasPrefix(f.Victim, "python-")
	switch {
	case !link && worker && (strings.HasPrefix(f.Kind, "kill a worker") || strings.HasPrefix(f.Kind, "kill python") || strings.HasPrefix(f.Kind, "lose")):
		return "up:" + f.Victim
	case !link && strings.HasPrefix(f.Victim, "python-"):
		return "python"
	case link && from == "gateway":
		return to
	case link && from == "users":
		return "relay-" + strings.TrimPrefix(to, "gateway-")
	case link && from == "timer":
		return to
	case link:
		return from
	case f.Victim == "redis", f.Victim == "cosd", f.Victim == "callbacks":
		return "system"
	}
	return f.Victim
}

func (w *world) report(e *Evidence, injected []Injected, healed, rest time.Time) *Report {
	r := &Report{
		Seed: w.plan.Seed, Tasks: len(w.plan.Tasks), Violations: judge(e),
		Run: healed.Sub(w.started).Seconds(), Heal: rest.Sub(healed).Seconds(), Callbacks: len(e.Calls),
		Open: e.Open, Routines: e.Routines, Clocks: w.wrongClocks(),
	}
	var recoveries, lost, waits []float64
	for _, in := range injected {
		f := w.cost(e, in)
		r.Faults = append(r.Faults, f)
		if kind, _, _ := strings.Cut(in.Kind, " "); kind == "kill" && f.Recovery >= 0 {
			recoveries = append(recoveries, f.Recovery)
		}
		if strings.HasPrefix(in.Kind, "lose") || in.Kind == "cut a worker off" {
			lost = append(lost, f.lostDurations...)
		}
	}
	for _, s := range e.Stories {
		r.Errors += s.Errors
		r.Streams += s.Streams
		if last := e.Last[s.TaskID()]; last.Status == "COMPLETED" {
			waits = append(waits, s.waited().Seconds())
			r.Attempts = max(r.Attempts, last.Attempt)
		}
	}
	for _, c := range e.Calls {
		if c.Copy {
			r.Copies++
		}
	}
	r.Recovery, r.Lost, r.Waits = figures(recoveries), figures(lost), figures(waits)
	return r
}

// cost is what a fault cost.
func (w *world) cost(e *Evidence, in Injected) FaultReport {
	f := FaultReport{
		Kind: in.Kind, Victim: in.Victim, At: in.At.Seconds(), Length: in.Length.Seconds(), Recovery: -1, Tasks: len(in.Held), Trouble: in.Trouble,
	}
	for _, at := range w.ledger.worked[in.subject()] {
		if at.After(in.Ended) {
			f.Recovery = at.Sub(in.Ended).Seconds()
			break
		}
	}
	began := in.Began.Add(time.Duration(w.wrongClocks()["redis"]) * time.Second) // events are dated by it
	for _, id := range in.Held {
		for _, event := range e.stream(id) {
			if at, err := time.Parse(time.RFC3339, event.At); err == nil && at.After(began) {
				f.Slowest = max(f.Slowest, at.Sub(began).Seconds())
				f.lostDurations = append(f.lostDurations, at.Sub(began).Seconds())
				break
			}
		}
	}
	return f
}

// byKind adds up what the faults of each kind cost.
func (r *Report) byKind() string {
	var b strings.Builder
	b.WriteString("| fault | n | s | recovery, median | at most | tasks held | until another word, at most |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, k := range catalog() {
		var n, tasks int
		var length, slowest float64
		var recoveries []float64
		for _, f := range r.Faults {
			if f.Kind != k.name {
				continue
			}
			n++
			length += f.Length
			tasks += f.Tasks
			slowest = max(slowest, f.Slowest)
			if f.Recovery >= 0 {
				recoveries = append(recoveries, f.Recovery)
			}
		}
		if n == 0 {
			continue
		}
		fig := figures(recoveries)
		held := ""
		if tasks > 0 {
			held = fmt.Sprintf("%d | %.1f", tasks, slowest)
		}
		fmt.Fprintf(&b, "| %s | %d | %.1f | %.2f | %.2f | %s |\n", k.name, n, length, fig.Median, fig.Max, cmp.Or(held, "|"))
	}
	return b.String()
}

func (r *Report) markdown() string {
	var b strings.Builder
	verdict := "nothing is violated"
	if len(r.Violations) > 0 {
		verdict = fmt.Sprintf("%d INVARIANTS ARE VIOLATED", len(r.Violations))
	}
	fmt.Fprintf(&b, "# Chaos: seed %d, %d tasks, %d faults: %s\n\n", r.Seed, r.Tasks, len(r.Faults), verdict)
	fmt.Fprintf(&b, "%.0f s until all was healed, %.1f s more until all had come to rest.\n\n", r.Run, r.Heal)
	fmt.Fprintf(&b, "- a killed process works again: %s\n- a task whose worker was lost is heard of again: %s\n- create to COMPLETED: %s, with up to %d attempts\n",
		r.Recovery, r.Lost, r.Waits, r.Attempts)
	fmt.Fprintf(&b, "- users: %d tries were made again, %d event streams; callbacks: %d deliveries, %d of them the post's own\n", r.Errors, r.Streams, r.Callbacks, r.Copies)
	fmt.Fprintf(&b, "- clocks that were wrong, in seconds: %v\n", r.Clocks)
	b.WriteString("- what each function keeps with all connections cut, young > at the end:")
	for _, name := range functions() {
		open, routines := r.Open[name], r.Routines[name]
		fmt.Fprintf(&b, " %s %d > %d descriptors, %d > %d goroutines;", name, open[0], open[1], routines[0], routines[1])
	}
	b.WriteString("\n\n" + r.byKind())
	for _, f := range r.Faults {
		if f.Trouble != "" {
			fmt.Fprintf(&b, "\n%s of %s at %.1f s: %s\n", f.Kind, f.Victim, f.At, f.Trouble)
		}
	}
	b.WriteString("\n| invariant | |\n|---|---|\n")
	for _, i := range invariants() {
		state := "holds"
		if n := len(r.Violations[i.name]); n > 0 {
			state = fmt.Sprintf("**violated %d times**", n)
		}
		fmt.Fprintf(&b, "| %s: %s | %s |\n", i.name, i.about, state)
	}
	for _, i := range invariants() {
		for n, wrong := range r.Violations[i.name] {
			if n == 20 {
				fmt.Fprintf(&b, "\n%s: and %d more\n", i.name, len(r.Violations[i.name])-n)
				break
			}
			fmt.Fprintf(&b, "\n%s: %s\n", i.name, wrong)
		}
	}
	return b.String()
}

func (r *Report) violated() bool { return len(r.Violations) > 0 }

func (r *SoakReport) violated() bool { return len(r.Violations) > 0 }

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o600)
}
