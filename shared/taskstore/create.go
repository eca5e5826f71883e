package taskstore

import (
	"context"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/task"
)

// Limits are what one user may do. Zero values allow anything.
type Limits struct {
	Active int           // tasks that have not ended
	Burst  int           // creates in a Period, a token bucket
	Period time.Duration // of Burst
}

// Order is a wish for a task, before it has become one.
type Order struct {
	User     string
	ImageID  string
	Formats  string // separated by spaces: what is wanted beside the usual results
	Key      string // Idempotency-Key, "" if none
	BodyHash string // tells a repeated body from another one under the same Key
	Limits   Limits
}

// Reservation is a task's id with what has to be done before it is recorded: copy Picture to Input.Key.
type Reservation struct {
	Order   Order
	ID      string
	Done    bool       // the task with this Idempotency-Key is recorded already; nothing below is set
	Picture string     // key of the picture's object
	Input   task.Input // the task's own copy
	Busy    bool       // all workers are known to be busy: older tasks go first
}

// reservation is how long the id of a task is kept for who reserved it.
const reservation = 30 * time.Second

// CopyPrefix is where tasks keep their input and results.
const CopyPrefix = "reconstruction/"

// Reserve gives an order its task's id, or that of the task that it became before. It takes one round trip. Errors: fault.
// PictureNotFound, IdempotencyConflict, IdempotencyInProgress, RateLimited, TooManyActiveTasks, Unavailable.
func (s *Store) Reserve(ctx context.Context, o Order) (Reservation, error) {
	id := task.NewID(o.User)
	keys, args := s.keysAndArgs(call{
		id:   id,
		keys: []string{PictureKey(o.ImageID), userActiveKey(o.User), userRateKey(o.User), o.idempotencyKey(id)},
		args: []any{o.User, o.ImageID, id, flag(o.Key != ""), o.BodyHash, ms(reservation), o.Limits.Active, o.Limits.Burst, ms(o.Limits.Period), CopyPrefix},
	})
	var busy *redis.IntCmd
	attempt := func(run func(p redis.Pipeliner) *redis.Cmd) (*redis.Cmd, error) {
		var cmd *redis.Cmd
		_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			cmd, busy = run(p), p.Exists(ctx, busyKey)
			return nil
		})
		return cmd, err
	}
	cmd, err := attempt(func(p redis.Pipeliner) *redis.Cmd { return reserveScript.EvalSha(ctx, p, keys, args...) })
	if isNoScript(err) {
		cmd, err = attempt(func(p redis.Pipeliner) *redis.Cmd {
			// A Redis that has lost one script has lost those that follow, too: told now, they cost no round trips of their own.
			createScript.Load(ctx, p)
			outcomeScript.Load(ctx, p)
			return reserveScript.Eval(ctx, p, keys, args...)
		})
	}
	if err != nil {
		return Reservation{}, redisdb.Away(err)
	}
	reply, err := replyOf(cmd)
	if err != nil {
		return Reservation{}, err
	}
	if reply[0] == "done" {
		return Reservation{Order: o, ID: reply[1], Done: true}, nil
	}
	return Reservation{
		Order: o, ID: reply[1], Picture: reply[6], Busy: busy.Val() > 0,
		Input: task.Input{Name: reply[2], ContentType: reply[3], Size: atoi64(reply[4]), SHA256: reply[5], Key: reply[7]},
	}, nil
}

// Unreserve gives a reservation back that did not become a task, as if it had never been. What was copied goes to the trash.
func (s *Store) Unreserve(ctx context.Context, r Reservation) error {
	o := r.Order
	_, err := s.run(ctx, call{
		unreserveScript, r.ID,
		[]string{userActiveKey(o.User), userRateKey(o.User), o.idempotencyKey(r.ID)},
		[]any{r.ID, flag(o.Key != ""), o.Limits.Burst, ms(o.Limits.Period), r.Input.Key},
	})
	return err
}

// Create records the reserved task and, where claim is longer than nothing, claims its first hand-over, to the worker with
// that index. The Claim is nil where the caller has none: it asked for none, or a retry of the same order was faster.
func (s *Store) Create(ctx context.Context, r Reservation, claim time.Duration, worker int) (task.Status, *Claim, error) {
	o, in, nonce := r.Order, r.Input, newNonce()
	reply, err := s.run(ctx, call{
		createScript, r.ID,
		[]string{userTasksKey(o.User), userActiveKey(o.User), o.idempotencyKey(r.ID)},
		[]any{
			o.User, userKey(o.User), r.ID, o.ImageID, in.Key, in.ContentType, in.Size, in.SHA256, in.Name,
			flag(o.Key != ""), nonce, ms(claim), worker, o.Formats,
		},
	})
	if err != nil {
		return "", nil, err
	}
	status := task.Status(reply[3])
	if reply[1] != "1" {
		return status, nil, nil
	}
	return status, &Claim{TaskID: r.ID, User: o.User, Attempt: atoi(reply[2]), Nonce: nonce, Worker: worker, Tries: 1, Input: in, Formats: o.Formats}, nil
}

// idempotencyKey is the order's key in Redis. A script has to be given one: an order without gets a key that it never touches.
func (o Order) idempotencyKey(id string) string {
	if o.Key == "" {
		return TaskKey(id)
	}
	return idempotencyKey(o.User, o.Key)
}

func isNoScript(err error) bool {
	return err != nil && len(err.Error()) >= 8 && err.Error()[:8] == "NOSCRIPT"
}
