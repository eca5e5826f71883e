package redisdb

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"
)

// dialOnce makes a dialer whose failures the client does not try again: it goes by an error's type, not by what it wraps. Who can't be dialled
// now can't be a millisecond later, and after as many failures as its pool is large the client would not dial at all for a second.
func dialOnce(config *tls.Config) func(ctx context.Context, network, addr string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: timeout, KeepAlive: 5 * time.Minute}
	dial := plain.DialContext
	if config != nil {
		dial = (&tls.Dialer{NetDialer: plain, Config: config}).DialContext
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, fmt.Errorf("connect: %w", err)
		}
		return conn, nil
	}
}
