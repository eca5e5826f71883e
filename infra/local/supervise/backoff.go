package supervise

import "time"

const (
	firstPause = 50 * time.Millisecond
	mostPause  = 5 * time.Second
	// lived is how long a process must have run for its end to be a new trouble and not the same again.
	lived = 10 * time.Second
)

// backoff tells how long to wait before a process is started again: twice as long each time it ends soon.
type backoff struct{ pause time.Duration }

func (b *backoff) next(ran time.Duration) time.Duration {
	if b.pause == 0 || ran >= lived {
		b.pause = firstPause
	} else {
		b.pause = min(2*b.pause, mostPause)
	}
	return b.pause
}
