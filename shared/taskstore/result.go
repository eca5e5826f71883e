package taskstore

import (
	"context"
	"time"
)

// Offer is a result that a worker has, before it is stored.
type Offer struct {
	TaskID      string
	Attempt     *int // nil: a worker that knows no attempts, which is taken for the first
	Name        string
	SHA256      string // lower-case hex
	Size        int64
	ContentType string
}

// Verdict tells what to do with an offer. The zero value: store it.
type Verdict struct {
	Duplicate bool  // the same bytes are stored already
	Size      int64 // of a duplicate
}

// Number is the offer's attempt.
func (o Offer) Number() int {
	if o.Attempt == nil {
		return 1
	}
	return *o.Attempt
}

// ResultReservation is how long a name is kept for the bytes that reserved it. It is longer than any function lives, so that
// who reserved can't write after it.
const ResultReservation = 3 * time.Minute

// Judge tells what would become of an offer, changing nothing. Errors, of all methods here: fault.TaskNotFound, TaskFinished,
// AttemptSuperseded, ResultConflict, ValidationFailed, Unavailable.
func (s *Store) Judge(ctx context.Context, o Offer) (Verdict, error) {
	return s.result(ctx, o.call(holdScript, "", "judge"))
}

// AllowUpload judges an offer whose bytes will be put to the staging key by a URL of that life. What is staged and never
// claimed is in the trash.
func (s *Store) AllowUpload(ctx context.Context, o Offer, staging string, life time.Duration) (Verdict, error) {
	return s.result(ctx, o.call(stageScript, staging, ms(life)))
}

// ReserveResult keeps the name for these bytes until RecordResult or ReleaseResult, which are given the same key: where the
// object is about to be written.
func (s *Store) ReserveResult(ctx context.Context, o Offer, key string) (Verdict, error) {
	return s.result(ctx, o.call(holdScript, key, "reserve", ms(ResultReservation)))
}

// RecordResult stores the result, whose object is in its place, and tells of it. Where it is refused because the task ended
// or was taken over meanwhile, the object goes to the trash.
func (s *Store) RecordResult(ctx context.Context, o Offer, key string) (Verdict, error) {
	return s.result(ctx, o.call(recordScript, key, o.Size, o.ContentType))
}

// ReleaseResult gives a name back that was reserved for bytes which did not come.
func (s *Store) ReleaseResult(ctx context.Context, o Offer, key string) error {
	_, err := s.result(ctx, o.call(holdScript, key, "release"))
	return err
}

func (s *Store) result(ctx context.Context, c call) (Verdict, error) {
	reply, err := s.run(ctx, c)
	if err != nil {
		return Verdict{}, err
	}
	if reply[0] == "duplicate" {
		return Verdict{Duplicate: true, Size: atoi64(reply[1])}, nil
	}
	return Verdict{}, nil
}

func (o Offer) call(s *script, key string, args ...any) call {
	return call{s, o.TaskID, nil, append([]any{optional(o.Attempt), o.Name, o.SHA256, key}, args...)}
}
