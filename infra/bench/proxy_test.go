package main

import (
	"io"
	"net"
	"testing"
)

// A server that answers each full stop with an exclamation mark.
func exclaim(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }() // nothing to lose
				b := make([]byte, 1)
				for {
					if _, err := c.Read(b); err != nil {
						return
					}
					if b[0] == '.' {
						_, _ = c.Write([]byte{'!'}) // its reader may be gone
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestARoundTripIsCountedAtEachTurn(t *testing.T) {
	p, err := startProxy(t.Context(), exclaim(t))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // connections
		c, err := net.Dial("tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		for _, round := range [][]string{{"a."}, {"a", "b", "c."}, {"a.b.c."}, {"."}} {
			answers := 0
			for _, piece := range round {
				if _, err := io.WriteString(c, piece); err != nil {
					t.Fatal(err)
				}
				for _, char := range piece {
					if char == '.' {
						answers++
					}
				}
			}
			if _, err := io.ReadFull(c, make([]byte, answers)); err != nil {
				t.Fatal(err)
			}
			if n := p.take(); n != 1 {
				t.Errorf("%q: %d round trips", round, n)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
