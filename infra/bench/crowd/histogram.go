package crowd

import (
	"math"
	"math/bits"
	"time"
)

// fine is into how many steps each power of two is divided: a percentile is at most 1/fine too high.
const fine = 64

// Histogram counts durations, in steps that grow with them. The zero value is empty.
type Histogram struct {
	count int64
	steps [(64 - 6) * fine]int64
}

// Add counts one. Durations below nothing count as nothing.
func (h *Histogram) Add(d time.Duration) {
	h.count++
	h.steps[stepOf(max(d, 0))]++
}

// Count is how many were added.
func (h *Histogram) Count() int64 { return h.count }

// Percentile is a duration that p percent are not above (nearest rank, the upper end of its step), 0 where there are none.
func (h *Histogram) Percentile(p float64) time.Duration {
	rank := max(int64(math.Ceil(p/100*float64(h.count))), 1)
	for i, n := range h.steps {
		if rank -= n; rank <= 0 {
			return endOf(i)
		}
	}
	return 0
}

// stepOf numbers the steps: below fine nanoseconds one each, then fine of them for every power of two.
func stepOf(d time.Duration) int {
	v := uint64(d)
	if v < fine {
		return int(v)
	}
	power := bits.Len64(v) - bits.Len64(fine) // ≥ 0
	return power*fine + int(v>>power)
}

// endOf is the longest duration of a step.
func endOf(step int) time.Duration {
	if step < 2*fine {
		return time.Duration(step)
	}
	power := step/fine - 1
	return time.Duration(uint64(step-power*fine+1)<<power - 1)
}
