package main

import (
	"math"
	"testing"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	hundred := make(sample, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i) // unsorted
	}
	for _, c := range []struct {
		s       sample
		p, want float64
	}{
		{sample{7}, 0, 7},
		{sample{7}, 99, 7},
		{sample{3, 1, 2}, 50, 2},
		{sample{4, 1, 3, 2}, 50, 2},
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 100, 100},
		{hundred[:50], 99, 100}, // of 51 to 100
	} {
		if got := c.s.percentile(c.p); got != c.want {
			t.Errorf("p%g of %d: %g, want %g", c.p, len(c.s), got, c.want)
		}
	}
	if hundred[0] != 100 {
		t.Error("the sample itself was sorted")
	}
	if !math.IsNaN(sample(nil).median()) {
		t.Error("there is a median of nothing")
	}
}

func TestAFigureThatCouldNotBeMeasuredMissesItsBudget(t *testing.T) {
	for _, c := range []struct {
		value           float64
		atMost, atLeast *float64
		met             bool
	}{
		{1, nil, nil, true},
		{1, new(1.0), nil, true},
		{1.01, new(1.0), nil, false},
		{-1, new(1.0), nil, true},
		{math.NaN(), new(1.0), nil, false},
		{1, nil, new(1.0), true},
		{0.99, nil, new(1.0), false},
		{math.NaN(), nil, new(1.0), false},
	} {
		f := figure{value: c.value, atMost: c.atMost, atLeast: c.atLeast}
		both := &table{rows: []row{{"s", figure{}}, {"s", f}}}
		if f.met() != c.met || both.met() != c.met {
			t.Errorf("%g: %v, the table %v", c.value, f.met(), both.met())
		}
	}
}

func TestTheTableIsMarkdown(t *testing.T) {
	var tab table
	tab.scenario("start")
	tab.add(figure{what: "a|b", value: 12.345, unit: "ms", atMost: new(25.0), beside: "p90 13.0 ms"})
	tab.add(figure{what: "c", value: 26, unit: "ms", atMost: new(25.0)})
	tab.scenario("redis")
	tab.add(figure{what: "d", value: 0.126})
	tab.add(figure{what: "e", value: 20000, unit: "/s", atLeast: new(15000.0)})
	tab.note("demo: skipped.")
	want := `| scenario | what | figure | budget | met | beside it |
|---|---|--:|--:|---|---|
| start | a\|b | 12.3 ms | ≤ 25 ms | yes | p90 13.0 ms |
| start | c | 26 ms | ≤ 25 ms | **no** |  |
| redis | d | 0.13 |  |  |  |
| redis | e | 20000 /s | ≥ 15000 /s | yes |  |

demo: skipped.
`
	if got := tab.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
