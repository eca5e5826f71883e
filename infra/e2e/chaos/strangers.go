package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Visit is a connection to a task's events that somebody made who claims to have been there before.
type Visit struct {
	TaskID string
	From   string // Last-Event-ID
	Status int    // 0: there was no answer
	Events []Event
}

// lastSeen are what strangers say that they saw last: the truth now and then, what nobody can have seen, and what is no number.
func lastSeen() []string {
	return []string{
		"", "", "0", "1", "2", "3", "4", "5", "7", "00", "01", "+1", "-1", "1.0", "9", "99", "9223372036854775807", "9223372036854775808", "18446744073709551616",
		"0-1", "1-0", "abc", "٣", "1,2", "null",
	}
}

// storm opens streams of any tasks until ctx is done, so many at a time, each for a moment.
func (p *people) storm(ctx context.Context, width int) {
	var all sync.WaitGroup
	for range width {
		all.Go(func() {
			for rested(ctx, rand.N(300*time.Millisecond)) {
				p.visit(ctx)
			}
		})
	}
	all.Wait()
}

// visit opens one stream.
func (p *people) visit(ctx context.Context) {
	id, user, found := p.anyTask()
	if !found {
		return
	}
	from := lastSeen()[rand.IntN(len(lastSeen()))]
	ctx, leave := context.WithTimeout(ctx, 50*time.Millisecond+rand.N(1500*time.Millisecond))
	defer leave()
	seen := &Story{}
	w := &watcher{
		people: p, story: seen, taskID: id, ref: "/api/reconstruction/events/" + id, lastID: from,
		header: http.Header{"Authorization": {"Bearer " + p.token(user)}},
	}
	v := Visit{TaskID: id, From: from, Status: w.connect(ctx)}
	p.ledger.mu.Lock()
	defer p.ledger.mu.Unlock()
	v.Events = seen.Events
	p.ledger.visits = append(p.ledger.visits, v)
}

// anyTask is one that was created.
func (p *people) anyTask() (id, user string, found bool) {
	p.ledger.mu.Lock()
	defer p.ledger.mu.Unlock()
	var there []*Story
	for _, s := range p.ledger.stories {
		if s.TaskID() != "" {
			there = append(there, s)
		}
	}
	if len(there) == 0 {
		return "", "", false
	}
	s := there[rand.IntN(len(there))]
	return s.TaskID(), s.Plan.User, true
}
