package main

import (
	"testing"
	"time"
)

// A leak of a percent an hour shows in a soak of two; what rises by less than matters is told and no violation.
func TestWhatGrowsInASoak(t *testing.T) {
	of := func(name string, perHour float64) *series {
		s := &series{Name: name}
		at, noise := noisy(1, 400, 0, false)
		for i := range at {
			s.At = append(s.At, 18*at[i])
			s.Values = append(s.Values, noise[i]+perHour*18*at[i]/3600)
		}
		return s
	}
	var r SoakReport
	r.Violations = map[string][]string{}
	r.trends([]*series{of("flat", 0), of("leaks", 3), of("falls", -3), of("creeps", 0.7)})
	for i, want := range []struct{ rises, grows bool }{{false, false}, {true, true}, {false, false}, {true, false}} {
		if got := r.Trends[i]; got.Rises != want.rises || got.Grows != want.grows || got.TooFewToSay {
			t.Errorf("%+v", got)
		}
	}
	if len(r.Violations["flat"]) != 1 {
		t.Errorf("%v", r.Violations)
	}
}

// What a fault makes grow once is no leak: a soak of two hours meets each kind of fault, and is then judged for an hour at least, in which each
// comes twice again.
func TestASoakMeetsEachFaultBeforeItIsJudged(t *testing.T) {
	for seed := range uint64(100) {
		p := soakPlan(seed, 2*time.Hour)
		left := map[string]int{}
		for _, f := range p.Faults {
			if f.At > p.settled() {
				left[f.Kind]++
			}
		}
		if p.Length-p.settled() < time.Hour {
			t.Errorf("seed %d: judged from %v on", seed, p.settled())
		}
		for _, k := range soakDeck() {
			if left[k.name] < 2 {
				t.Errorf("seed %d: %s comes %d times while it is judged", seed, k.name, left[k.name])
			}
		}
	}
	if p := soakPlan(1, 10*time.Minute); p.settled() != p.Length {
		t.Errorf("ten minutes are judged from %v on", p.settled())
	}
}

func TestSparkline(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   string
	}{{nil, ""}, {[]float64{3, 3}, "▁▁"}, {[]float64{0, 7, 3.5, 2}, "▁█▅▃"}} {
		if got := sparkline(test.values); got != test.want {
			t.Errorf("%v: %s, want %s", test.values, got, test.want)
		}
	}
}

func TestASoakKillsNothingThatItWatches(t *testing.T) {
	p := soakPlan(1, 2*time.Hour)
	if len(p.Tasks) != 7200 || len(p.Faults) < 200 {
		t.Errorf("%d tasks, %d faults", len(p.Tasks), len(p.Faults))
	}
	for _, f := range p.Faults {
		switch f.Kind {
		case "kill in a request", "kill in a callback", "kill a relay", "kill the sweeper", "kill redis", "kill cos":
			t.Errorf("%v", f)
		}
	}
}
