package redisserver

import (
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// tick is how often the embedded Redis looks at the clock: its keys live that much too long at most.
const tick = 50 * time.Millisecond

// Embedded is a Redis within this process. Its data is gone when it is closed.
type Embedded struct {
	server *miniredis.Miniredis
	stop   chan struct{}
}

// StartEmbedded starts an embedded Redis on a loopback port.
func StartEmbedded(password string) (*Embedded, error) {
	e := &Embedded{server: miniredis.NewMiniRedis(), stop: make(chan struct{})}
	e.server.RequireAuth(password)
	if err := e.server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	go e.age()
	return e, nil
}

// URL is its REDIS_URL.
func (e *Embedded) URL(password string) string {
	return "redis://:" + password + "@" + e.server.Addr() + "/0"
}

// Close ends it.
func (e *Embedded) Close() {
	close(e.stop)
	e.server.Close()
}

// age lets time pass: miniredis is made for tests and expires nothing by itself.
func (e *Embedded) age() {
	t := time.NewTicker(tick)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-e.stop:
			return
		case <-t.C:
			now := time.Now()
			e.server.FastForward(now.Sub(last))
			last = now
		}
	}
}
