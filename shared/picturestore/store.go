package picturestore

import (
	"context"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/google/uuid"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

const (
	// unclaimed is how long objects may wait for their record: longer than any upload can take.
	unclaimed = 15 * time.Minute
	// margin is how long before that a record still counts them as there: whoever empties the trash may be about to.
	margin = time.Minute
	// putting is how long after the end of a URL a PUT to it may still be running.
	putting = 45 * time.Minute
	// urlLife is how long a URL to a picture may work, with slack.
	urlLife = 10*time.Minute + taskstore.Slack
	// rerun is how long a deletion is remembered for a rerun of its script, which the client sends when it lost the reply.
	rerun = time.Minute
)

// Store is the pictures of one Redis. It is safe for many goroutines.
type Store struct {
	rdb                                     redis.UniversalClient
	stage, announce, discard, add, deletion *redis.Script
}

// New makes a store on a client; it does not dial.
func New(rdb redis.UniversalClient) *Store {
	return &Store{
		rdb:   rdb,
		stage: script("stage"), announce: script("announce"), discard: script("discard"), add: script("add"), deletion: script("delete"),
	}
}

// ours tells whether an id can be one of that user's. What can't is not found, and reaches no key.
func ours(user, id string) bool {
	return task.ValidID(id) && task.PartitionOfID(id) == task.PartitionOf(user)
}

// Stage puts objects into the trash that are about to be written for a new picture, or for an announced one. Add has to
// follow. Where announced and meanwhile recorded, nothing is to be written: the picture is told, with recorded true.
// Errors: fault.PictureNotFound where announced and not there, fault.Unavailable.
func (s *Store) Stage(ctx context.Context, user, id string, announced bool, keys ...string) (p Picture, recorded bool, err error) {
	args := []any{state(announced), ms(unclaimed), ms(taskstore.Slack)}
	for _, key := range keys {
		args = append(args, key)
	}
	p, err = s.run(ctx, s.stage, user, id, args...)
	return p, p.ID != "", err
}

// Add records a picture whose objects are staged and written, and takes them out of the trash. It tells the record: that
// of whoever was first, where two complete the same upload. Errors: fault.PictureNotFound where announced and no longer
// there, fault.Unavailable.
func (s *Store) Add(ctx context.Context, p Picture, announced bool) (Picture, error) {
	args := append([]any{state(announced), ms(margin), p.Key, p.ThumbnailKey, StagedKey(p.ID)}, p.fields()...)
	return s.run(ctx, s.add, p.User, p.ID, args...)
}

// Announce records that a picture is about to be put to a URL of that life. It lapses when no PUT can be running any more.
func (s *Store) Announce(ctx context.Context, u Upload, life time.Duration) error {
	_, err := s.run(
		ctx, s.announce, u.User, u.ID, u.Key, ms(life+putting), ms(taskstore.Slack),
		"user", u.User, "name", u.Name, "contentType", u.ContentType, "size", u.Size,
	)
	return err
}

// Discard forgets an announced picture that did not turn out to be one, and has its staged object deleted. One that is
// recorded meanwhile stays.
func (s *Store) Discard(ctx context.Context, u Upload) error {
	_, err := s.run(ctx, s.discard, u.User, u.ID, u.Key)
	return err
}

// Delete removes a picture's record and has its objects deleted. Errors: fault.PictureNotFound, fault.Unavailable.
func (s *Store) Delete(ctx context.Context, user, id string) error {
	if !ours(user, id) {
		return fault.New(fault.PictureNotFound, "")
	}
	_, err := s.run(ctx, s.deletion, user, id, ms(urlLife), uuid.NewString(), ms(rerun))
	return err
}

// Find tells a user's picture, or the upload that is to become one: the other is nil. Errors: fault.PictureNotFound,
// fault.Unavailable.
func (s *Store) Find(ctx context.Context, user, id string) (*Picture, *Upload, error) {
	if !ours(user, id) {
		return nil, nil, fault.New(fault.PictureNotFound, "")
	}
	record, err := s.rdb.HGetAll(ctx, taskstore.PictureKey(id)).Result()
	if err != nil {
		return nil, nil, redisdb.Away(err)
	}
	if len(record) == 0 || record["user"] != user {
		return nil, nil, fault.New(fault.PictureNotFound, "")
	}
	p, ready, err := parse(id, record)
	if err != nil {
		return nil, nil, err
	}
	if !ready {
		return nil, &Upload{ID: id, User: user, Name: p.Name, ContentType: p.ContentType, Size: p.Size, Key: StagedKey(id)}, nil
	}
	return &p, nil, nil
}

// Get is Find of a picture that is stored.
func (s *Store) Get(ctx context.Context, user, id string) (Picture, error) {
	p, _, err := s.Find(ctx, user, id)
	if err != nil {
		return Picture{}, err
	}
	if p == nil {
		return Picture{}, fault.New(fault.PictureNotFound, "")
	}
	return *p, nil
}

// List tells size of a user's pictures from the given offset on, newest first, and how many there are in all.
// Errors: fault.Unavailable.
func (s *Store) List(ctx context.Context, user string, offset, size int64) (pictures []Picture, total int64, err error) {
	var ids *redis.StringSliceCmd
	var count *redis.IntCmd
	_, err = s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		ids, count = p.ZRevRange(ctx, indexKey(user), offset, offset+size-1), p.ZCard(ctx, indexKey(user))
		return nil
	})
	if err != nil {
		return nil, 0, redisdb.Away(err)
	}
	records := make([]*redis.StringStringMapCmd, len(ids.Val()))
	_, err = s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids.Val() {
			records[i] = p.HGetAll(ctx, taskstore.PictureKey(id))
		}
		return nil
	})
	if err != nil {
		return nil, 0, redisdb.Away(err)
	}
	pictures = make([]Picture, 0, len(records))
	for i, r := range records {
		if len(r.Val()) == 0 {
			continue // deleted since
		}
		p, _, err := parse(ids.Val()[i], r.Val())
		if err != nil {
			return nil, 0, err
		}
		pictures = append(pictures, p)
	}
	return pictures, count.Val(), nil
}
