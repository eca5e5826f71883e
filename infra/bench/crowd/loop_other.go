//go:build !linux

package crowd

import "errors"

// loop is for Linux only.
type loop struct {
	tally  Tally
	delays Histogram
}

func newLoop(Config) (*loop, error) { return nil, errors.ErrUnsupported }

func (*loop) run(<-chan func())                               {}
func (*loop) wake()                                           {}
func (*loop) await(func() bool, chan struct{})                {}
func (*loop) settled() bool                                   { return false }
func (*loop) connectAll()                                     {}
func (*loop) drop()                                           {}
func (*loop) end()                                            {}
func (*loop) missing(func(int) int64) (missing, excess int64) { return 0, 0 }
