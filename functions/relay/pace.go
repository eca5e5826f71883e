package main

import (
	"errors"
	"time"
)

// pace is the times that streams keep.
type pace struct {
	heartbeat time.Duration // between two comments, and two readings of all open streams
	read      time.Duration // for one reading of Redis
	ping      time.Duration // between two pings on the subscription
	dead      time.Duration // silence after which the subscription is made anew; longer than ping
	write     time.Duration // for a client to take what is sent, before it is cut; at least half of it
	linger    time.Duration // that a topic without clients is kept
	drain     time.Duration // over which clients are spread at most that are told to go
	patience  time.Duration // with Redis, before a stream that has nothing yet ends
	max       time.Duration // for a stream
}

// streamConfig is what streams read from the environment.
type streamConfig struct {
	// Max ends a stream before the platform's time limit (900 s) does.
	Max time.Duration `env:"STREAM_MAX" envDefault:"840s"`
	// Linger is how long a task's events are followed on after its last client has left, beside other clients.
	Linger time.Duration `env:"STREAM_LINGER" envDefault:"10s"`
	// Lean is for a container with many clients: see lean. Nothing of it may run on a function platform.
	Lean bool `env:"RELAY_LEAN"`
	// MetricsAddr is where Prometheus asks, host:port; the API's port has no metrics.
	MetricsAddr string `env:"METRICS_ADDR"`
}

// Validate tells which value makes no sense.
func (c *streamConfig) Validate() error {
	var wrong []error
	if c.Max <= 0 {
		wrong = append(wrong, errors.New("STREAM_MAX must be longer than nothing"))
	}
	if c.Linger < 0 {
		wrong = append(wrong, errors.New("STREAM_LINGER must not be shorter than nothing"))
	}
	return errors.Join(wrong...)
}

func (c *streamConfig) pace() pace {
	return pace{
		heartbeat: 15 * time.Second,
		read:      4 * time.Second,
		ping:      5 * time.Second,
		dead:      12 * time.Second,
		write:     10 * time.Second,
		linger:    c.Linger,
		drain:     4 * time.Second,
		patience:  30 * time.Second,
		max:       c.Max,
	}
}
