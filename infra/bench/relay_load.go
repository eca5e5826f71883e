package main

import (
	"context"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/recon3d/recon3d/infra/bench/crowd"
)

// cpuTimes is the CPU time of the parties to a case.
type cpuTimes struct{ server, redis, generator time.Duration }

func (t cpuTimes) minus(u cpuTimes) cpuTimes {
	return cpuTimes{t.server - u.server, t.redis - u.redis, t.generator - u.generator}
}

// cpu is what the parties have taken so far.
func (s *show) cpu() (t cpuTimes, err error) {
	server, redis := s.venue.processes()
	if t.server, err = cpuTime(server.pid()); err != nil {
		return t, err
	}
	if redis != nil {
		if t.redis, err = cpuTime(redis.pid()); err != nil {
			return t, err
		}
	}
	t.generator, err = cpuTime(os.Getpid())
	return t, err
}

// addTopics makes topics and tells the first one's number.
func (s *show) addTopics(ctx context.Context, count int) (first int, err error) {
	first = len(s.next)
	for range count {
		s.next = append(s.next, s.venue.traits().first+1)
	}
	return first, s.venue.addTopics(ctx, count)
}

// last is the number of the last event of a topic.
func (s *show) last(topic int) int64 { return s.next[topic] - 1 }

// publishAt publishes that many events on topics first to first+topics-1 in turn, at a steady rate a second. An event is stamped
// when it is sent, not when it was due: where the publishers are held up, the rate is lower, and behind says by how long.
func (s *show) publishAt(ctx context.Context, clock *crowd.Clock, first, topics, events int, rate float64) (behind time.Duration, err error) {
	group, ctx := errgroup.WithContext(ctx)
	lanes := make([]chan int, min(s.venue.traits().lanes, topics))
	for lane := range lanes {
		due := make(chan int, events/len(lanes)+1)
		lanes[lane] = due
		group.Go(func() error {
			for topic := range due {
				if err := s.publish(ctx, clock, lane, topic); err != nil {
					return err
				}
			}
			return nil
		})
	}
	began := time.Now()
	for i := range events {
		if due := time.Duration(float64(i) / rate * float64(time.Second)); due > time.Since(began) {
			doze(due - time.Since(began))
		}
		if ctx.Err() != nil {
			break
		}
		topic := i % topics
		lanes[topic%len(lanes)] <- first + topic // of one topic always the same, so that its numbers stay in order
	}
	for _, due := range lanes {
		close(due)
	}
	err = group.Wait()
	return time.Since(began) - time.Duration(float64(events)/rate*float64(time.Second)), err
}

// publish publishes a topic's next event.
func (s *show) publish(ctx context.Context, clock *crowd.Clock, lane, topic int) error {
	number := s.next[topic]
	s.next[topic]++
	if clock != nil {
		clock.Stamp(topic, number)
	}
	return s.venue.publish(ctx, lane, topic, number)
}
