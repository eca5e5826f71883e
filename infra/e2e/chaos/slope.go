package main

import (
	"math"
	"slices"
)

// trend is the slope of a series by Theil and Sen: the median of the slopes between all pairs of its points, which a few strange points
// don't move. Least and Most are a confidence interval by the distribution of Kendall's S (P. K. Sen, Estimates of the regression
// coefficient based on Kendall's tau, 1968, section 5, ties included).
type trend struct {
	Slope, Least, Most float64 // per unit of time
	Median             float64 // of the values
}

// grows tells whether the slope is above zero for certain.
func (t trend) grows() bool { return t.Least > 0 }

// trendOf computes it at that confidence (0.95: 5 of 100 such intervals don't hold the slope). Fewer than 8 points tell nothing: an interval
// without bounds.
func trendOf(at, values []float64, confidence float64) trend {
	sorted := slices.Sorted(slices.Values(values))
	t := trend{Least: math.Inf(-1), Most: math.Inf(1)}
	n := len(values)
	if n > 0 {
		t.Median = sorted[n/2]
	}
	if n < 8 {
		return t
	}
	var slopes []float64
	for i := range n {
		for j := range i {
			slopes = append(slopes, (values[i]-values[j])/(at[i]-at[j]))
		}
	}
	slices.Sort(slopes)
	t.Slope = (slopes[(len(slopes)-1)/2] + slopes[len(slopes)/2]) / 2

	variance := float64(n * (n - 1) * (2*n + 5))
	for i := 0; i < n; {
		ties := 1
		for i+ties < n && sorted[i+ties] == sorted[i] {
			ties++
		}
		variance -= float64(ties * (ties - 1) * (2*ties + 5))
		i += ties
	}
	z := math.Sqrt2 * math.Erfinv(confidence)
	c := z * math.Sqrt(max(variance, 0)/18)
	last := float64(len(slopes))
	if low := int(math.Floor((last - c) / 2)); low >= 0 && low < len(slopes) {
		t.Least = slopes[low]
	}
	if high := int(math.Ceil((last + c) / 2)); high < len(slopes) {
		t.Most = slopes[high]
	}
	return t
}

// blocks averages a series to at most n points. Neighbouring samples are alike, and a test that takes them for independent finds
// slopes where there are none.
func blocks(at, values []float64, n int) (times, means []float64) {
	size := max(1, (len(values)+n-1)/n)
	for from := 0; from+size <= len(values); from += size {
		var t, v float64
		for i := from; i < from+size; i++ {
			t, v = t+at[i], v+values[i]
		}
		times, means = append(times, t/float64(size)), append(means, v/float64(size))
	}
	return times, means
}
