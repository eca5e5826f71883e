package main

import (
	"context"
	"time"

	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/task"
)

// entry is a durable event as a topic's log keeps it, and its frame, made when first needed.
type entry struct {
	frame    []byte
	result   *task.Result // of a result event
	fault    *task.Error  // of a status event, where the status is FAILED
	status   task.Status  // of a status event
	at       int64        // unix ms
	signedAt int64        // unix s when the frame's URL was signed, 0: the frame has none
	attempt  int32
}

const (
	// freshURL is how long a signed URL is handed out: whoever gets it has at least half of its life.
	freshURL = cosstore.URLLife / 2
	// usualFrame is about how many bytes a frame has that is not made.
	usualFrame = 256
)

// signer makes the URL of a result. A function and no store: what is kept as an interface, as clients are, keeps the methods of all
// types that it leads to in the binary, and those of the object store's library are 1.7 MB.
type signer func(context.Context, *task.Result) (string, error)

func newEntry(e task.Event) entry {
	return entry{result: e.Result, fault: e.Error, status: interned(e.Status), at: e.At.UnixMilli(), attempt: int32(e.Attempt)}
}

// event is what the entry was made of.
func (e *entry) event(taskID string, number int64) task.Event {
	kind := task.StatusEvent
	if e.result != nil {
		kind = task.ResultEvent
	}
	return task.Event{
		Number: number, Kind: kind, TaskID: taskID, Attempt: int(e.attempt), At: time.UnixMilli(e.at), Status: e.status, Error: e.fault, Result: e.result,
	}
}

// is tells whether the entry is of that event.
func (e *entry) is(other task.Event) bool {
	return e.at == other.At.UnixMilli() && e.status == other.Status && int(e.attempt) == other.Attempt && (e.result == nil) == (other.Result == nil)
}

// size is about that of its frame.
func (e *entry) size() int { return max(len(e.frame), usualFrame) }

// interned is the same word without the message that it came in.
func interned(s task.Status) task.Status {
	for _, known := range []task.Status{task.Pending, task.Processing, task.Completed, task.Failed, task.Cancelled} {
		if s == known {
			return known
		}
	}
	return s
}
