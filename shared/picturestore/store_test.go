package picturestore

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

func picture(user string) Picture {
	id := task.NewID(user)
	return Picture{
		ID: id, User: user, Name: "模型.png", ContentType: "image/png", Size: 5, Width: 3, Height: 4, SHA256: "abc", Ext: "png",
		Key: ObjectKey(user, id, "original.png"), ThumbnailKey: ObjectKey(user, id, "thumbnail.png"),
	}
}

// trash tells what is in the trash, by member, in milliseconds from now.
func trash(t *testing.T, rdb *redis.Client, p task.Partition) map[string]time.Duration {
	t.Helper()
	now := rdb.Time(t.Context()).Val()
	all := map[string]time.Duration{}
	for _, z := range rdb.ZRangeWithScores(t.Context(), taskstore.TrashKey(p), 0, -1).Val() {
		all[z.Member.(string)] = time.UnixMilli(int64(z.Score)).Sub(now)
	}
	return all
}

func add(t *testing.T, s *Store, p Picture) Picture {
	t.Helper()
	if _, recorded, err := s.Stage(t.Context(), p.User, p.ID, false, p.Key, p.ThumbnailKey); err != nil || recorded {
		t.Fatalf("stage: %v %v", recorded, err)
	}
	got, err := s.Add(t.Context(), p, false)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

var ignoreTime = cmpopts.IgnoreFields(Picture{}, "CreatedAt")

func TestPictureLives(t *testing.T) {
	rdb := redistest.Start(t).Client()
	s, ctx := New(rdb), t.Context()
	p := picture("ann")
	part := task.PartitionOf("ann")

	if _, _, err := s.Stage(ctx, p.User, p.ID, false, p.Key, p.ThumbnailKey); err != nil {
		t.Fatal(err)
	}
	if got := trash(t, rdb, part); len(got) != 4 || got["1 "+p.Key] <= margin || got["2 "+p.ThumbnailKey] <= got["1 "+p.ThumbnailKey] {
		t.Errorf("staged: %v", got)
	}
	if _, err := s.Get(ctx, "ann", p.ID); !fault.Is(err, fault.PictureNotFound) {
		t.Errorf("staged only, and found: %v", err)
	}
	before := rdb.Time(ctx).Val().Truncate(time.Millisecond)
	added, err := s.Add(ctx, p, false)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p, added, ignoreTime); d != "" {
		t.Error(d)
	}
	if added.CreatedAt.Before(before) || added.CreatedAt.Location() != time.UTC {
		t.Errorf("created at %s", added.CreatedAt)
	}
	if got := trash(t, rdb, part); len(got) != 0 {
		t.Errorf("recorded, and in the trash: %v", got)
	}
	again, err := s.Add(ctx, p, false)
	if d := cmp.Diff(added, again); d != "" || err != nil {
		t.Errorf("rerun: %v %s", err, d)
	}
	if got, recorded, err := s.Stage(ctx, p.User, p.ID, false, p.Key); err != nil || !recorded || !cmp.Equal(got, added) || len(trash(t, rdb, part)) != 0 {
		t.Errorf("staged though recorded: %+v %v", got, err)
	}
	got, err := s.Get(ctx, "ann", p.ID)
	if d := cmp.Diff(added, got); d != "" || err != nil {
		t.Errorf("get: %v %s", err, d)
	}

	// Another user whose ids have the same partition asks for it, and one whose have not.
	twin := "bob"
	for i := 0; task.PartitionOf(twin) != part; i++ {
		twin = fmt.Sprint("bob", i)
	}
	for _, user := range []string{twin, "carl"} {
		if _, err := s.Get(ctx, user, p.ID); !fault.Is(err, fault.PictureNotFound) {
			t.Errorf("%s gets: %v", user, err)
		}
		if err := s.Delete(ctx, user, p.ID); !fault.Is(err, fault.PictureNotFound) {
			t.Errorf("%s deletes: %v", user, err)
		}
	}
	for _, id := range []string{"", "upload", "../x", strings.ToUpper(p.ID), p.ID + "0"} {
		if _, err := s.Get(ctx, "ann", id); !fault.Is(err, fault.PictureNotFound) {
			t.Errorf("id %q: %v", id, err)
		}
	}

	if err := s.Delete(ctx, "ann", p.ID); err != nil {
		t.Fatal(err)
	}
	in := trash(t, rdb, part)
	for _, key := range []string{p.Key, p.ThumbnailKey} {
		if in["1 "+key] > 0 || in["2 "+key] <= cosstore.URLLife {
			t.Errorf("deleted: %v", in)
		}
	}
	if err := s.Delete(ctx, "ann", p.ID); !fault.Is(err, fault.PictureNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	if all, total, err := s.List(ctx, "ann", 0, 10); len(all) != 0 || total != 0 || err != nil {
		t.Errorf("list: %v %d %v", all, total, err)
	}
}

func TestRerunOfADeletionAnswersAsItsFirstRun(t *testing.T) {
	s := New(redistest.Start(t).Client())
	p := add(t, s, picture("ann"))
	for range 2 {
		if _, err := s.run(t.Context(), s.deletion, "ann", p.ID, ms(urlLife), "nonce", ms(rerun)); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.run(t.Context(), s.deletion, "ann", p.ID, ms(urlLife), "other", ms(rerun)); !fault.Is(err, fault.PictureNotFound) {
		t.Error(err)
	}
}

func TestObjectsThatWereOnceTrashAreNotRecorded(t *testing.T) {
	rdb := redistest.Start(t).Client()
	s, ctx := New(rdb), t.Context()
	p := picture("ann")
	if _, err := s.Add(ctx, p, false); !fault.Is(err, fault.Unavailable) {
		t.Errorf("never staged: %v", err)
	}
	if _, _, err := s.Stage(ctx, p.User, p.ID, false, p.Key, p.ThumbnailKey); err != nil {
		t.Fatal(err)
	}
	// A quarter of an hour passes, but for half the margin.
	at := rdb.Time(ctx).Val().Add(margin / 2).UnixMilli()
	rdb.ZAdd(ctx, taskstore.TrashKey(task.PartitionOf("ann")), &redis.Z{Score: float64(at), Member: "1 " + p.ThumbnailKey})
	if _, err := s.Add(ctx, p, false); !fault.Is(err, fault.Unavailable) {
		t.Errorf("about to be deleted: %v", err)
	}
	if keys := rdb.Keys(ctx, "*picture*").Val(); len(keys) != 0 {
		t.Errorf("left %v", keys)
	}
}

func TestListIsPerUserAndNewestFirst(t *testing.T) {
	s, ctx := New(redistest.Start(t).Client()), t.Context()
	var ids []string
	for range 5 {
		ids = append([]string{add(t, s, picture("ann")).ID}, ids...)
	}
	add(t, s, picture("ann x"))
	for _, c := range []struct {
		offset, size int64
		want         []string
	}{{0, 2, ids[:2]}, {2, 2, ids[2:4]}, {4, 2, ids[4:]}, {6, 2, nil}, {0, 100, ids}, {1 << 50, 1, nil}} {
		got, total, err := s.List(ctx, "ann", c.offset, c.size)
		if err != nil || total != 5 {
			t.Fatalf("%d of %v", total, err)
		}
		var have []string
		for _, p := range got {
			have = append(have, p.ID)
		}
		if d := cmp.Diff(c.want, have); d != "" {
			t.Errorf("%d, %d: %s", c.offset, c.size, d)
		}
	}
}

func announce(t *testing.T, s *Store, p Picture) Upload {
	t.Helper()
	u := Upload{ID: p.ID, User: p.User, Name: p.Name, ContentType: p.ContentType, Size: p.Size, Key: StagedKey(p.ID)}
	if err := s.Announce(t.Context(), u, time.Minute); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestAnnouncedPicture(t *testing.T) {
	rdb := redistest.Start(t).Client()
	s, ctx := New(rdb), t.Context()
	p := picture("ann")
	u := announce(t, s, p)
	if life := rdb.TTL(ctx, taskstore.PictureKey(p.ID)).Val(); life <= time.Minute {
		t.Errorf("lapses in %s", life)
	}
	if got := trash(t, rdb, task.PartitionOf("ann")); len(got) != 2 || got["1 "+u.Key] <= time.Minute || got["2 "+u.Key] <= got["1 "+u.Key] {
		t.Errorf("announced: %v", got)
	}
	if _, err := s.Get(ctx, "ann", p.ID); !fault.Is(err, fault.PictureNotFound) {
		t.Errorf("get: %v", err)
	}
	if err := s.Delete(ctx, "ann", p.ID); !fault.Is(err, fault.PictureNotFound) {
		t.Errorf("delete: %v", err)
	}
	if _, total, err := s.List(ctx, "ann", 0, 1); total != 0 || err != nil {
		t.Errorf("list: %d %v", total, err)
	}
	none, found, err := s.Find(ctx, "ann", p.ID)
	if d := cmp.Diff(&u, found); d != "" || none != nil || err != nil {
		t.Errorf("find: %v %v %s", none, err, d)
	}

	if _, recorded, err := s.Stage(ctx, "ann", p.ID, true, p.Key, p.ThumbnailKey); recorded || err != nil {
		t.Fatal(recorded, err)
	}
	added, err := s.Add(ctx, p, true)
	if d := cmp.Diff(p, added, ignoreTime); d != "" || err != nil {
		t.Fatal(err, d)
	}
	if life := rdb.TTL(ctx, taskstore.PictureKey(p.ID)).Val(); life > 0 {
		t.Errorf("a picture that lapses in %s", life)
	}
	if got := trash(t, rdb, task.PartitionOf("ann")); len(got) != 2 || got["1 "+u.Key] > 0 || got["2 "+u.Key] <= time.Minute {
		t.Errorf("completed: %v", got)
	}
	if err := s.Discard(ctx, u); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(ctx, "ann", p.ID); err != nil {
		t.Errorf("a discard that came late: %v", err)
	}
}

func TestDiscardedPictureCantBeAdded(t *testing.T) {
	rdb := redistest.Start(t).Client()
	s, ctx := New(rdb), t.Context()
	p := picture("ann")
	u := announce(t, s, p)
	if _, _, err := s.Stage(ctx, "ann", p.ID, true, p.Key, p.ThumbnailKey); err != nil {
		t.Fatal(err)
	}
	if err := s.Discard(ctx, u); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Add(ctx, p, true); !fault.Is(err, fault.PictureNotFound) {
		t.Errorf("add: %v", err)
	}
	if _, _, err := s.Stage(ctx, "ann", p.ID, true, p.Key); !fault.Is(err, fault.PictureNotFound) {
		t.Errorf("stage: %v", err)
	}
	got := trash(t, rdb, task.PartitionOf("ann"))
	if got["1 "+u.Key] > 0 || got["2 "+u.Key] <= time.Minute || got["1 "+p.Key] <= 0 || got["1 "+p.ThumbnailKey] <= 0 {
		t.Errorf("trash: %v", got)
	}
}

func TestOfManyAddsOneIsRecorded(t *testing.T) {
	rdb := redistest.Start(t).Client()
	s := New(rdb)
	p := picture("ann")
	announce(t, s, p)
	var wg sync.WaitGroup
	got := make([]Picture, 8)
	for i := range got {
		wg.Go(func() {
			q := p
			q.SHA256 = fmt.Sprint("version ", i)
			q.Key, q.ThumbnailKey = ObjectKey("ann", p.ID, fmt.Sprint(i, ".png")), ObjectKey("ann", p.ID, fmt.Sprint(i, "t.png"))
			won, recorded, err := s.Stage(context.Background(), "ann", p.ID, true, q.Key, q.ThumbnailKey)
			if err == nil && !recorded {
				won, err = s.Add(context.Background(), q, true)
			}
			if err != nil {
				t.Error(err)
			}
			got[i] = won
		})
	}
	wg.Wait()
	for _, g := range got[1:] {
		if d := cmp.Diff(got[0], g); d != "" {
			t.Error(d)
		}
	}
	left := trash(t, rdb, task.PartitionOf("ann"))
	if _, there := left["1 "+got[0].Key]; there {
		t.Error("the picture's object is in the trash")
	}
}

func TestRedisAway(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	s, p := New(rdb), picture("ann")
	ctx := t.Context()
	_, _, stage := s.Stage(ctx, p.User, p.ID, false, p.Key)
	_, addErr := s.Add(ctx, p, false)
	_, get := s.Get(ctx, p.User, p.ID)
	_, _, list := s.List(ctx, p.User, 0, 1)
	for what, err := range map[string]error{"stage": stage, "add": addErr, "get": get, "list": list, "delete": s.Delete(ctx, p.User, p.ID)} {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestObjectKeys(t *testing.T) {
	if got, want := ObjectKey("ann.b-c_9", "id", "x"), "pictures/ann.b-c_9/id/x"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
	for _, user := range []string{"auth0|1", "../x", ".", "..", "a/b", "", "ä", "a\n", strings.Repeat("a", 65)} {
		key := ObjectKey(user, "id", "x")
		if !strings.HasPrefix(key, "pictures/h-") || len(key) != len("pictures/h-/id/x")+32 {
			t.Errorf("%q: %s", user, key)
		}
	}
}

// A Redis at its maxmemory takes nothing in until something goes.
func TestAPictureIsDeletedFromAFullRedis(t *testing.T) {
	rdb := redistest.Start(t).Client()
	s := New(rdb)
	p := add(t, s, picture("ann"))
	if err := rdb.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "ann", p.ID); err != nil {
		t.Error(err)
	}
	if n := rdb.ZCard(t.Context(), taskstore.TrashKey(task.PartitionOf("ann"))).Val(); n != 4 {
		t.Errorf("%d deletions of its two objects are to come", n)
	}
}
