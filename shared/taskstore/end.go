package taskstore

import (
	"context"

	"github.com/recon3d/recon3d/shared/task"
)

// Holder is the worker that may still be busy with a task that was ended; URL is "" if none is.
type Holder struct {
	TaskID  string
	URL     string
	Attempt int
}

// Cancel stops a task of that user; one that is cancelled already stays so. Errors: fault.TaskNotFound, TaskFinished, Unavailable.
func (s *Store) Cancel(ctx context.Context, user, id string) (Holder, error) {
	return s.end(ctx, call{cancelScript, id, nil, []any{user}})
}

// Delete removes a task of that user, cancelling it first where it runs. Errors: fault.TaskNotFound, Unavailable.
func (s *Store) Delete(ctx context.Context, user, id string) (Holder, error) {
	return s.end(ctx, call{deleteScript, id, []string{deletedPrefix(task.PartitionOfID(id))}, []any{user}})
}

func (s *Store) end(ctx context.Context, c call) (Holder, error) {
	reply, err := s.run(ctx, c)
	if err != nil {
		return Holder{}, err
	}
	return Holder{TaskID: c.id, URL: reply[1], Attempt: atoi(reply[2])}, nil
}
