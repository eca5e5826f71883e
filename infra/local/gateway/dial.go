package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// again is the pause before a function that is said to answer and refused is asked again: its end is not known yet.
const again = 5 * time.Millisecond

// dial connects to the function. Nothing of a request has been sent yet, so it can wait for a restart.
func (u Upstream) dial(ctx context.Context, network, address string) (net.Conn, error) {
	patience, cancel := context.WithTimeout(ctx, restartGrace)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil || !errors.Is(err, syscall.ECONNREFUSED) {
			return conn, err
		}
		if down := u.Wait(patience); down != nil {
			return nil, fmt.Errorf("%w: %w", err, down)
		}
		select {
		case <-patience.Done():
			return nil, err
		case <-time.After(again):
		}
	}
}
