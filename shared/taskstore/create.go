package taskstore

import (
	"context"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/task"
)

// Limits are what one user may do. Zero values allow anything.
type Limits struct {
	Active int           // tasks that have not ended
	Burst  int           // creates in a Period, a token bucket
	Period time.Duration // of Burst
}

// Usage is how a user stands to the limits that are on.
type Usage struct {
	Refill time.Duration // until the bucket is full again
	Active int           // tasks that have not ended, the one that is being created included
}

// Order is a wish for a task, before it has become one.
type Order struct {
	User     string
	ImageID  string
	Formats  string // separated by spaces: what is wanted beside the usual results
	Key      string // Idempotency-Key, "" if none
	Trace    string // traceparent of the create, "" if it is not traced
	BodyHash string // tells a repeated body from another one under the same Key
	Limits   Limits
}

// Reservation is a task's id with what has to be done before it is recorded: copy Picture to Input.Key.
type Reservation struct {
	Order   Order
	ID      string
	Done    bool       // the task with this Idempotency-Key is recorded already; of what is below only Usage is set
	Picture string     // key of the picture's object
	Input   task.Input // the task's own copy
	Busy    bool       // all workers are known to be busy: older tasks go first
	Usage   *Usage     // nil where it was not asked
}

// reservation is how long the id of a task is kept for who reserved it.
const reservation = 30 * time.Second

// CopyPrefix is where tasks keep their input and results.
const CopyPrefix = "reconstruction/"

// Reserve gives an order its task's id, or that of the task that it became before. It takes one round trip. Errors: fault.
// PictureNotFound, IdempotencyConflict, IdempotencyInProgress, RateLimited, TooManyActiveTasks, Unavailable. With the two of the limits
// the reservation has its Usage.
func (s *Store) Reserve(ctx context.Context, o Order) (Reservation, error) {
	id := task.NewID(o.User)
	c := call{
		reserveScript, id, o.idempotency([]string{PictureKey(o.ImageID), userActiveKey(o.User), userRateKey(o.User)}),
		[]any{o.User, o.BodyHash, ms(reservation), o.Limits.Active, o.Limits.Burst, ms(o.Limits.Period), CopyPrefix},
	}
	cmd := s.command(ctx, c)
	var busy *redis.IntCmd
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		busy = p.Exists(ctx, busyKey)
		return p.Process(ctx, cmd)
	})
	if isNoScript(err) {
		cmd, err = s.teach(ctx, cmd, reserveScript, func(p redis.Pipeliner) { busy = p.Exists(ctx, busyKey) })
	}
	if err != nil {
		return Reservation{}, redisdb.Away(err)
	}
	reply, err := replyOf(cmd)
	if err != nil {
		return Reservation{Usage: usageOf(err, reply)}, err
	}
	if reply[0] == "done" {
		return Reservation{Order: o, ID: reply[1], Done: true, Usage: usageOf(nil, reply)}, nil
	}
	return Reservation{
		Order: o, ID: reply[1], Picture: reply[6], Busy: busy.Val() > 0, Usage: usageOf(nil, reply),
		Input: task.Input{Name: reply[2], ContentType: reply[3], Size: atoi64(reply[4]), SHA256: reply[5], Key: reply[7]},
	}, nil
}

// usageOf reads the end of a reply to a reservation, nil where it is of something else.
func usageOf(err error, reply []string) *Usage {
	if err != nil && !fault.Is(err, fault.RateLimited) && !fault.Is(err, fault.TooManyActiveTasks) {
		return nil
	}
	n := len(reply)
	return &Usage{Refill: time.Duration(atoi64(reply[n-2])) * time.Millisecond, Active: atoi(reply[n-1])}
}

// Unreserve gives a reservation back that did not become a task, as if it had never been. What was copied goes to the trash.
func (s *Store) Unreserve(ctx context.Context, r Reservation) error {
	o := r.Order
	_, err := s.run(ctx, call{
		unreserveScript, r.ID, o.idempotency([]string{userActiveKey(o.User), userRateKey(o.User)}),
		[]any{o.Limits.Burst, ms(o.Limits.Period), r.Input.Key},
	})
	return err
}

// Create records the reserved task and, where claim is longer than nothing, claims its first hand-over, to the worker with
// that index. The Claim is nil where the caller has none: it asked for none, or a retry of the same order was faster.
func (s *Store) Create(ctx context.Context, r Reservation, claim time.Duration, worker int) (task.Status, *Claim, error) {
	o, in, nonce := r.Order, r.Input, newNonce()
	reply, err := s.run(ctx, call{
		createScript, r.ID, o.idempotency([]string{userTasksKey(o.User), userActiveKey(o.User)}),
		[]any{
			o.User, userKey(o.User), o.ImageID, in.Key, in.ContentType, in.Size, in.SHA256, in.Name,
			nonce, ms(claim), worker, o.Formats, o.Trace,
		},
	})
	if err != nil {
		return "", nil, err
	}
	status := task.Status(reply[3])
	if reply[1] != "1" {
		return status, nil, nil
	}
	return status, &Claim{TaskID: r.ID, User: o.User, Attempt: atoi(reply[2]), Nonce: nonce, Worker: worker, Tries: 1, Input: in, Formats: o.Formats, Trace: o.Trace}, nil
}

// idempotency adds the key of the order's Idempotency-Key, where it has one.
func (o Order) idempotency(keys []string) []string {
	if o.Key == "" {
		return keys
	}
	return append(keys, idempotencyKey(o.User, o.Key))
}
