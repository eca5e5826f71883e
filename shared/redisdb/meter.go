package redisdb

import (
	"context"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/telemetry"
)

// meter counts the round trips of the request that a command belongs to. A pipeline counts once, over however many nodes of a cluster it
// goes.
type meter struct{}

type startKey struct{}

// BeforeProcess implements redis.Hook.
func (meter) BeforeProcess(ctx context.Context, _ redis.Cmder) (context.Context, error) {
	return begin(ctx), nil
}

// AfterProcess implements redis.Hook.
func (meter) AfterProcess(ctx context.Context, _ redis.Cmder) error {
	end(ctx)
	return nil
}

// BeforeProcessPipeline implements redis.Hook.
func (meter) BeforeProcessPipeline(ctx context.Context, _ []redis.Cmder) (context.Context, error) {
	return begin(ctx), nil
}

// AfterProcessPipeline implements redis.Hook.
func (meter) AfterProcessPipeline(ctx context.Context, _ []redis.Cmder) error {
	end(ctx)
	return nil
}

func begin(ctx context.Context) context.Context {
	if telemetry.Recorded(ctx) == nil {
		return ctx
	}
	return context.WithValue(ctx, startKey{}, time.Now())
}

func end(ctx context.Context) {
	if start, ok := ctx.Value(startKey{}).(time.Time); ok {
		telemetry.Recorded(ctx).AskedRedis(time.Since(start))
	}
}
