package taskstore

import (
	"context"
	"strconv"

	"github.com/recon3d/recon3d/shared/task"
)

// Report is a worker's word about a task.
type Report struct {
	TaskID        string
	Attempt       *int   // nil: a worker that knows no attempts
	Said          string // processing | completed | failed | released
	Error         task.Error
	Progress      *int
	Stage         string
	QueuePosition *int
	ETASeconds    *float64
	Required      []string // results that must be stored for completed
}

// Report takes a status callback: it moves the task, renews its lease, keeps the progress. changed is false for a repeated
// one. Errors: fault.TaskNotFound, TaskFinished, AttemptSuperseded, ResultsMissing, ValidationFailed, Unavailable.
func (s *Store) Report(ctx context.Context, r Report) (status task.Status, changed bool, err error) {
	reply, err := s.run(ctx, r.call())
	if err != nil {
		return "", false, err
	}
	return task.Status(reply[1]), reply[2] == "0", nil
}

func (r Report) call() call {
	attempt := optional(r.Attempt)
	switch r.Said {
	case "completed":
		return call{verdictScript, r.TaskID, nil, append([]any{attempt, r.Said}, anys(r.Required)...)}
	case "failed":
		return call{verdictScript, r.TaskID, nil, []any{attempt, r.Said, r.Error.Code, r.Error.Message}}
	case "released":
		return call{releaseScript, r.TaskID, nil, []any{attempt}}
	}
	return call{reportScript, r.TaskID, nil, []any{attempt, optional(r.Progress), r.Stage, optional(r.QueuePosition), seconds(r.ETASeconds)}}
}

func optional(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func seconds(f *float64) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(*f, 'f', -1, 64)
}
