package main

import (
	"math"
	"slices"
	"time"
)

// sample is many measurements of one thing.
type sample []float64

func (s *sample) add(v float64)           { *s = append(*s, v) }
func (s *sample) addTime(d time.Duration) { s.add(milliseconds(d)) }

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// percentile is the smallest measurement that p percent are not above (nearest rank); NaN where there is none.
func (s sample) percentile(p float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	rank := int(math.Ceil(p / 100 * float64(len(s))))
	return sorted[max(rank, 1)-1]
}

func (s sample) median() float64 { return s.percentile(50) }
