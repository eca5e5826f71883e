package redisdb

import (
	"context"
	"time"

	"github.com/go-redis/redis/v8"
)

// patience bounds what a command or a pipeline takes with all that it is tried again: the client bounds each try alone.
type patience time.Duration

type cancelKey struct{}

// BeforeProcess implements redis.Hook.
func (p patience) BeforeProcess(ctx context.Context, _ redis.Cmder) (context.Context, error) {
	return p.begin(ctx), nil
}

// AfterProcess implements redis.Hook.
func (p patience) AfterProcess(ctx context.Context, _ redis.Cmder) error {
	p.end(ctx)
	return nil
}

// BeforeProcessPipeline implements redis.Hook.
func (p patience) BeforeProcessPipeline(ctx context.Context, _ []redis.Cmder) (context.Context, error) {
	return p.begin(ctx), nil
}

// AfterProcessPipeline implements redis.Hook.
func (p patience) AfterProcessPipeline(ctx context.Context, _ []redis.Cmder) error {
	p.end(ctx)
	return nil
}

func (p patience) begin(ctx context.Context) context.Context {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(p))
	return context.WithValue(ctx, cancelKey{}, cancel)
}

func (patience) end(ctx context.Context) {
	if cancel, ok := ctx.Value(cancelKey{}).(context.CancelFunc); ok {
		cancel()
	}
}
