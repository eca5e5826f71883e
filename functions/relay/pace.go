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
	write     time.Duration // for a client to take what is sent, before it is cut
	patience  time.Duration // with Redis, before a stream that has nothing yet ends
	max       time.Duration // for a stream
}

// streamConfig is what streams read from the environment.
type streamConfig struct {
	// Max ends a stream before the platform's time limit (900 s) does.
	Max time.Duration `env:"STREAM_MAX" envDefault:"840s"`
}

// Validate tells which value makes no sense.
func (c *streamConfig) Validate() error {
	if c.Max <= 0 {
		return errors.New("STREAM_MAX must be longer than nothing")
	}
	return nil
}

func (c *streamConfig) pace() pace {
	return pace{
		heartbeat: 15 * time.Second,
		read:      4 * time.Second,
		ping:      5 * time.Second,
		dead:      12 * time.Second,
		write:     10 * time.Second,
		patience:  30 * time.Second,
		max:       c.Max,
	}
}
