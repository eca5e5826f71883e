// Package scftest is for the tests of functions.
package scftest

import (
	"encoding/base64"
	"net"
	"testing"
)

// Alone sets the environment of a function so that all it may talk to is at one address, and fails the test at its end where anything
// connected to it: a function that starts dials nothing before the first request needs it.
func Alone(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"REDIS_URL": "redis://" + l.Addr().String(), "COS_BUCKET_URL": "http://" + l.Addr().String(), "WORKER_URLS": "http://" + l.Addr().String(),
		"COS_SECRET_ID": "id", "COS_SECRET_KEY": "key", "PUBLIC_BASE_URL": "http://" + l.Addr().String(),
		"AUTH_MODE": "jwt", "JWT_JWKS_URL": "http://" + l.Addr().String(), "TICKET_SECRET": "0123456789abcdef0123456789abcdef",
		"CALLBACK_SECRETS": "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32)),
	} {
		t.Setenv(name, value)
	}
	callers := make(chan string)
	go func() {
		defer close(callers)
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed below
			}
			_ = c.Close() // a caller gets no answer
			callers <- c.RemoteAddr().String()
		}
	}()
	t.Cleanup(func() {
		// Connections are accepted in the order in which they were made: ours has to be the first.
		ours, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if first := <-callers; first != ours.LocalAddr().String() {
			t.Error("something was dialled at the start")
		}
		_, _ = ours.Close(), l.Close() // nothing was sent
		for range callers {            // until the listener has ended
		}
	})
}
