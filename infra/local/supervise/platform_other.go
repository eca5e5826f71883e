//go:build unix && !linux

package supervise

import (
	"context"
	"fmt"
	"net"
	"syscall"
)

// attributes gives a process a group of its own, so that Ctrl-C reaches the host alone.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// holdMemory holds nothing here: only Linux tells a process's memory without another program.
func holdMemory(context.Context, int, int64) (reason string) { return "" }

// ReservePort finds a free loopback port. Here nothing keeps it from others until a process listens on it.
func ReservePort() (port int, release func(), err error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, nil, fmt.Errorf("find a free port: %w", err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	return port, func() {}, l.Close()
}
