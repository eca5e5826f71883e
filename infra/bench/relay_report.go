package main

import (
	"fmt"
	"strings"
	"time"
)

// relayResults are the outcomes of all rounds, by server and case.
type relayResults map[string]map[string][]outcome

func (r relayResults) add(server, name string, o outcome) {
	if r[server] == nil {
		r[server] = map[string][]outcome{}
	}
	r[server][name] = append(r[server][name], o)
}

// perMillion is CPU seconds per million deliveries.
func (o outcome) perMillion(d time.Duration) float64 {
	return d.Seconds() * 1e6 / float64(max(o.deliveries, 1))
}

func (o outcome) rate() float64 {
	if o.took <= 0 {
		return 0
	}
	return float64(o.deliveries) / o.took.Seconds()
}

// String is a line for the log.
func (o outcome) String() string {
	var s strings.Builder
	if o.p99 > 0 {
		fmt.Fprintf(&s, "p50 %s, p99 %s; ", amount(milliseconds(o.p50), "ms"), amount(milliseconds(o.p99), "ms"))
	}
	if o.deliveries > 0 {
		fmt.Fprintf(&s, "%d deliveries in %s, %s/s; CPU s/M: server %s, Redis %s", o.deliveries, amount(o.took.Seconds(), "s"), amount(o.rate(), ""),
			amount(o.perMillion(o.cpu.server), ""), amount(o.perMillion(o.cpu.redis), ""))
		if o.publishing != (cpuTimes{}) {
			fmt.Fprintf(&s, " (publishing: %s and %s)", amount(o.perMillion(o.publishing.server), ""), amount(o.perMillion(o.publishing.redis), ""))
		}
		fmt.Fprintf(&s, ", generator %s; ", amount(o.perMillion(o.cpu.generator), ""))
	}
	if o.resident != 0 {
		fmt.Fprintf(&s, "%s a client, kernel %s, CPU while idle: server %s, Redis %s; ", amount(o.resident, "KB"), amount(o.kernel, "KB"),
			amount(milliseconds(o.cpu.server), "ms"), amount(milliseconds(o.cpu.redis), "ms"))
	}
	if !o.sound() {
		fmt.Fprintf(&s, "LOST %d, DOUBLED %d, CUT %d; ", o.lost, o.doubled, o.cut)
	}
	fmt.Fprintf(&s, "start %s, idle %s", amount(milliseconds(o.started), "ms"), amount(o.idle, "MB"))
	return s.String()
}

// report adds the figures with their budgets to the table.
func (r relayResults) report(*bench) {}
