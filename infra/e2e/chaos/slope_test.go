package main

import (
	"math"
	"math/rand/v2"
	"testing"
)

// noisy is a line of that slope with noise around it; burst adds a few points that are far off.
func noisy(seed uint64, n int, slope float64, burst bool) (at, values []float64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range n {
		v := 100 + slope*float64(i) + rng.NormFloat64()
		if burst && rng.IntN(10) == 0 {
			v += 50
		}
		at, values = append(at, float64(i)), append(values, v)
	}
	return at, values
}

func TestASlopeIsToldFromNoise(t *testing.T) {
	wrong := 0
	for seed := range uint64(200) {
		if at, v := noisy(seed, 40, 0, true); trendOf(at, v, 0.95).grows() {
			wrong++
		}
		at, v := noisy(seed, 40, 0.2, true)
		if got := trendOf(at, v, 0.95); !got.grows() || math.Abs(got.Slope-0.2) > 0.1 {
			t.Errorf("seed %d: a slope of 0.2 is %+v", seed, got)
		}
	}
	if wrong > 12 { // 2.5 of 100 are expected: 5, and 12 hardly ever
		t.Errorf("%d of 200 flat series grow", wrong)
	}
}

func TestTheEndsOfASeries(t *testing.T) {
	flat := []float64{5, 5, 5, 5, 5, 5, 5, 5, 5, 5}
	at := []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	if got := trendOf(at, flat, 0.99); got.grows() || got.Slope != 0 || got.Median != 5 {
		t.Errorf("flat: %+v", got)
	}
	if got := trendOf(at, at, 0.99); !got.grows() || got.Slope != 1 {
		t.Errorf("a line: %+v", got)
	}
	if got := trendOf(at[:5], at[:5], 0.99); got.grows() {
		t.Errorf("five points tell nothing: %+v", got)
	}
	times, means := blocks(at, at, 4) // blocks of 3; the last point is left
	if len(times) != 3 || means[0] != 1 || times[2] != 7 {
		t.Errorf("blocks: %v %v", times, means)
	}
	if times, _ := blocks(nil, nil, 4); times != nil {
		t.Errorf("blocks of nothing: %v", times)
	}
}
