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
