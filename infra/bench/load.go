package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// inFlight is how many tasks are under way at a time.
const inFlight = 32

// measureLoad takes tasks through the whole system as fast as it can: a browser creates one of a picture of 100 KB and opens its stream, a
// worker takes it and calls back six times, with three results of 16 KB among it, the browser reads until it is told that the task is
// completed. The generator is part of what is measured.
func measureLoad(ctx context.Context, b *bench) error {
	s, err := b.system(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	file, err := jpegOf(landscape(640, 480, 3), 100<<10)
	if err != nil {
		return err
	}
	picture, err := s.upload(ctx, file)
	if err != nil {
		return err
	}
	l := &browsers{client: newClient(), picture: picture}
	worker, err := newLaborer(s.signer, file[:16<<10])
	if err != nil {
		return err
	}
	defer worker.close()
	env := []string{"WORKER_URLS=" + worker.url, "REQUIRED_RESULTS=" + strings.Join(requiredResults, " ")}
	parts := []*process{s.redis, s.cos}
	for _, f := range []struct {
		name string
		url  *string
	}{{"create-task", &l.create}, {"callback-result", &worker.results}, {"callback-status", &worker.status}, {"relay", &l.relay}} {
		p, err := s.start(ctx, f.name, env...)
		if err != nil {
			return err
		}
		*f.url = p.url()
		parts = append(parts, p)
	}

	tasks, rounds := 20*b.n, 3
	var rate, latency, total sample
	perPart := make([]sample, len(parts)+1)
	for round := range rounds + 1 { // the first warms up
		before, err := cpuOfAll(parts)
		if err != nil {
			return err
		}
		began := time.Now()
		took, err := l.run(ctx, worker, tasks)
		if err != nil {
			return err
		}
		elapsed := time.Since(began)
		after, err := cpuOfAll(parts)
		if err != nil {
			return err
		}
		if round == 0 {
			continue
		}
		rate.add(float64(tasks) / elapsed.Seconds())
		latency = append(latency, took...)
		var sum float64
		for i := range after {
			each := milliseconds(after[i]-before[i]) / float64(tasks)
			perPart[i].add(each)
			sum += each
		}
		total.add(sum)
	}
	b.table.add(figure{
		what: fmt.Sprintf("tasks a second, created to COMPLETED at the browser, %d at a time", inFlight), value: rate.median(), unit: "/s", atLeast: new(300.0),
		beside: fmt.Sprintf("median of %d × %d tasks; each p50 %s, p99 %s", rounds, tasks, amount(latency.median(), "ms"), amount(latency.percentile(99), "ms")),
	})
	shares := make([]string, len(perPart))
	for i, p := range perPart {
		name := "generator"
		if i < len(parts) {
			name = parts[i].name
		}
		shares[i] = name + " " + amount(p.median(), "ms")
	}
	b.table.add(figure{what: "CPU a task, everything included", value: total.median(), unit: "ms", beside: strings.Join(shares, ", ")})
	return nil
}

// cpuOfAll tells the CPU time of each process, and of this one.
func cpuOfAll(parts []*process) ([]time.Duration, error) {
	times := make([]time.Duration, len(parts)+1)
	for i := range times {
		pid := os.Getpid()
		if i < len(parts) {
			pid = parts[i].pid()
		}
		var err error
		if times[i], err = cpuTime(pid); err != nil {
			return nil, err
		}
	}
	return times, nil
}
