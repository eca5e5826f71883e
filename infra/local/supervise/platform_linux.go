package supervise

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// attributes gives a process a group of its own, so that Ctrl-C reaches the host alone, and has the kernel kill it when
// the thread that started it ends, so that nothing outlives a host that was killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// memoryEvery is the pause between two looks at a process's memory.
const memoryEvery = 500 * time.Millisecond

// holdMemory kills a process as soon as it has more than limit bytes resident, and then says so.
func holdMemory(alive context.Context, pid int, limit int64) (reason string) {
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		select {
		case <-alive.Done():
			return ""
		case <-tick.C:
		}
		if used := resident(pid); used > limit {
			killGroup(pid)
			return fmt.Sprintf("out of memory: %d MB of its %d MB", used>>20, limit>>20)
		}
	}
}

// resident tells how many bytes a process has resident, 0 where it is gone. See proc_pid_statm(5).
func resident(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	columns := bytes.Fields(data)
	if len(columns) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(columns[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// ReservePort takes a free loopback port and keeps it from everyone who asks the system for any port, while a process that
// is told its number can listen on it, and again after a restart: the socket is bound with SO_REUSEADDR and never listens
// (socket(7)). It is free again when release is called.
func ReservePort() (port int, release func(), err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("reserve a port: %w", err)
	}
	release = func() { _ = syscall.Close(fd) } // a bound socket has nothing to lose
	err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte(net.IPv4(127, 0, 0, 1).To4())})
	}
	var name syscall.Sockaddr
	if err == nil {
		name, err = syscall.Getsockname(fd)
	}
	if err != nil {
		release()
		return 0, nil, fmt.Errorf("reserve a port: %w", err)
	}
	return name.(*syscall.SockaddrInet4).Port, release, nil
}
