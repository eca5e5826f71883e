// Package supervise keeps processes alive: starts them, knows when they answer, restarts what dies with backoff and says
// why, holds them to their memory, and takes them along when the host itself dies.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/recon3d/recon3d/infra/local/console"
)

const (
	// attempts is how often a process may end before it ever answered, until it counts as not coming up.
	attempts = 3
	// probeEvery is the pause between two questions whether a started process answers.
	probeEvery = 5 * time.Millisecond
	// pipeGrace is how long the output of a process that has ended is still read, where a child of it holds it open.
	pipeGrace = 500 * time.Millisecond
)

// Spec says how to run a process, and how to tell that it answers.
type Spec struct {
	Name   string // in the logs
	Path   string
	Args   []string
	Env    []string // all of it; nothing is inherited
	Dir    string
	Stdin  string                          // given anew at each start
	Memory int64                           // bytes it may have resident; 0: any
	Probe  func(ctx context.Context) error // nil as soon as the process answers; asked again until then
}

// Process is one supervised process, across its restarts. Its methods can be called at the same time.
type Process struct {
	spec    Spec
	console *console.Console
	log     *slog.Logger

	stop    context.CancelFunc // no more restarts
	stopped context.Context
	done    chan struct{} // closed when it ended for good

	mu     sync.Mutex
	change chan struct{} // closed and replaced at every change of what follows
	pid    int           // 0 while it does not run
	up     bool          // it answers
	wasUp  bool          // it answered once
	ended  int           // how often it ended
	reason string        // of the last end
}

// Start starts a process and supervises it until Stop or Kill.
func Start(spec Spec, c *console.Console) *Process {
	p := &Process{spec: spec, console: c, log: c.Logger(spec.Name), done: make(chan struct{}), change: make(chan struct{})}
	p.stopped, p.stop = context.WithCancel(context.Background())
	go p.supervise()
	return p
}

// Wait returns when the process answers. An error says that ctx is done, that the process was stopped, or that it ended
// several times without ever having answered, and why.
func (p *Process) Wait(ctx context.Context) error {
	for {
		p.mu.Lock()
		up, hopeless, reason, change := p.up, !p.wasUp && p.ended >= attempts, p.reason, p.change
		p.mu.Unlock()
		switch {
		case up:
			return nil
		case hopeless:
			return fmt.Errorf("%s does not come up: %s", p.spec.Name, reason)
		}
		select {
		case <-change:
		case <-p.done:
			return fmt.Errorf("%s was stopped", p.spec.Name)
		case <-ctx.Done():
			if reason == "" {
				reason = "it runs and does not answer"
			}
			return fmt.Errorf("%s does not come up: %s: %w", p.spec.Name, reason, ctx.Err())
		}
	}
}

// Pid tells the process id, 0 while it does not run.
func (p *Process) Pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

// Stop ends the process for good: SIGTERM, and when ctx is done SIGKILL to its whole group. It returns when it has ended.
func (p *Process) Stop(ctx context.Context) {
	p.stop()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-ctx.Done():
		p.log.Warn("did not stop in time, killed")
		p.Kill()
		<-p.done
	}
}

// Kill ends the process and its group for good and at once. It does not wait.
func (p *Process) Kill() {
	p.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	killGroup(p.pid)
}

func (p *Process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid != 0 {
		_ = syscall.Kill(p.pid, sig) // fails only for a process that has ended meanwhile
	}
}

// set changes what Wait and Pid tell.
func (p *Process) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	close(p.change)
	p.change = make(chan struct{})
}

// supervise is the loop of restarts. It keeps its thread: the kernel kills a child when the thread that started it ends
// (see attributes), and Go ends threads as it likes.
func (p *Process) supervise() {
	runtime.LockOSThread()
	defer close(p.done)
	var pause backoff
	for p.stopped.Err() == nil {
		started := time.Now()
		reason := p.run()
		if p.stopped.Err() != nil {
			p.log.Debug("stopped", "reason", reason)
			return
		}
		wait := pause.next(time.Since(started))
		p.log.Warn("ended, starts again", "reason", reason, "after", wait.String())
		select {
		case <-time.After(wait):
		case <-p.stopped.Done():
		}
	}
}

// run starts the process once, waits for its end and tells the reason.
func (p *Process) run() (reason string) {
	defer func() {
		p.set(func() { p.pid, p.up, p.reason, p.ended = 0, false, reason, p.ended+1 })
	}()
	out, errs := p.console.Stream(p.spec.Name), p.console.Stream(p.spec.Name)
	cmd := exec.Command(p.spec.Path, p.spec.Args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = p.spec.Env, p.spec.Dir, out, errs
	cmd.SysProcAttr, cmd.WaitDelay = attributes(), pipeGrace
	if p.spec.Stdin != "" {
		cmd.Stdin = strings.NewReader(p.spec.Stdin)
	}
	if err := cmd.Start(); err != nil {
		return err.Error()
	}
	pid := cmd.Process.Pid
	p.set(func() { p.pid = pid })
	if p.stopped.Err() != nil { // a Stop or Kill that came before the process id was known
		killGroup(pid)
	}

	alive, ended := context.WithCancel(context.Background())
	var watchers sync.WaitGroup
	watchers.Go(func() { p.probe(alive, pid) })
	var tooLarge string
	if p.spec.Memory > 0 {
		watchers.Go(func() { tooLarge = holdMemory(alive, pid, p.spec.Memory) })
	}
	err := cmd.Wait()
	ended()
	watchers.Wait()
	killGroup(pid) // what it leaves behind
	out.Flush()
	errs.Flush()
	if err != nil && !errors.As(err, new(*exec.ExitError)) && !errors.Is(err, exec.ErrWaitDelay) && !errors.Is(err, io.ErrClosedPipe) {
		p.log.Error("output lost", "error", err)
	}
	switch last := errs.Last(); {
	case tooLarge != "":
		return tooLarge
	case last != "":
		return cmd.ProcessState.String() + ", last line: " + last
	default:
		return cmd.ProcessState.String()
	}
}

// probe asks until the process answers.
func (p *Process) probe(alive context.Context, pid int) {
	started := time.Now()
	for {
		if err := p.spec.Probe(alive); err == nil {
			p.set(func() { p.up, p.wasUp = true, true })
			p.log.Info("started", "pid", pid, "ms", time.Since(started).Milliseconds())
			return
		}
		select {
		case <-alive.Done():
			return
		case <-time.After(probeEvery):
		}
	}
}

// killGroup kills a process and all that it started. Those that have ended are no error.
func killGroup(pid int) {
	if pid != 0 {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}
