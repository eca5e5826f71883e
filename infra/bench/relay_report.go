package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/recon3d/recon3d/infra/bench/plot"
)

// relayResults are the outcomes of all rounds, by server and case.
type relayResults map[string]map[string][]outcome

func (r relayResults) add(server, name string, o outcome) {
	if r[server] == nil {
		r[server] = map[string][]outcome{}
	}
	r[server][name] = append(r[server][name], o)
}

// median is of one quantity of a case, over the rounds in which it could be measured; NaN where there is none.
func (r relayResults) median(server, name string, of func(outcome) float64) float64 {
	var s sample
	for _, o := range r[server][name] {
		if o.trouble == nil {
			s.add(of(o))
		}
	}
	return s.median()
}

// The quantities.

func p50(o outcome) float64       { return milliseconds(o.p50) }
func p99(o outcome) float64       { return milliseconds(o.p99) }
func seconds(o outcome) float64   { return o.took.Seconds() }
func resident(o outcome) float64  { return o.resident }
func kernel(o outcome) float64    { return o.kernel }
func starting(o outcome) float64  { return milliseconds(o.started) }
func idling(o outcome) float64    { return o.idle }
func serverCPU(o outcome) float64 { return o.perMillion(o.cpu.server - o.publishing.server) }
func redisCPU(o outcome) float64  { return o.perMillion(o.cpu.redis - o.publishing.redis) }
func generatorCPU(o outcome) float64 {
	return o.perMillion(o.cpu.generator)
}

// bothCPU is server and Redis, without what publishing takes by itself; wholeCPU is with it.
func bothCPU(o outcome) float64  { return serverCPU(o) + redisCPU(o) }
func wholeCPU(o outcome) float64 { return o.perMillion(o.cpu.server + o.cpu.redis) }

// perMillion is CPU seconds per million deliveries.
func (o outcome) perMillion(d time.Duration) float64 {
	return d.Seconds() * 1e6 / float64(max(o.deliveries, 1))
}

// rate is deliveries a second.
func rate(o outcome) float64 {
	if o.took <= 0 {
		return 0
	}
	return float64(o.deliveries) / o.took.Seconds()
}

// String is a line for the log.
func (o outcome) String() string {
	var s strings.Builder
	if o.p99 > 0 {
		fmt.Fprintf(&s, "p50 %s, p99 %s, slowest %s; ", amount(p50(o), "ms"), amount(p99(o), "ms"), amount(milliseconds(o.slowest), "ms"))
	}
	if o.deliveries > 0 {
		fmt.Fprintf(&s, "%d deliveries in %s, %s/s; CPU s/M: server %s, Redis %s", o.deliveries, amount(seconds(o), "s"), amount(rate(o), ""),
			amount(serverCPU(o), ""), amount(redisCPU(o), ""))
		if o.publishing != (cpuTimes{}) {
			fmt.Fprintf(&s, " (and publishing: %s, %s)", amount(o.perMillion(o.publishing.server), ""), amount(o.perMillion(o.publishing.redis), ""))
		}
		fmt.Fprintf(&s, ", generator %s; ", amount(generatorCPU(o), ""))
	}
	if o.resident != 0 {
		fmt.Fprintf(&s, "%s a client, kernel %s, CPU while idle: server %s, Redis %s; ", amount(o.resident, "KB"), amount(o.kernel, "KB"),
			amount(milliseconds(o.cpu.server), "ms"), amount(milliseconds(o.cpu.redis), "ms"))
	}
	if wrong := o.wrong(); wrong != "" {
		fmt.Fprintf(&s, "WRONG: %s; ", wrong)
	}
	if held := o.heldUp(); held != "" {
		s.WriteString(held + "; ")
	}
	fmt.Fprintf(&s, "start %s, idle %s", amount(starting(o), "ms"), amount(idling(o), "MB"))
	return s.String()
}

// wrong tells what must not be, "" where each client got each event once.
func (o outcome) wrong() string {
	var all []string
	if o.trouble != nil {
		all = append(all, "failed: "+o.trouble.Error())
	}
	for _, count := range []struct {
		what string
		n    int64
	}{{"lost", o.lost}, {"doubled", o.doubled}, {"streams cut", o.cut}} {
		if count.n > 0 {
			all = append(all, fmt.Sprintf("%s %d", count.what, count.n))
		}
	}
	return strings.Join(all, ", ")
}

// heldUp tells where publishers had to wait so long that there were notably fewer events a second than there were to be.
func (o outcome) heldUp() string {
	if o.behind <= o.took/10 {
		return ""
	}
	return fmt.Sprintf("publishers held up for %s", amount(o.behind.Seconds(), "s"))
}

// told joins what is told of a server's outcomes, by case, once each.
func (r relayResults) told(server string, of func(outcome) string) string {
	var all []string
	for _, c := range relayCases() {
		for _, o := range r[server][c.name] {
			if told := of(o); told != "" {
				all = append(all, c.name+": "+told)
				break
			}
		}
	}
	return strings.Join(all, "; ")
}

// remarks is what the table says at the end of a server's line.
func (r relayResults) remarks(server string) string {
	return strings.Trim(r.told(server, outcome.wrong)+"; "+r.told(server, outcome.heldUp), "; ")
}

// report adds the figures that have budgets to the table, all figures beside each other below it, and the plots.
func (r relayResults) report(b *bench) {
	for _, ours := range []string{plainRelay, leanRelay} {
		if r[ours] != nil {
			r.judge(b.table, ours)
		}
	}
	b.table.note(r.matrix())
	b.table.picture("relay.svg", r.plots())
}

// judge adds one of our two ways, beside nchan.
func (r relayResults) judge(t *table, ours string) {
	lean := ours == leanRelay
	add := func(name string, f figure) {
		if len(r[ours][name]) > 0 {
			f.what = ours + ", " + f.what
			t.add(f)
		}
	}
	beside := func(name string, of func(outcome) float64, unit string) string {
		if v := r.median(nchan, name, of); !math.IsNaN(v) {
			return "nchan: " + amount(v, unit)
		}
		return ""
	}
	budget := func(atMost float64, holds bool) *float64 {
		if !holds {
			return nil
		}
		return &atMost
	}
	compare := func(name, nchans string, f figure) {
		if len(r[nchan][nchans]) > 0 {
			add(name, f)
		}
	}
	ratio := func(name string, of func(outcome) float64) float64 {
		return r.median(ours, name, of) / r.median(nchan, name, of)
	}

	add("A", figure{what: "A: p99", value: r.median(ours, "A", p99), unit: "ms", atMost: new(2.0), beside: beside("A", p99, "ms")})
	add("A", figure{
		what: "A: CPU s per million, server + Redis, without publishing", value: r.median(ours, "A", bothCPU), unit: "s", atMost: new(80.0),
		beside: strings.TrimSuffix("with publishing: "+amount(r.median(ours, "A", wholeCPU), "s")+"; "+beside("A", wholeCPU, "s"), "; "),
	})
	compare("A", "A", figure{
		what: "A: ÷ nchan's, both with publishing", value: ratio("A", wholeCPU), unit: "×", atMost: new(0.5),
		beside: "both without: " + amount(ratio("A", bothCPU), "×"),
	})
	add("B", figure{what: "B: CPU s per million", value: r.median(ours, "B", bothCPU), unit: "s", atMost: budget(10.5, lean), beside: beside("B", bothCPU, "s")})
	compare("B", "B", figure{what: "B: nchan's deliveries a second ÷ ours", value: 1 / ratio("B", rate), unit: "×", atMost: budget(0.8, lean), beside: fmt.Sprintf("%s/s, %s", amount(r.median(ours, "B", rate), ""), beside("B", rate, "/s"))})
	add("C", figure{what: "C: all missed events are there", value: r.median(ours, "C", seconds), unit: "s", atMost: budget(0.55, lean), beside: beside("C", seconds, "s")})
	compare("C soon", "C", figure{what: "C, within the linger: ÷ nchan's", value: r.median(ours, "C soon", seconds) / r.median(nchan, "C", seconds), unit: "×", atMost: budget(1, lean), beside: amount(r.median(ours, "C soon", seconds), "s")})
	atMost := 28.0
	if lean {
		atMost = 3
	}
	add("D", figure{what: "D: resident a client", value: r.median(ours, "D", resident), unit: "KB", atMost: &atMost, beside: beside("D", resident, "KB")})
	add("slow", figure{
		what: "slow: the others' p99 ÷ A's", value: r.median(ours, "slow", p99) / r.median(ours, "A", p99), unit: "×", atMost: new(1.1),
		beside: amount(r.median(ours, "slow", p99), "ms"),
	})
	t.add(figure{what: ours + ", events lost, doubled, and streams cut, in all cases and rounds", value: r.faults(ours), atMost: new(0.0), beside: r.told(ours, outcome.wrong)})
}

// faults counts what must not be. A case that failed is one.
func (r relayResults) faults(server string) (n float64) {
	for _, outcomes := range r[server] {
		for _, o := range outcomes {
			n += float64(o.lost + o.doubled + o.cut)
			if o.trouble != nil {
				n++
			}
		}
	}
	return n
}

// matrix is all medians, a line a server.
func (r relayResults) matrix() string {
	var s strings.Builder
	s.WriteString("| relay: medians | A p50 / p99 ms | A CPU s/M: server + Redis | (publishing) | B deliveries/s | B CPU s/M | C s | C soon s | D KB a client (kernel) |" +
		" slow: others' p99 ms | start ms / idle MB | remarks |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n")
	for _, server := range r.measured() {
		of := func(name string, quantity func(outcome) float64) string {
			return orDash(r.median(server, name, quantity))
		}
		publishing := func(o outcome) float64 { return o.perMillion(o.publishing.server + o.publishing.redis) }
		fmt.Fprintf(&s, "| %s | %s / %s | %s + %s | %s | %s | %s | %s | %s | %s (%s) | %s | %s / %s | %s |\n", cell(server),
			of("A", p50), of("A", p99), of("A", serverCPU), of("A", redisCPU), of("A", publishing),
			of("B", rate), of("B", bothCPU), of("C", seconds), of("C soon", seconds), of("D", resident), of("D", kernel), of("slow", p99),
			orDash(r.overall(server, starting)), orDash(r.overall(server, idling)), cell(r.remarks(server)))
	}
	fmt.Fprintf(&s, "| the generator itself, median of all |  | %s |  |  | %s | | | | | | |\n", orDash(r.generator("A")), orDash(r.generator("B")))
	return strings.TrimSpace(s.String())
}

func orDash(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return amount(v, "")
}

// measured are the servers that there are figures of, ours first.
func (r relayResults) measured() (names []string) {
	for _, s := range eventServers() {
		if r[s.name] != nil {
			names = append(names, s.name)
		}
	}
	return names
}

// overall is a median over all cases of a server.
func (r relayResults) overall(server string, of func(outcome) float64) float64 {
	var all sample
	for _, outcomes := range r[server] {
		for _, o := range outcomes {
			if o.trouble == nil {
				all.add(of(o))
			}
		}
	}
	return all.median()
}

// generator is the CPU s per million of this program, over all servers.
func (r relayResults) generator(name string) float64 {
	var all sample
	for _, cases := range r {
		for _, o := range cases[name] {
			if o.trouble == nil {
				all.add(generatorCPU(o))
			}
		}
	}
	return all.median()
}

// plots draws what the budgets are about.
func (r relayResults) plots() string {
	panel := func(title, note, name string, budgets []plot.Budget, parts []string, of ...func(outcome) float64) plot.Panel {
		p := plot.Panel{Title: title, Note: note, Parts: parts, Budgets: budgets}
		for _, server := range r.measured() {
			if len(r[server][name]) == 0 {
				continue
			}
			bar := plot.Bar{Label: server, Ours: server == plainRelay || server == leanRelay}
			sum := 0.0
			for _, quantity := range of {
				v := max(r.median(server, name, quantity), 0) // of NaN NaN
				sum += v
				bar.Parts = append(bar.Parts, v)
			}
			bar.Text = amount(sum, "")
			if math.IsNaN(sum) {
				bar.Parts, bar.Text = nil, "failed"
			}
			p.Bars = append(p.Bars, bar)
		}
		return p
	}
	both := []string{"server", "Redis"}
	panels := []plot.Panel{
		panel("A: CPU seconds per million deliveries", "without publishing", "A", []plot.Budget{{At: 80, Text: "80"}}, both, serverCPU, redisCPU),
		panel("A: p99, ms", "published to parsed", "A", []plot.Budget{{At: 2, Text: "2"}}, nil, p99),
		panel("B: CPU seconds per million deliveries", "one topic", "B", []plot.Budget{{At: 10.5, Text: "10.5 (lean)"}}, both, serverCPU, redisCPU),
		panel("B: deliveries a second", "more is better", "B", []plot.Budget{{At: 1.25 * r.median(nchan, "B", rate), Text: "1.25 × nchan"}}, nil, rate),
		panel("C: seconds until all missed events are there", "nothing kept at hand", "C", []plot.Budget{{At: 0.55, Text: "0.55 (lean)"}}, nil, seconds),
		panel("D: KB a client", "resident", "D", []plot.Budget{{At: 28, Text: "28"}, {At: 3, Text: "3 (lean)"}}, nil, resident),
		panel("slow: the others' p99, ms", "one in ten reads nothing", "slow", nil, nil, p99),
	}
	drawn := panels[:0]
	for _, p := range panels {
		if len(p.Bars) > 0 {
			drawn = append(drawn, p)
		}
	}
	return plot.SVG("The relay beside its peers: the figures of the table", drawn)
}
