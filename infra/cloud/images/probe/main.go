// Probe tells whether somebody listens on a port of this container: probe PORT. Exit code 0 or 1. An image without a shell has nothing
// else for its HEALTHCHECK. A function that accepts a connection is ready (shared/scf).
package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

// patience bounds the question; the container's own process is there or is not.
const patience = 3 * time.Second

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: probe PORT")
		os.Exit(2)
	}
	conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", os.Args[1]), patience) //nolint:gosec // of this container alone
	if err == nil {
		err = conn.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
