package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// ownGroup keeps Ctrl-C from a child, for it is the bench that stops it, and has the kernel kill the child with the bench. The kernel
// looks at the thread that started it; the Go runtime ends none but those that a goroutine locked and never released.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// cpuTime is the CPU time that a process has taken so far, user and system, of all its threads. See clock_getcpuclockid(3)
// for the number of the clock.
func cpuTime(pid int) (time.Duration, error) {
	const schedulerClock = 2 // CPUCLOCK_SCHED
	clock := ^pid<<3 | schedulerClock
	var t syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&t)), 0); errno != 0 { //nolint:gosec // the call's own form
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, errno)
	}
	return time.Duration(t.Nano()), nil
}

// memory is what a process has resident, in MB of 2²⁰ bytes: now, and at most so far.
func memory(pid int) (now, peak float64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		var kB float64
		if _, err := fmt.Sscanf(value, "%g kB", &kB); err != nil {
			continue // of another form than those below
		}
		switch name {
		case "VmRSS":
			now = kB / 1024
		case "VmHWM":
			peak = kB / 1024
		}
	}
	if now == 0 || peak == 0 {
		return 0, 0, fmt.Errorf("process %d tells no memory", pid)
	}
	return now, peak, nil
}

// pause is a pause of tens of microseconds.
func pause() { doze(20 * time.Microsecond) }

// doze sleeps for less than a millisecond, to which time.Sleep rounds up while the program idles.
func doze(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // shorter where a signal comes
}

// allowDescriptors raises the bound of open descriptors of this process and its children.
func allowDescriptors(count int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("bound of descriptors: %w", err)
	}
	if limit.Cur >= uint64(count) {
		return nil
	}
	limit.Cur, limit.Max = uint64(count), max(limit.Max, uint64(count))
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("allow %d descriptors (ulimit -n): %w", count, err)
	}
	return nil
}
