package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

// item is on a wheel and remembers when it was ticked.
type item struct {
	spot   spot
	due    time.Time
	again  time.Duration
	ticked []time.Time
}

func (i *item) place() *spot { return &i.spot }

func (i *item) tick(now time.Time) time.Duration {
	i.ticked = append(i.ticked, now)
	return i.again
}

func TestWheel(t *testing.T) {
	now := time.Unix(1000, 0)
	const most = 10 * time.Second
	w := newWheel(most, now)
	var items []*item
	removed := map[*item]bool{}
	for range 1000 {
		i := &item{}
		in := rand.N(most) + 1
		i.due = now.Add(in)
		w.put(i, rand.N(most)+1) // is placed anew, not twice
		w.put(i, in)
		items = append(items, i)
	}
	for _, i := range items {
		if rand.N(4) == 0 {
			w.remove(i)
			w.remove(i)
			removed[i] = true
		}
	}
	on := 0
	w.each(func(timed) { on++ })
	if on != len(items)-len(removed) {
		t.Errorf("%d are on the wheel", on)
	}
	const step = 10 * time.Millisecond
	for end := now.Add(most + time.Second); now.Before(end); {
		now = now.Add(step)
		w.turn(now)
	}
	for _, i := range items {
		switch {
		case removed[i]:
			if len(i.ticked) > 0 {
				t.Error("what was removed was ticked")
			}
		case len(i.ticked) != 1:
			t.Errorf("ticked %d times", len(i.ticked))
		default:
			if late := i.ticked[0].Sub(i.due); late < -w.width || late > w.width+step {
				t.Errorf("ticked %v late", late)
			}
		}
	}
}

func TestAWheelThatStoodStillCatchesUp(t *testing.T) {
	now := time.Unix(1000, 0)
	w := newWheel(time.Second, now)
	once, often := &item{}, &item{again: 100 * time.Millisecond}
	w.put(once, time.Second)
	w.put(often, time.Millisecond)
	w.turn(now.Add(time.Hour)) // the process was frozen
	if len(once.ticked) != 1 || len(often.ticked) == 0 || len(often.ticked) > wheelSlots {
		t.Errorf("ticked %d and %d times", len(once.ticked), len(often.ticked))
	}
	before := len(often.ticked)
	w.turn(now.Add(time.Hour + 150*time.Millisecond))
	if len(often.ticked) == before {
		t.Error("what is to be ticked again is lost")
	}
}
