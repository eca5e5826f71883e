package main

import (
	"math/rand/v2"
	"time"
)

// backoff spaces tries out: the first at once, then doubling, with jitter so that the instances of a function don't come back
// to Redis in step.
type backoff struct{ tries int }

const (
	backoffFirst = 50 * time.Millisecond
	backoffMost  = 2 * time.Second
)

func (b *backoff) reset() { b.tries = 0 }

// next tells how long to wait before the next try.
func (b *backoff) next() time.Duration {
	b.tries++
	if b.tries == 1 {
		return 0
	}
	ceiling := min(backoffFirst<<min(b.tries-2, 10), backoffMost)
	return ceiling/2 + rand.N(ceiling/2)
}
