package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"
)

// Plan is all that chance decides. It is drawn from the seed before anything starts, so that a seed and a number of tasks are the same
// plan on every machine; what the machine's own timing makes of it is not.
type Plan struct {
	Seed   uint64
	Length time.Duration // in which tasks are created and faults begin
	Tasks  []PlannedTask
	Faults []Fault        // in the order of their beginnings
	Clocks map[string]int // seconds by which the clock of a process is wrong all the time
}

// Intent is what is to become of a task.
type Intent string

// The intents. All but Complete are what a worker or its user is told to do; a real worker knows none of them and completes.
const (
	Complete Intent = "complete"
	Fail     Intent = "fail"   // the worker says `failed`
	Reject   Intent = "reject" // the worker refuses the hand-over with 422
	GiveBack Intent = "give"   // the worker of the first attempt says `released`
	Stuck    Intent = "stuck"  // the worker says `processing` for ever
	Cancel   Intent = "cancel" // by its user
	Delete   Intent = "delete" // by its user
)

// PlannedTask is one task and how it comes about.
type PlannedTask struct {
	Index  int
	At     time.Duration // when its picture is uploaded
	User   string
	Intent Intent
	Work   time.Duration // that a fake worker takes
	Direct bool          // the picture goes to COS directly
	Large  bool          // one of a fake worker's results goes to COS directly
	Twice  bool          // its create is sent twice at a time
	After  time.Duration // of Cancel and Delete: how long after the create
}

// pictureName carries the plan to the fake workers: hand-overs carry the picture's file name.
func (p PlannedTask) pictureName() string {
	size := "small"
	if p.Large {
		size = "large"
	}
	return fmt.Sprintf("%d_%s_%d_%s.png", p.Index, p.Intent, p.Work.Milliseconds(), size)
}

// planOf reads what pictureName wrote.
func planOf(pictureName string) (PlannedTask, error) {
	var p PlannedTask
	var work int64
	var size string
	words := strings.ReplaceAll(strings.TrimSuffix(pictureName, ".png"), "_", " ")
	if _, err := fmt.Sscan(words, &p.Index, &p.Intent, &work, &size); err != nil {
		return p, fmt.Errorf("picture name %q carries no plan: %w", pictureName, err)
	}
	p.Work, p.Large = time.Duration(work)*time.Millisecond, size == "large"
	return p, nil
}

const (
	// pace is the mean time from one task to the next.
	pace = 600 * time.Millisecond
	// shortest is the least time in which tasks are created, so that few tasks meet several faults, too.
	shortest = 15 * time.Second
	// perTask is how many faults there are to a task: at 100 tasks each kind comes once.
	perTask = 0.6
	// leastFaults is the number of faults that a small plan has.
	leastFaults = 6
	users       = 4
)

// draw makes the plan of a seed. Kinds of faults are dealt like cards: none comes again before all have come.
func draw(seed uint64, tasks int) Plan {
	rng := rand.New(rand.NewPCG(seed, 0))
	p := Plan{Seed: seed, Length: max(time.Duration(tasks)*pace, shortest)}
	for i := range tasks {
		p.Tasks = append(p.Tasks, drawTask(rng, i, p.Length, tasks))
	}
	p.Faults = drawFaults(rng, max(leastFaults, int(perTask*float64(tasks))), p.Length)
	p.Clocks = drawClocks(rng)
	return p
}

func drawTask(rng *rand.Rand, index int, length time.Duration, of int) PlannedTask {
	t := PlannedTask{
		Index: index, At: length * time.Duration(index) / time.Duration(of), User: fmt.Sprintf("user-%d", rng.IntN(users)),
		Intent: Complete, Work: between(rng, 500*time.Millisecond, 7*time.Second),
		Direct: rng.IntN(5) == 0, Large: rng.IntN(5) == 0, Twice: rng.IntN(8) == 0, After: between(rng, 0, 4*time.Second),
	}
	switch dice := rng.IntN(100); {
	case index < of/10 && dice < 30: // it lasts as long as TASK_TIMEOUT, and so has to begin early
		t.Intent = Stuck
	case dice < 5:
		t.Intent = Fail
	case dice < 9:
		t.Intent = Reject
	case dice < 14:
		t.Intent = GiveBack
	case dice < 20:
		t.Intent = Cancel
	case dice < 25:
		t.Intent = Delete
	}
	return t
}

// wrongClock is how wrong a clock is, in seconds.
const wrongClock = 120

// drawClocks sets the clocks of Redis, by which all that is stored is dated, and of the real workers.
func drawClocks(rng *rand.Rand) map[string]int {
	clocks := map[string]int{}
	for _, name := range append(reals(), "redis") {
		if wrong := wrongClock * (rng.IntN(3) - 1); wrong != 0 {
			clocks[name] = wrong
		}
	}
	return clocks
}

func drawFaults(rng *rand.Rand, n int, length time.Duration) []Fault {
	var faults []Fault
	var deck []kind
	free := map[string]time.Duration{} // when a victim's last fault is well over
	for i := range n {
		if len(deck) == 0 {
			deck = catalog()
			rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		}
		k := deck[0]
		deck = deck[1:]
		f := Fault{
			Kind: k.name, Victim: k.victims[rng.IntN(len(k.victims))], Length: between(rng, k.from, k.to).Round(time.Millisecond),
			Amount: k.least, At: (time.Second + (length-time.Second)*time.Duration(i)/time.Duration(n) + between(rng, 0, time.Second)).Round(time.Millisecond),
		}
		if k.most > k.least {
			f.Amount += rng.IntN(k.most - k.least + 1)
		}
		f.At = max(f.At, free[f.Victim])
		free[f.Victim] = f.At + f.Length + 2*time.Second
		faults = append(faults, f)
	}
	slices.SortStableFunc(faults, func(a, b Fault) int { return int(a.At - b.At) })
	return faults
}

// readPlan reads what -draw wrote.
func readPlan(path string) (Plan, error) {
	var p Plan
	content, err := os.ReadFile(path)
	if err != nil {
		return p, err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return p, fmt.Errorf("read plan %s: %w", path, err)
	}
	return p, nil
}

func between(rng *rand.Rand, from, to time.Duration) time.Duration {
	if to <= from {
		return from
	}
	return from + time.Duration(rng.Int64N(int64(to-from)))
}
