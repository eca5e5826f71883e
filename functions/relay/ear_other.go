//go:build !linux

package main

import "github.com/go-redis/redis/v8"

// listening is rdb: see ear.
func listening(rdb redis.UniversalClient) redis.UniversalClient { return rdb }
