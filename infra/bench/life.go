package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-redis/redis/v8"
	"golang.org/x/sync/errgroup"

	"github.com/recon3d/recon3d/shared/picturestore"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// callers is how many changes are under way at a time: about what the functions of a busy system have.
const callers = 16

// requiredResults are the results without which a task of these lives is not completed, as by default.
var requiredResults = []string{"pixel_images.png", "xyz_images.png", "output3d.zip"}

// life is a task in this process, without the functions around it.
type life struct {
	user, picture string
	reserved      taskstore.Reservation
	claim         *taskstore.Claim
}

// change is one that a task meets, once or several times in a row.
type change struct {
	name  string
	times int
	holds bool // only an id or a name, for a change that follows
	do    func(ctx context.Context, s *taskstore.Store, l *life, time int) error
}

// changes are a task's life in order.
func changes() []change {
	return []change{
		{"id reserved", 1, true, func(ctx context.Context, s *taskstore.Store, l *life, _ int) (err error) {
			l.reserved, err = s.Reserve(ctx, taskstore.Order{User: l.user, ImageID: l.picture})
			return err
		}},
		{"create", 1, false, func(ctx context.Context, s *taskstore.Store, l *life, _ int) (err error) {
			_, l.claim, err = s.Create(ctx, l.reserved, time.Minute, 0)
			return err
		}},
		{"worker has it", 1, false, func(ctx context.Context, s *taskstore.Store, l *life, _ int) error {
			status, held, err := s.Record(ctx, l.claim, taskstore.Outcome{Fate: taskstore.Accepted, Worker: "http://127.0.0.1:8000", Beats: true})
			if err == nil && (!held || status != task.Processing) {
				err = fmt.Errorf("a hand-over was recorded as held: %v, status %s", held, status)
			}
			return err
		}},
		{"progress", 4, false, func(ctx context.Context, s *taskstore.Store, l *life, time int) error {
			return l.report(ctx, s, taskstore.Report{Said: "processing", Progress: new(20 + time), Stage: "mesh", ETASeconds: new(12.5)}, task.Processing)
		}},
		{"result's name reserved", len(requiredResults), true, func(ctx context.Context, s *taskstore.Store, l *life, time int) error {
			_, err := s.ReserveResult(ctx, l.offer(time), l.key(time))
			return err
		}},
		{"result stored", len(requiredResults), false, func(ctx context.Context, s *taskstore.Store, l *life, time int) error {
			_, err := s.RecordResult(ctx, l.offer(time), l.key(time))
			return err
		}},
		{"completed", 1, false, func(ctx context.Context, s *taskstore.Store, l *life, _ int) error {
			return l.report(ctx, s, taskstore.Report{Said: "completed", Required: requiredResults}, task.Completed)
		}},
	}
}

func (l *life) report(ctx context.Context, s *taskstore.Store, r taskstore.Report, want task.Status) error {
	r.TaskID, r.Attempt = l.reserved.ID, new(1)
	status, changed, err := s.Report(ctx, r)
	if err == nil && (!changed || status != want) {
		err = fmt.Errorf("`%s` was taken as new: %v, status %s", r.Said, changed, status)
	}
	return err
}

func (l *life) offer(n int) taskstore.Offer {
	return taskstore.Offer{
		TaskID: l.reserved.ID, Attempt: new(1), Name: requiredResults[n], SHA256: checksum([]byte(l.reserved.ID)), Size: 345678, ContentType: "image/png",
	}
}

func (l *life) key(n int) string {
	return taskstore.CopyPrefix + l.reserved.ID + "/" + requiredResults[n]
}

// newLives makes that many lives of users that have a picture each.
func newLives(ctx context.Context, rdb redis.UniversalClient, count int) ([]*life, error) {
	const users = 100
	lives := make([]*life, count)
	for i := range lives {
		if i >= users {
			l := *lives[i%users]
			lives[i] = &l
			continue
		}
		var err error
		if lives[i], err = newLife(ctx, rdb, fmt.Sprintf("user-%d", i)); err != nil {
			return nil, err
		}
	}
	return lives, nil
}

// newLife makes that of a user and a picture of theirs.
func newLife(ctx context.Context, rdb redis.UniversalClient, user string) (*life, error) {
	p := picturestore.Picture{
		ID: task.NewID(user), User: user, Name: "photo.jpg", ContentType: "image/jpeg", Size: 234567, Width: 1024, Height: 768, SHA256: checksum([]byte(user)), Ext: "jpg",
	}
	p.Key, p.ThumbnailKey = picturestore.ObjectKey(user, p.ID, "original.jpg"), picturestore.ObjectKey(user, p.ID, "thumbnail.jpg")
	pictures := picturestore.New(rdb)
	if _, _, err := pictures.Stage(ctx, user, p.ID, false, p.Key, p.ThumbnailKey); err != nil {
		return nil, err
	}
	_, err := pictures.Add(ctx, p, false)
	return &life{user: user, picture: p.ID}, err
}

// each does something for every number below count, with as many callers.
func each(ctx context.Context, count int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for caller := range callers {
		group.Go(func() error {
			for i := caller; i < count; i += callers {
				if err := do(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
