package crowd

import (
	"sync/atomic"
	"time"
)

// Clock remembers when the last events of each topic were published, in nanoseconds since the clock was made.
type Clock struct {
	made  time.Time
	depth int64
	at    []atomic.Int64
}

// NewClock makes one for that many topics, which keeps the last depth events of each.
func NewClock(topics, depth int) *Clock {
	return &Clock{made: time.Now(), depth: int64(depth), at: make([]atomic.Int64, topics*depth)}
}

// Now is the time on the clock.
func (c *Clock) Now() time.Duration { return time.Since(c.made) }

// Time is a reading of the clock as a time.
func (c *Clock) Time(at time.Duration) time.Time { return c.made.Add(at) }

// Stamp notes that an event is about to be published.
func (c *Clock) Stamp(topic int, number int64) { c.of(topic, number).Store(int64(c.Now())) }

// sent tells when an event was published, 0 where it was not stamped.
func (c *Clock) sent(topic int, number int64) time.Duration {
	return time.Duration(c.of(topic, number).Load())
}

func (c *Clock) of(topic int, number int64) *atomic.Int64 {
	return &c.at[int64(topic)*c.depth+number%c.depth]
}
