package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/tencentyun/cos-go-sdk-v5"
)

// Evidence is all that the invariants judge: what was planned, what users and workers saw, and what is in Redis, COS and the folders once
// everything has come to rest.
type Evidence struct {
	Plan     Plan
	Stories  []*Story
	Calls    []Call
	Visits   []Visit
	Answers  []Answer
	Taken    map[string][]handover // by task
	Keys     map[string]Key
	Channels []string          // that somebody is subscribed to
	Objects  map[string]string // SHA-256 by key
	Last     map[string]Snapshot
	Read     map[string]map[string]string // by task and result: SHA-256 of what its URL leads to
	Listed   map[string][]string          // the tasks of each user's list
	Document map[string]string            // each task's status document, without what is signed anew each time
	Item     map[string]string            // the same, in its user's list
	After    *Remains                     // what is left when users have deleted everything; nil where they have not
	Files    []string                     // temporary files that are left
	Open     map[string][2]int            // descriptors of each function: when it was young, and now
	Routines map[string][2]int            // goroutines of each function: of its young successor, and of itself
	Dead     map[string]int               // messages that a real worker gave up
	Unended  []string                     // why it did not come to rest
	Rest     time.Time                    // when it had
}

// Key is one key of Redis.
type Key struct {
	Type    string
	Expires bool
	Hash    map[string]string
	Scores  map[string]float64
	Stream  []Event
}

// rest waits for the end of all that is under way: tasks, workers' jobs and outboxes, what is ripe in the trash, subscriptions. It
// waits for the things themselves, and at most as long as the deadline allows them.
func (w *world) rest(ctx context.Context, people *sync.WaitGroup, say func(string)) (unended []string) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	done := make(chan struct{})
	go func() {
		people.Wait()
		w.post.under.Wait()
		close(done)
	}()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for said := time.Now(); ; {
		unended = w.busy(ctx, done)
		if len(unended) == 0 {
			return nil
		}
		if time.Since(said) > 5*time.Second {
			say("waiting for " + unended[0])
			said = time.Now()
		}
		select {
		case <-ctx.Done():
			return unended
		case <-tick.C:
		}
	}
}

// busy tells what is still under way.
func (w *world) busy(ctx context.Context, people <-chan struct{}) []string {
	select {
	case <-people:
	default:
		ended, _ := w.ledger.ended()
		return []string{fmt.Sprintf("people: %d of their tasks have ended", ended)}
	}
	var busy []string
	for _, name := range slices.Concat(fakes(), reals()) {
		if w.units[name] == nil {
			continue
		}
		h, err := healthOf(ctx, w.ports[name])
		if n := h.Queue.Running + h.Queue.Queued + h.Queue.Delivering + h.Outbox.Pending; err != nil || n > 0 {
			busy = append(busy, fmt.Sprintf("%s, which has %d things to do (%v)", name, n, err))
		}
	}
	files, err := leftovers(w.dir)
	if err != nil || len(files) > 0 {
		busy = append(busy, fmt.Sprintf("%d temporary files, such as %s (%v)", len(files), strings.Join(files[:min(1, len(files))], ""), err))
	}
	channels, err := w.redis.PubSubChannels(ctx, "recon:events:*").Result()
	if err != nil || len(channels) > 0 {
		busy = append(busy, fmt.Sprintf("%d subscriptions (%v)", len(channels), err))
	}
	ripe, err := w.ripe(ctx)
	if err != nil || ripe > 0 {
		busy = append(busy, fmt.Sprintf("%d objects that are to be deleted by now (%v)", ripe, err))
	}
	return busy
}

// ripe is how many members of the trash the sweeper should have seen to.
func (w *world) ripe(ctx context.Context) (n int64, err error) {
	now, err := w.redisNow(ctx)
	if err != nil {
		return 0, err
	}
	keys, err := w.redis.Keys(ctx, "recon:*:trash").Result()
	for _, key := range keys {
		count, e := w.redis.ZCount(ctx, key, "-inf", strconv.FormatInt(now.UnixMilli(), 10)).Result()
		n, err = n+count, errors.Join(err, e)
	}
	return n, err
}

// collect gathers the evidence.
func (w *world) collect(ctx context.Context) (*Evidence, error) {
	e := &Evidence{
		Plan: w.plan, Stories: w.ledger.stories, Calls: w.ledger.calls, Visits: w.ledger.visits, Answers: w.ledger.answers, Rest: time.Now(), Taken: map[string][]handover{}, Last: map[string]Snapshot{},
		Read: map[string]map[string]string{}, Listed: map[string][]string{}, Open: map[string][2]int{}, Dead: map[string]int{},
		Document: map[string]string{}, Item: map[string]string{},
	}
	var err error
	if e.Keys, err = readKeys(ctx, w.redis); err != nil {
		return nil, fmt.Errorf("read Redis: %w", err)
	}
	if e.Channels, err = w.redis.PubSubChannels(ctx, "recon:events:*").Result(); err != nil {
		return nil, fmt.Errorf("read Redis: %w", err)
	}
	if e.Objects, err = readObjects(ctx, w.bucket); err != nil {
		return nil, fmt.Errorf("read COS: %w", err)
	}
	for _, name := range fakes() {
		entries, err := readJournal(filepath.Join(w.dir, name, "journal"))
		if err != nil {
			return nil, fmt.Errorf("read the journal of %s: %w", name, err)
		}
		for _, j := range entries {
			if j.Did == "took" {
				e.Taken[j.TaskID] = append(e.Taken[j.TaskID], handover{name, j.Attempt, j.Image})
			}
		}
	}
	for _, name := range reals() {
		if w.units[name] != nil {
			h, err := healthOf(ctx, w.ports[name])
			if err != nil {
				return nil, fmt.Errorf("ask %s: %w", name, err)
			}
			e.Dead[name] = h.Outbox.Dead
		}
	}
	w.askStatus(ctx, e)
	w.askLists(ctx, e)
	for _, name := range functions() {
		e.Open[name] = [2]int{w.fresh[name], w.units[name].descriptors()}
	}
	e.Files, err = leftovers(w.dir)
	return e, err
}

// askStatus asks for what users see at the end: each task's status, and what its URLs lead to.
func (w *world) askStatus(ctx context.Context, e *Evidence) {
	for _, s := range e.Stories {
		id := s.TaskID()
		if id == "" {
			continue
		}
		snap, ok := w.people.status(ctx, s.Plan.User, id)
		if !ok {
			continue // the invariants miss it
		}
		e.Last[id] = snap
		e.Document[id] = unsigned(snap.Document)
		e.Read[id] = map[string]string{}
		for name, address := range snap.URLs {
			if a := w.people.ask(ctx, s.Plan.User, "GET", address, nil, nil); a.status == 200 {
				e.Read[id][name] = checksum(a.body)
			}
		}
	}
}

// askLists asks for each user's list of tasks.
func (w *world) askLists(ctx context.Context, e *Evidence) {
	for i := range users {
		user, cursor := fmt.Sprintf("user-%d", i), ""
		for {
			var page struct {
				Items      []json.RawMessage
				NextCursor *string
			}
			a := w.people.ask(ctx, user, "GET", "/api/reconstruction/list?limit=100"+cursor, nil, nil)
			if a.status != 200 || !a.into(&page) {
				break
			}
			for _, item := range page.Items {
				var d struct{ TaskID string }
				if json.Unmarshal(item, &d) != nil {
					continue // it is missed
				}
				e.Listed[user] = append(e.Listed[user], d.TaskID)
				e.Item[d.TaskID] = unsigned(item)
			}
			if page.NextCursor == nil {
				break
			}
			cursor = "&cursor=" + *page.NextCursor
		}
	}
}

// signature is what makes two answers that say the same different: what is signed at each asking, and its time.
var signature = regexp.MustCompile(`\?[^"]*"`)

// unsigned is a document without signatures, in one spelling.
func unsigned(document []byte) string {
	var d any
	if err := json.Unmarshal(document, &d); err != nil {
		return "unreadable: " + err.Error()
	}
	text, err := json.Marshal(d) // names in their order
	if err != nil {
		panic(err) // it was read
	}
	return signature.ReplaceAllString(string(text), `"`)
}

// Remains is what is in Redis and COS.
type Remains struct {
	Keys    map[string]Key
	Objects map[string]string
}

// tidy has the users delete all their tasks and pictures, and tells what is left when what they deleted is gone.
func (w *world) tidy(ctx context.Context, e *Evidence) (err error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var all sync.WaitGroup
	for i := range users {
		user := fmt.Sprintf("user-%d", i)
		all.Go(func() {
			for _, s := range e.Stories {
				if s.Plan.User != user {
					continue
				}
				for _, id := range slices.Compact(slices.Sorted(slices.Values(s.TaskIDs))) {
					w.people.ask(ctx, user, "DELETE", "/api/reconstruction/status/"+id, nil, nil)
				}
			}
			for ctx.Err() == nil { // also pictures of uploads whose answer was lost
				var page struct{ Items []struct{ ID string } }
				a := w.people.ask(ctx, user, "GET", "/picture/list/page?size=100", nil, nil)
				if a.status == http.StatusOK && a.into(&page) && len(page.Items) == 0 {
					return
				}
				for _, item := range page.Items {
					w.people.ask(ctx, user, "DELETE", "/picture/"+item.ID, nil, nil)
				}
			}
		})
	}
	all.Wait()
	for {
		ripe, err := w.ripe(ctx)
		if err != nil {
			return err
		}
		if ripe == 0 {
			break
		}
		if !rested(ctx, 100*time.Millisecond) {
			break // what is left is found
		}
	}
	left := &Remains{}
	if left.Keys, err = readKeys(ctx, w.redis); err == nil {
		left.Objects, err = readObjects(ctx, w.bucket)
	}
	e.After = left
	return err
}

// readKeys reads all of Redis.
func readKeys(ctx context.Context, rdb *redis.Client) (map[string]Key, error) {
	keys := map[string]Key{}
	scan := rdb.Scan(ctx, 0, "*", 1000).Iterator()
	for scan.Next(ctx) {
		k, there, err := readKey(ctx, rdb, scan.Val())
		if err != nil {
			return nil, err
		}
		if there {
			keys[scan.Val()] = k
		}
	}
	return keys, scan.Err()
}

// readKey reads a key, where it is there.
func readKey(ctx context.Context, rdb *redis.Client, name string) (k Key, there bool, err error) {
	if k.Type, err = rdb.Type(ctx, name).Result(); err != nil {
		return k, false, err
	}
	left, err := rdb.PTTL(ctx, name).Result()
	if err != nil {
		return k, false, err
	}
	k.Expires = left > 0
	switch k.Type {
	case "none":
		return k, false, nil
	case "hash":
		k.Hash, err = rdb.HGetAll(ctx, name).Result()
	case "zset":
		var members []redis.Z
		members, err = rdb.ZRangeWithScores(ctx, name, 0, -1).Result()
		k.Scores = map[string]float64{}
		for _, m := range members {
			k.Scores[fmt.Sprint(m.Member)] = m.Score
		}
	case "stream":
		var entries []redis.XMessage
		entries, err = rdb.XRange(ctx, name, "-", "+").Result()
		for _, x := range entries {
			k.Stream = append(k.Stream, storedEvent(x))
		}
	}
	return k, true, err
}

// storedEvent reads an event of a task's stream.
func storedEvent(x redis.XMessage) Event {
	field := func(name string) string { s, _ := x.Values[name].(string); return s }
	_, number, _ := strings.Cut(x.ID, "-")
	e := Event{
		ID: number, Kind: field("kind"), Status: field("status"), Name: field("name"), SHA256: field("sha256"), Error: field("errorCode"),
	}
	e.Attempt, _ = strconv.Atoi(field("attempt"))       // 0 where it is none: then it differs from what was sent
	e.Size, _ = strconv.ParseInt(field("size"), 10, 64) // likewise
	at, _ := strconv.ParseInt(field("at"), 10, 64)      // likewise
	e.At = time.UnixMilli(at).UTC().Format("2006-01-02T15:04:05.000Z")
	return e
}

// readObjects reads all of COS.
func readObjects(ctx context.Context, bucket *cos.Client) (map[string]string, error) {
	objects := map[string]string{}
	for marker := ""; ; {
		page, _, err := bucket.Bucket.Get(ctx, &cos.BucketGetOptions{Marker: marker})
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			res, err := bucket.Object.Get(ctx, o.Key, nil)
			if err != nil {
				return nil, err
			}
			content, err := io.ReadAll(res.Body)
			if err := errors.Join(err, res.Body.Close()); err != nil {
				return nil, err
			}
			objects[o.Key] = checksum(content)
		}
		if !page.IsTruncated {
			return objects, nil
		}
		marker = page.NextMarker
	}
}

// leftovers are temporary files of functions, and files that real workers keep for a job.
func leftovers(dir string) ([]string, error) {
	var all []string
	for _, pattern := range []string{"tmp-*/*", "python-*/*/*", "python-*/tmp*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			if strings.Contains(path, ".corrupt-") {
				continue // what a worker moved aside when its outbox was torn
			}
			if _, err := os.Stat(path); err == nil {
				all = append(all, strings.TrimPrefix(path, dir+"/"))
			}
		}
	}
	return all, nil
}
