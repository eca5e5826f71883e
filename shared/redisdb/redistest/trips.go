package redistest

import (
	"context"
	"sync/atomic"

	"github.com/go-redis/redis/v8"
)

// Trips counts the round trips of a client: a command is one, and so is a pipeline.
type Trips struct{ n atomic.Int64 }

// CountTrips begins to count.
func CountTrips(c *redis.Client) *Trips {
	t := &Trips{}
	c.AddHook(t)
	return t
}

// Take tells how many there were since it was asked last.
func (t *Trips) Take() int64 { return t.n.Swap(0) }

// BeforeProcess implements redis.Hook.
func (t *Trips) BeforeProcess(ctx context.Context, _ redis.Cmder) (context.Context, error) {
	t.n.Add(1)
	return ctx, nil
}

// AfterProcess implements redis.Hook.
func (t *Trips) AfterProcess(context.Context, redis.Cmder) error { return nil }

// BeforeProcessPipeline implements redis.Hook.
func (t *Trips) BeforeProcessPipeline(ctx context.Context, _ []redis.Cmder) (context.Context, error) {
	t.n.Add(1)
	return ctx, nil
}

// AfterProcessPipeline implements redis.Hook.
func (t *Trips) AfterProcessPipeline(context.Context, []redis.Cmder) error { return nil }
