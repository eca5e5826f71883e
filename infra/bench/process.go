package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// patience is how long a process may take to listen, and to end once it is told to.
const patience = 15 * time.Second

// process is a program that the bench started.
type process struct {
	name    string
	cmd     *exec.Cmd
	began   time.Time
	address string // host:port, of those that log where they listen

	listening chan string
	ended     chan struct{}
	mu        sync.Mutex
	last      string // line of its log
}

// spawn starts a program with just that environment. What it writes is read, and kept from the terminal.
func spawn(name, path string, args, env []string) (*process, error) {
	p := &process{name: name, cmd: exec.Command(path, args...), listening: make(chan string, 1), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.SysProcAttr = env, ownGroup()
	output, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout = p.cmd.Stderr
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.read(output)
		_ = p.cmd.Wait() // its end by a signal is ours; what it says of itself is in the last line
		close(p.ended)
	}()
	return p, nil
}

// read takes the address from the log, as soon as it is there, and keeps the last line.
func (p *process) read(output io.Reader) {
	lines, told := bufio.NewReader(output), false
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		p.mu.Lock()
		p.last = line
		p.mu.Unlock()
		var said struct{ Msg, Address string }
		if !told && json.Unmarshal([]byte(line), &said) == nil && said.Msg == "listening" {
			p.listening <- said.Address
			told = true
		}
	}
}

// up waits until it says that it listens.
func (p *process) up(ctx context.Context) error {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case p.address = <-p.listening:
		return nil
	case <-p.ended:
		return p.trouble("ended before it listened")
	case <-late.C:
		return p.trouble("does not listen")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *process) trouble(what string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Errorf("%s %s; its last line: %s", p.name, what, p.last)
}

func (p *process) url() string { return "http://" + p.address }

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop asks it to end and waits. It is killed where it takes too long, and that is an error.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return p.trouble("ended by itself")
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		p.kill()
		return errors.New(p.name + " did not stop when told to")
	}
}

// kill ends it at once and tells the CPU time that it took in all its life.
func (p *process) kill() time.Duration {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}
