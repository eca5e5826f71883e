// Package taskstore keeps tasks, their events and the due index in Redis. One change of a task is one Lua script: guard,
// write, index, append the event, publish it. So nothing can be seen half done, and no event can be missing for a change
// that happened.
package taskstore

import (
	"github.com/go-redis/redis/v8"
)

// Store is the tasks of one Redis. It is safe for many goroutines.
type Store struct {
	rdb redis.UniversalClient
}

// New makes a store on a client; it does not dial.
func New(rdb redis.UniversalClient) *Store { return &Store{rdb: rdb} }
