package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/recon3d/recon3d/infra/local/console"
	"github.com/recon3d/recon3d/infra/local/supervise"
)

// unit is one process of the system. It is started again whenever it ends, as the platform does, unless it is lost.
type unit struct {
	spec    supervise.Spec
	console *console.Console

	mu      sync.Mutex
	process *supervise.Process // nil while it is lost
	back    chan struct{}      // closed when it is not lost any more
}

func launch(spec supervise.Spec, c *console.Console) *unit {
	u := &unit{spec: spec, console: c, back: make(chan struct{})}
	u.start()
	return u
}

func (u *unit) start() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.process = supervise.Start(u.spec, u.console)
	close(u.back)
}

// wait returns when it answers.
func (u *unit) wait(ctx context.Context) error {
	u.mu.Lock()
	p, back := u.process, u.back
	u.mu.Unlock()
	if p != nil {
		err := p.Wait(ctx)
		u.mu.Lock()
		lost := u.process != p
		u.mu.Unlock()
		if err == nil || !lost {
			return err
		}
		return u.wait(ctx) // it was lost meanwhile, and will be back
	}
	select {
	case <-back:
		return u.wait(ctx)
	case <-ctx.Done():
		return fmt.Errorf("%s is lost: %w", u.spec.Name, ctx.Err())
	}
}

// pid is 0 while it does not run.
func (u *unit) pid() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.process == nil {
		return 0
	}
	return u.process.Pid()
}

// signal sends a signal to it, and to all that it started.
func (u *unit) signal(sig syscall.Signal) error {
	pid := u.pid()
	if pid == 0 {
		return nil // it is being started again
	}
	if err := syscall.Kill(-pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %s: %w", u.spec.Name, err)
	}
	return nil
}

// lose kills it for good.
func (u *unit) lose() {
	u.mu.Lock()
	p := u.process
	u.process, u.back = nil, make(chan struct{})
	u.mu.Unlock()
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = u.signalOf(p, syscall.SIGKILL)
	p.Stop(now)
}

func (u *unit) signalOf(p *supervise.Process, sig syscall.Signal) error {
	if pid := p.Pid(); pid != 0 {
		return syscall.Kill(-pid, sig)
	}
	return nil
}

// stop ends it.
func (u *unit) stop(ctx context.Context) {
	u.mu.Lock()
	p := u.process
	u.mu.Unlock()
	if p != nil {
		p.Stop(ctx)
	}
}

// children are the processes that it started, such as a worker's engine.
func (u *unit) children() []int {
	parent := strconv.Itoa(u.pid())
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		panic(err) // the pattern is right
	}
	var found []int
	for _, path := range stats {
		stat, err := os.ReadFile(path) // pid (comm) state ppid …, see proc_pid_stat(5)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == parent && fields[0] != "Z" {
			n, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			found = append(found, n)
		}
	}
	return found
}

// limitFiles lets no file of it grow beyond size bytes: to who writes, the disk is full. An engine that is started later inherits it.
func (u *unit) limitFiles(size uint64) error {
	pid := u.pid()
	if pid == 0 {
		return nil
	}
	limit := unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("limit the files of %s: %w", u.spec.Name, err)
	}
	return nil
}

// limitDescriptors lets it have no more than n descriptors, and tells how many it might have before.
func (u *unit) limitDescriptors(n uint64) (before uint64, err error) {
	pid := u.pid()
	if pid == 0 {
		return n, nil
	}
	var old unix.Rlimit
	if err = unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &old); err == nil {
		err = unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: min(n, old.Max), Max: old.Max}, nil)
	}
	if err != nil && !errors.Is(err, unix.ESRCH) {
		return 0, fmt.Errorf("limit the descriptors of %s: %w", u.spec.Name, err)
	}
	return old.Cur, nil
}

// descriptors is how many files and sockets it has open, 0 while it does not run.
func (u *unit) descriptors() int {
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", u.pid()))
	if err != nil {
		return 0
	}
	return len(open)
}

// gone is how long a unit may take to end when it is told to.
const gone = 10 * time.Second
