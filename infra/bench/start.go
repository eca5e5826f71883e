package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/recon3d/recon3d/infra/local/timer"
	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/task"
)

// firstAnswer is something that a function is asked first of all.
type firstAnswer struct {
	function, what string
	ask            func() (ask, error) // nil: an event of the timer
}

// measureStart starts each function anew and again, and takes the time until the whole of its first answer is here.
func measureStart(ctx context.Context, b *bench) error {
	s, err := b.system(ctx)
	if err != nil {
		return err
	}
	defer s.close()

	firsts := s.firstAnswers()
	times, cpu := make([]sample, len(firsts)), make([]sample, len(firsts))
	for round := range b.n + 1 { // interleaved, so that a busy moment meets all; the first brings the binaries into the page cache
		for i, f := range firsts {
			took, used, err := s.startOnce(ctx, f)
			if err != nil {
				return err
			}
			if round > 0 {
				times[i].addTime(took)
				cpu[i].addTime(used)
			}
		}
	}
	for i, f := range firsts {
		b.table.add(figure{
			what: f.function + ": " + f.what, value: times[i].median(), unit: "ms", atMost: new(12.0),
			beside: fmt.Sprintf("median of %d; p90 %s, CPU %s", b.n, amount(times[i].percentile(90), "ms"), amount(cpu[i].median(), "ms")),
		})
	}
	return nil
}

// firstAnswers lists an answer that needs nothing and one that needs Redis, of each function.
func (s *system) firstAnswers() []firstAnswer {
	id := task.NewID("local") // of nothing that there is
	asking := map[string]func() (ask, error){
		"picture":     func() (ask, error) { return get("/picture/"+id, 404), nil },
		"create-task": func() (ask, error) { return create(id, "key", 404), nil },
		"tasks":       func() (ask, error) { return get(task.StatusPath(id), 404), nil },
		"callback-result": func() (ask, error) {
			return s.announce(callback.Upload, id, requiredResult, []byte("bytes"), 404)
		},
		"callback-status": func() (ask, error) { return s.say(percent(id, 1), 404) },
		"relay":           func() (ask, error) { return get("/api/reconstruction/events/"+id, 404), nil },
	}
	var all []firstAnswer
	for _, function := range functions() {
		if function == "sweeper" {
			all = append(all, firstAnswer{function, "start to the end of its first run", nil})
			continue
		}
		all = append(all, firstAnswer{function, "start to first answer", func() (ask, error) { return get("/nothing", 404), nil }})
		if asking[function] != nil { // web has no Redis
			all = append(all, firstAnswer{function, "start to first answer that asks Redis", asking[function]})
		}
	}
	return all
}

// startOnce starts a function, asks it, and ends it. cpu is what it took in all.
func (s *system) startOnce(ctx context.Context, f firstAnswer) (took, cpu time.Duration, err error) {
	var p *process
	if f.ask == nil {
		var sweeper timer.Function
		if p, sweeper, err = s.startSweeper(ctx); err == nil {
			err = invokeWhenUp(ctx, sweeper)
		}
	} else {
		var a ask
		if a, err = f.ask(); err == nil {
			p, err = s.start(ctx, f.function)
		}
		if err == nil {
			client := newClient()
			_, err = a.send(ctx, client, p.url())
			defer client.CloseIdleConnections()
		}
	}
	if err != nil {
		return 0, 0, err
	}
	took = time.Since(p.began)
	return took, p.kill(), nil
}

// invokeWhenUp sends one event as soon as the function's port is open.
func invokeWhenUp(ctx context.Context, f timer.Function) error {
	for {
		_, err := f.Invoke(ctx, []byte(sweep))
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		pause()
	}
}
