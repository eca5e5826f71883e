// Package taskstore keeps tasks, their events and the due index in Redis. One change of a task is one Lua script: guard,
// write, index, append the event, publish it. So nothing can be seen half done, and no event can be missing for a change
// that happened. The clock is Redis' own.
package taskstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-redis/redis/v8"
)

// Store is the tasks of one Redis. It is safe for many goroutines.
type Store struct {
	rdb     redis.UniversalClient
	scripts map[*script]func() compiled
}

// New makes a store on a client; it does not dial.
func New(rdb redis.UniversalClient, policy Policy) *Store {
	return &Store{rdb: rdb, scripts: compile(policy)}
}

// Policy is how long things may take. Every function that changes tasks has to be given the same one.
type Policy struct {
	// HeartbeatTimeout is the lease: how long a worker that promised heartbeats may be silent.
	HeartbeatTimeout time.Duration `env:"HEARTBEAT_TIMEOUT" envDefault:"60s"`
	// TaskTimeout is how long one attempt may compute.
	TaskTimeout time.Duration `env:"TASK_TIMEOUT" envDefault:"15m"`
	// Retention is how long a finished task is kept.
	Retention time.Duration `env:"RETENTION" envDefault:"720h"`
	// MaxAttempts is how many attempts may reach PROCESSING.
	MaxAttempts int `env:"MAX_ATTEMPTS" envDefault:"3"`
	// QueueDeadline is how long a task may wait for busy workers.
	QueueDeadline time.Duration `env:"QUEUE_DEADLINE" envDefault:"6h"`
	// DispatchDeadline is how long a task may wait while no worker answers.
	DispatchDeadline time.Duration `env:"DISPATCH_DEADLINE" envDefault:"10m"`
}

// Validate tells which values make no sense.
func (p *Policy) Validate() error {
	var errs []error
	for name, d := range map[string]time.Duration{
		"HEARTBEAT_TIMEOUT": p.HeartbeatTimeout, "TASK_TIMEOUT": p.TaskTimeout, "RETENTION": p.Retention,
		"QUEUE_DEADLINE": p.QueueDeadline, "DISPATCH_DEADLINE": p.DispatchDeadline,
	} {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("%s must be longer than nothing", name))
		}
	}
	if p.MaxAttempts < 1 {
		errs = append(errs, errors.New("MAX_ATTEMPTS must be at least 1"))
	}
	return errors.Join(errs...)
}

// Slack is added to the life of a URL before what it leads to is deleted for the last time: for requests that have begun and
// for clocks that differ.
const Slack = 5 * time.Minute

// urlLife is the life of a presigned URL that reads an object (the contract's 10 minutes), with slack.
const urlLife = 10*time.Minute + Slack
