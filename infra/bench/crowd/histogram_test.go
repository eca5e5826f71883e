package crowd

import (
	"math"
	"testing"
	"time"
)

func TestPercentilesAreHardlyTooHigh(t *testing.T) {
	for _, d := range []time.Duration{0, 1, 63, 64, 65, 127, 128, 129, 1000, time.Microsecond, 123456, time.Millisecond, time.Second, time.Hour, math.MaxInt64} {
		var h Histogram
		h.Add(d)
		got := h.Percentile(99)
		if got < d || float64(got-d) > float64(d)/fine {
			t.Errorf("%d became %d", d, got)
		}
	}
}

func TestPercentilesOfMany(t *testing.T) {
	var h Histogram
	for i := range 1000 {
		h.Add(time.Duration(i+1) * time.Microsecond)
	}
	h.Add(-time.Second) // two clocks may differ; it counts as nothing
	if h.Count() != 1001 {
		t.Errorf("%d counted", h.Count())
	}
	for p, want := range map[float64]time.Duration{0: 0, 50: 500 * time.Microsecond, 99: 990 * time.Microsecond, 100: time.Millisecond} {
		if got := h.Percentile(p); got < want || got > want+want/fine {
			t.Errorf("p%g: %v, want %v", p, got, want)
		}
	}
	if (&Histogram{}).Percentile(99) != 0 {
		t.Error("there is a percentile of nothing")
	}
}

func TestStepsFollowEachOther(t *testing.T) {
	for step := range 20 * fine {
		end := endOf(step)
		if stepOf(end) != step || stepOf(end+1) != step+1 {
			t.Fatalf("step %d ends at %d, which is in %d, and the next is in %d", step, end, stepOf(end), stepOf(end+1))
		}
	}
}
