package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

// checkTimes holds the durations that must fit each other: variables against the platform's limits and timers.
func checkTimes(s *subject) error {
	for _, f := range s.filled.Functions {
		if longest, line, ok := s.duration(f, "STREAM_MAX"); ok && longest >= f.Timeout {
			s.add(ymlFile, line, "function %s: streams end by themselves after STREAM_MAX (%s), the platform cuts them after timeout (%s): make the timeout longer, 900 at most, or set STREAM_MAX", f.Name, longest, f.Timeout)
		}
		if longest, line, ok := s.duration(f, "DISPATCH_TIMEOUT"); ok && longest >= f.Timeout {
			s.add(ymlFile, line, "function %s: a hand-over may take DISPATCH_TIMEOUT (%s), the platform ends it after timeout (%s): make the timeout longer", f.Name, longest, f.Timeout)
		}
	}
	for _, t := range s.deployment.Timers {
		f, known := s.filled.Function(t.Function)
		interval, line, ok := s.duration(f, "SWEEP_INTERVAL")
		period, regular := every(t.Cron)
		if known && ok && !regular {
			s.add(ymlFile, t.Line, "the timer comes at %q, and SWEEP_INTERVAL is %s: write it as steps of seconds or minutes, \"*/15 * * * * * *\" for 15s", t.Cron, interval)
		}
		if known && ok && regular && interval != period {
			s.add(ymlFile, line, "SWEEP_INTERVAL is %s, and the timer of line %d comes every %s: make them the same", interval, t.Line, period)
		}
	}
	return nil
}

// duration is what a function's program takes a variable for, and where that is said: what it is given, else its preset.
func (s *subject) duration(f manifest.Function, name string) (d time.Duration, line int, ok bool) {
	r, reads := s.sources[f.Name].reads[name]
	if !reads {
		return 0, 0, false
	}
	text, line := r.preset, f.Line
	if v, given := f.Variable(name); given && v.Value != "" {
		text, line = v.Value, v.ValueLine
	}
	d, err := time.ParseDuration(text)
	return d, line, err == nil // what is none, the program says itself
}

// every is the period of a cron of the form `*/n` seconds or minutes; regular is false for one of another form.
func every(cron string) (period time.Duration, regular bool) {
	fields := strings.Fields(cron)
	for i, unit := range []time.Duration{time.Second, time.Minute} {
		if len(fields) != 7 || strings.Join(fields[i+1:], "") != strings.Repeat("*", 6-i) || i == 1 && fields[0] != "0" {
			continue
		}
		if fields[i] == "*" {
			return unit, true
		}
		step, stepped := strings.CutPrefix(fields[i], "*/")
		if n, err := strconv.Atoi(step); stepped && err == nil {
			return time.Duration(n) * unit, true
		}
	}
	return 0, false
}
