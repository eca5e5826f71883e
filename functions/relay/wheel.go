package main

import "time"

// wheel calls whatever is placed on it when it is due: one timer for the hearts of all streams (Varghese and Lauck, "Hashed and
// hierarchical timing wheels", scheme 4). Its user's lock guards it.
type wheel struct {
	width time.Duration // of a slot
	slots [][]timed
	now   int64 // slots turned so far
	begun time.Time
}

// timed is what can be placed on a wheel.
type timed interface {
	// tick is called when it is due, and tells in how long it is again; 0: it leaves the wheel.
	tick(now time.Time) time.Duration
	// place is where the wheel notes its place.
	place() *spot
}

// spot is a place on a wheel; the zero value is none.
type spot struct{ slot, index int32 }

const (
	wheelSlots = 128
	// narrowest is how finely a wheel tells times: what turns it more often costs more than it gives.
	narrowest = 5 * time.Millisecond
)

// newWheel makes a wheel for times up to most.
func newWheel(most time.Duration, now time.Time) *wheel {
	return &wheel{width: max(most/(wheelSlots-1), narrowest), slots: make([][]timed, wheelSlots), begun: now}
}

// put places t so that it is due in that long, to a slot's width; what is further away than the wheel reaches is due when the
// wheel has come around.
func (w *wheel) put(t timed, in time.Duration) {
	w.remove(t)
	ahead := min(int64((in+w.width-1)/w.width), wheelSlots-1)
	slot := (w.now + max(ahead, 1)) % wheelSlots
	*t.place() = spot{int32(slot) + 1, int32(len(w.slots[slot]))}
	w.slots[slot] = append(w.slots[slot], t)
}

// remove takes t off, where it is on.
func (w *wheel) remove(t timed) {
	p := t.place()
	if p.slot == 0 {
		return
	}
	slot := w.slots[p.slot-1]
	last := len(slot) - 1
	slot[p.index] = slot[last]
	slot[p.index].place().index = p.index
	slot[last] = nil
	w.slots[p.slot-1] = slot[:last]
	*p = spot{}
}

// turn calls all that has become due. A wheel that stood still catches up.
func (w *wheel) turn(now time.Time) {
	until := int64(now.Sub(w.begun) / w.width)
	if until-w.now > wheelSlots { // each slot once is all there is
		w.now = until - wheelSlots
	}
	for w.now < until {
		w.now++
		slot := w.now % wheelSlots
		due := w.slots[slot]
		w.slots[slot] = nil
		for _, t := range due {
			*t.place() = spot{}
		}
		for _, t := range due {
			if in := t.tick(now); in > 0 {
				w.put(t, in)
			}
		}
		clear(due)
		w.slots[slot] = due[:0] // nothing was put here meanwhile: that is as far as the wheel reaches, and one further
	}
}

// each calls f for all that is on the wheel.
func (w *wheel) each(f func(timed)) {
	for _, slot := range w.slots {
		for _, t := range slot {
			f(t)
		}
	}
}
