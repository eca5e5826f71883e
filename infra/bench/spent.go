package main

import (
	"os"
	"time"
)

// spent is what something took: CPU of a server and of this process, which is its client, and time on the clock.
type spent struct{ server, client, took time.Duration }

func (s spent) cpu() time.Duration { return s.server + s.client }

// add adds what something else took.
func (s *spent) add(o spent) {
	s.server, s.client, s.took = s.server+o.server, s.client+o.client, s.took+o.took
}

// meter takes what do takes of the server with that pid, and of this process.
func meter(server int, do func() error) (spent, error) {
	serverBefore, err := cpuTime(server)
	if err != nil {
		return spent{}, err
	}
	clientBefore, err := cpuTime(os.Getpid())
	if err != nil {
		return spent{}, err
	}
	began := time.Now()
	if err := do(); err != nil {
		return spent{}, err
	}
	took := time.Since(began)
	clientAfter, err := cpuTime(os.Getpid())
	if err != nil {
		return spent{}, err
	}
	serverAfter, err := cpuTime(server)
	return spent{serverAfter - serverBefore, clientAfter - clientBefore, took}, err
}
