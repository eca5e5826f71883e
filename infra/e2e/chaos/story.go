package main

import (
	"encoding/json"
	"sync"
	"time"
)

// Story is what the users' side saw of one planned task.
type Story struct {
	Plan     PlannedTask
	Image    string   // SHA-256 of the picture
	Pictures []string // ids that uploads were answered with; the last is the one that became the task
	TaskIDs  []string // what each answer 202 to its creates said, in their order
	Accepted time.Time
	Final    time.Time // when its client saw the end

	Events    []Event    // durable ones, as they came over all connections
	Progress  int        // how many of those there were
	Late      int        // of them, after the end
	Streams   int        // connections that were opened
	Snapshots []Snapshot // what status told, in its order
	Word      int        // status of the answer to cancel or delete
	Errors    int        // tries that failed and were made again
	Refusals  []string   // answers that no retry mends
}

// TaskID is the task's id, "" where there is none.
func (s *Story) TaskID() string {
	if len(s.TaskIDs) == 0 {
		return ""
	}
	return s.TaskIDs[0]
}

// Event is a durable event: as a client was sent it, or as the stream in Redis holds it. Fields that one of both does not have are
// not here.
type Event struct {
	ID      string // 1, 2, 3 …
	Kind    string // status | result
	Status  string
	Attempt int
	Name    string
	SHA256  string
	Size    int64
	Error   string // its code
	At      string
}

// Snapshot is a status document.
type Snapshot struct {
	At       time.Time // when it was asked for
	Status   string
	Attempt  int
	Progress float64
	Results  map[string]string // SHA-256 by name
	URLs     map[string]string // by name
	Error    string
	Document []byte `json:"-"`
}

// final tells whether nothing moves a task out of a status.
func final(status string) bool {
	return status == "COMPLETED" || status == "FAILED" || status == "CANCELLED"
}

// Call is one callback as it was delivered to the backend, and how it was answered.
type Call struct {
	At        time.Time
	Worker    string // whose link it came over
	ID        string // webhook-id
	Kind      string // result | upload | status
	TaskID    string
	Attempt   int
	Name      string // of result and upload
	SHA256    string // likewise
	Word      string // of status
	Copy      bool   // made by the post, not by the worker
	Status    int    // 0: there was no answer
	Code      string // of a problem document
	Duplicate bool
}

// ledger is what everybody writes down while the system runs. It is safe for many goroutines.
type ledger struct {
	mu      sync.Mutex
	stories []*Story
	calls   []Call
	visits  []Visit
	answers []Answer               // that were errors
	worked  map[string][]time.Time // when something was seen to work, by its name
	taken   map[string][]handover  // hand-overs that a fake worker took, by task
}

// handover is a hand-over that a worker took.
type handover struct {
	Worker  string
	Attempt int
	Image   string // SHA-256 of what came
}

// Answer is an error that somebody was answered with.
type Answer struct {
	At       time.Time
	Function string // whose answer it is, or whose in the gateway's place
	Request  string // method and path
	Status   int

	Type, RetryAfter, RequestID string // of its headers
	Body                        string
}

// refused notes an error.
func (l *ledger) refused(a Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, a)
}

func newLedger(p Plan) *ledger {
	l := &ledger{worked: map[string][]time.Time{}, taken: map[string][]handover{}}
	for _, t := range p.Tasks {
		l.stories = append(l.stories, &Story{Plan: t})
	}
	return l
}

// write changes what is written of a task.
func (l *ledger) write(s *Story, change func(*Story)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(s)
}

// works notes that something was just seen to work.
func (l *ledger) works(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.worked[name] = append(l.worked[name], time.Now())
}

func (l *ledger) call(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, c)
}

// ended tells how many tasks have come to their end, for all that their clients know, and how many there are.
func (l *ledger) ended() (ended, accepted int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.stories {
		if !s.Accepted.IsZero() {
			accepted++
		}
		if !s.Final.IsZero() {
			ended++
		}
	}
	return ended, accepted
}

// problem is what is read of a problem document.
type problem struct {
	Code   string
	Detail string
}

func problemOf(body []byte) problem {
	var p problem
	_ = json.Unmarshal(body, &p) // an answer of a proxy is none
	return p
}
