// Package task says what a task is and how it may change. It does no I/O: package taskstore moves tasks, by these rules.
package task

import "slices"

// Status is where a task is in its life.
type Status string

const (
	// Pending is a task that is recorded and that no worker has: create-task makes it, and the sweeper takes a task back to
	// it when its worker fell silent or gave it back.
	Pending Status = "PENDING"
	// Processing is a task that a worker has: a dispatcher moves it here with the worker's 202, or a callback whose 202 was lost.
	Processing Status = "PROCESSING"
	// Completed is a task whose required results are stored: callback-status moves it here.
	Completed Status = "COMPLETED"
	// Failed is a task that can't be done: callback-status, a dispatcher or the sweeper moves it here, with an error.
	Failed Status = "FAILED"
	// Cancelled is a task that its user stopped.
	Cancelled Status = "CANCELLED"
)

// moves is the whole lifecycle: the only moves there are.
//
//	         ┌──────────────┐ silent or given back
//	         ▼              │
//	──▶ PENDING ──────▶ PROCESSING ──▶ COMPLETED
//	         │              │
//	         ├──────────────┼────────▶ FAILED
//	         └──────────────┴────────▶ CANCELLED
var moves = map[Status][]Status{
	Pending:    {Processing, Failed, Cancelled},
	Processing: {Completed, Failed, Cancelled, Pending},
	Completed:  {},
	Failed:     {},
	Cancelled:  {},
}

// Statuses lists all, in the order of a life.
func Statuses() []Status { return []Status{Pending, Processing, Completed, Failed, Cancelled} }

// Final tells whether nothing moves a task out of s.
func (s Status) Final() bool { return len(moves[s]) == 0 }

// CanBecome tells whether the lifecycle has the move from s to next.
func (s Status) CanBecome(next Status) bool { return slices.Contains(moves[s], next) }

// Before lists the states that may move to s: the guard of every script that moves a task there.
func Before(s Status) []Status {
	var from []Status
	for _, f := range Statuses() {
		if f.CanBecome(s) {
			from = append(from, f)
		}
	}
	return from
}
