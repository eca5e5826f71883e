//go:build !linux

package main

import (
	"errors"
	"net/http"
)

// lean is there on Linux only.
type lean struct{}

func newLean() (*lean, error) { return nil, errors.New("there is no epoll on this system") }

func (*lean) close() error { return nil }

func (*lean) flush() {}

func (*lean) take(http.ResponseWriter, *http.Request, *follower, func()) bool { return false }
