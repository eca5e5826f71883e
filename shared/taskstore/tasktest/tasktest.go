// Package tasktest makes tasks for the tests of functions, in the states in which those meet them.
package tasktest

import (
	"context"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// Policy lets no time run out while a test runs.
var Policy = taskstore.Policy{
	HeartbeatTimeout: time.Hour, TaskTimeout: time.Hour, Retention: time.Hour, MaxAttempts: 3, QueueDeadline: time.Hour, DispatchDeadline: time.Hour,
}

// Worker is the worker that has the tasks which Processing makes.
const Worker = "http://worker"

// Picture records a picture of that user, whose object has that key, as package picturestore does.
func Picture(tb testing.TB, rdb redis.UniversalClient, user, key string) (id string) {
	tb.Helper()
	id = task.NewID(user)
	err := rdb.HSet(context.Background(), taskstore.PictureKey(id), "user", user, "state", "ready", "key", key, "ext", "png",
		"name", "a.png", "contentType", "image/png", "size", 7, "sha256", "s").Err()
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// Create records a task of that user. Its first hand-over is claimed where claim is longer than nothing; else the Claim is nil.
func Create(tb testing.TB, rdb redis.UniversalClient, store *taskstore.Store, user string, claim time.Duration) (taskstore.Reservation, *taskstore.Claim) {
	tb.Helper()
	ctx := context.Background()
	reserved, err := store.Reserve(ctx, taskstore.Order{User: user, ImageID: Picture(tb, rdb, user, "pictures/a.png")})
	if err != nil {
		tb.Fatal(err)
	}
	_, c, err := store.Create(ctx, reserved, claim, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return reserved, c
}

// Processing makes a task of that user that Worker has, with heartbeats.
func Processing(tb testing.TB, rdb redis.UniversalClient, store *taskstore.Store, user string) *taskstore.Claim {
	tb.Helper()
	_, claim := Create(tb, rdb, store, user, time.Minute)
	_, held, err := store.Record(context.Background(), claim, taskstore.Outcome{Fate: taskstore.Accepted, Worker: Worker, Beats: true})
	if err != nil || !held {
		tb.Fatal("the hand-over is not recorded", err)
	}
	return claim
}
