package taskstore

import (
	"context"
	"errors"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/google/uuid"

	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/task"
)

// Claim is the right to hand one attempt of a task over to a worker. Only its holder may, and only until it runs out.
type Claim struct {
	TaskID  string
	User    string
	Attempt int    // the fencing token
	Nonce   string // tells this claim from every other
	Worker  int    // index of the worker to ask first
	Tries   int    // hand-overs since a worker last had the task, this one included
	Input   task.Input
	Formats string // separated by spaces: what is wanted beside the usual results
	Trace   string // traceparent of the create, "" if it is not traced
}

// Fate is what came of a hand-over.
type Fate string

// The fates of a hand-over.
const (
	Accepted Fate = "accepted" // a worker has the task
	Rejected Fate = "rejected" // a worker can't do this picture
	Busy     Fate = "busy"     // every worker that answered is busy
	Waiting  Fate = "waiting"  // we could not even ask: our own storage is away
	Refused  Fate = "refused"  // none could be connected to: nothing was sent
	Unknown  Fate = "unknown"  // something was sent, and no clear answer came
)

// Outcome is what a dispatcher records of a claim.
type Outcome struct {
	Fate    Fate
	Worker  string        // URL of the worker that has, or may have, the task
	Next    int           // index of the worker to ask first next time
	Beats   bool          // of Accepted: the worker promised heartbeats
	Pause   time.Duration // before the next try, of Busy, Refused and Unknown
	Message string        // of Rejected, for the user
	Resumed time.Time     // end of the sweeper's last outage: deadlines don't count from before
}

func newNonce() string { return uuid.NewString() }

// Claim takes the next hand-over of a PENDING task for that long. It is nil where there is nothing to hand over: another
// dispatcher has the task, it is not due, or it is no longer PENDING.
func (s *Store) Claim(ctx context.Context, id string, length time.Duration) (*Claim, error) {
	nonce := newNonce()
	reply, err := s.run(ctx, call{claimScript, id, nil, []any{nonce, ms(length)}})
	if err != nil || reply[0] == "no" {
		return nil, err
	}
	return &Claim{
		TaskID: id, Nonce: nonce, Attempt: atoi(reply[1]), Worker: atoi(reply[2]), Tries: atoi(reply[3]), User: reply[4],
		Input: task.Input{Key: reply[5], ContentType: reply[6], Size: atoi64(reply[7]), SHA256: reply[8], Name: reply[9]}, Formats: reply[10], Trace: reply[11],
	}, nil
}

// Record writes down what came of a claim, and tells the task's status, "" where it was deleted. held is false where the
// claim had run out or the task had ended meanwhile: then nothing changed.
func (s *Store) Record(ctx context.Context, c *Claim, o Outcome) (status task.Status, held bool, err error) {
	reply, err := s.run(ctx, c.outcome(o))
	if err != nil {
		return "", false, err
	}
	return task.Status(reply[1]), reply[0] == "ok", nil
}

func (c *Claim) outcome(o Outcome) call {
	resumed := int64(0)
	if !o.Resumed.IsZero() {
		resumed = o.Resumed.UnixMilli()
	}
	return call{outcomeScript, c.TaskID, nil, []any{c.Nonce, string(o.Fate), o.Worker, o.Next, flag(o.Beats), ms(o.Pause), o.Message, resumed}}
}

// MarkBusy notes that all workers said that they are busy: the sweeper asks them again after the pause, and new tasks queue
// behind older ones for that long and a little more, until the sweeper has asked.
func (s *Store) MarkBusy(ctx context.Context, pause, more time.Duration) error {
	until := time.Now().Add(pause).UnixMilli()
	return redisdb.Away(s.rdb.Set(ctx, busyKey, until, pause+more).Err())
}

// BusyUntil tells until when the workers are not to be asked, zero if they may be.
func (s *Store) BusyUntil(ctx context.Context) (time.Time, error) {
	until, err := s.rdb.Get(ctx, busyKey).Int64()
	if errors.Is(err, redis.Nil) {
		return time.Time{}, nil
	}
	return time.UnixMilli(until), redisdb.Away(err)
}
