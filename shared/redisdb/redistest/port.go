package redistest

import (
	"errors"
	"strconv"
	"syscall"
	"testing"
)

// reservePort takes a free loopback port for this test. Its socket is bound with SO_REUSEADDR and never listens, so that
// nobody else is given the port, while the test's own server can listen on it, and again after it was killed (socket(7)).
func reservePort(tb testing.TB) string {
	tb.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		tb.Fatal(err)
	}
	syscall.CloseOnExec(fd)
	tb.Cleanup(func() { _ = syscall.Close(fd) }) // it has nothing to lose
	reuse := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	bind := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	name, err := syscall.Getsockname(fd)
	if err := errors.Join(reuse, bind, err); err != nil {
		tb.Fatal(err)
	}
	return strconv.Itoa(name.(*syscall.SockaddrInet4).Port)
}
