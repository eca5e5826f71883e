package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-redis/redis/v8"
	"golang.org/x/sync/errgroup"

	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// ours is the relay's binary over a Redis of its own. A topic is a task, and its events are its moves to PENDING and PROCESSING
// in turn, each made by one script of the store, as workers' callbacks do.
type ours struct {
	relay, redis *process
	client       *redis.Client
	store        *taskstore.Store
	tickets      *auth.Tickets
	tasks        []string
	known        traits
}

// bornWith is how many events a task has once a worker has it: PENDING, PROCESSING.
const bornWith = 2

// patientPolicy lets no time run out while the bench runs.
var patientPolicy = taskstore.Policy{
	HeartbeatTimeout: time.Hour, TaskTimeout: time.Hour, Retention: time.Hour, MaxAttempts: 3, QueueDeadline: time.Hour, DispatchDeadline: time.Hour,
}

func openRelay(ctx context.Context, b *bench, dir string) (venue, error) {
	return openOurs(ctx, b, dir)
}

func openLeanRelay(ctx context.Context, b *bench, dir string) (venue, error) {
	binary, err := os.ReadFile(b.binary("relay"))
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(binary, []byte("RELAY_LEAN")) {
		return nil, skip("the relay knows no RELAY_LEAN")
	}
	return openOurs(ctx, b, dir, "RELAY_LEAN=1")
}

func openOurs(ctx context.Context, b *bench, dir string, env ...string) (_ venue, err error) {
	secret := rand.Text()
	o := &ours{tickets: auth.NewTickets(auth.TicketConfig{Secret: secret, TTL: time.Hour})}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.close())
		}
	}()
	if o.redis, err = startRedis(ctx, filepath.Join(dir, "redis")); err != nil {
		return nil, err
	}
	o.client = redis.NewClient(&redis.Options{Addr: o.redis.address, PoolSize: 2 * oursLanes})
	o.store = taskstore.New(o.client, patientPolicy)
	env = append(env, "RUN_MODE=web", "HOST=127.0.0.1", "PORT=0", "REDIS_URL=redis://"+o.redis.address,
		"COS_BUCKET_URL=http://127.0.0.1:1", "COS_SECRET_ID="+cosID, "COS_SECRET_KEY="+cosKey, // signs, asks nobody
		"AUTH_MODE=none", "TICKET_SECRET="+secret)
	if o.relay, err = spawn("relay", b.binary("relay"), nil, env); err != nil {
		return nil, err
	}
	if err := o.relay.up(ctx); err != nil {
		return nil, err
	}
	o.known = traits{address: o.relay.address, first: bornWith, lanes: oursLanes, lingers: true}
	return o, o.known.answered(ctx, o.relay)
}

// oursLanes is how many callbacks are at the store at once, each a connection to Redis.
const oursLanes = 32

// answered takes the time until a server's first answer, and what it holds then.
func (t *traits) answered(ctx context.Context, server *process) error {
	client := newClient()
	defer client.CloseIdleConnections()
	if _, err := get("/nothing", http.StatusNotFound).send(ctx, client, "http://"+t.address); err != nil {
		return err
	}
	return t.hasAnswered(server)
}

func (t *traits) hasAnswered(server *process) (err error) {
	t.started = time.Since(server.began)
	t.idle, _, err = memory(server.pid())
	return err
}

func (o *ours) processes() (server, redis *process) { return o.relay, o.redis }

func (o *ours) traits() traits { return o.known }

func (o *ours) addTopics(ctx context.Context, count int) error {
	ids := make([]string, count)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(oursLanes)
	for i := range ids {
		group.Go(func() (err error) {
			ids[i], err = o.newTask(ctx, fmt.Sprintf("user %d", i%256))
			return err
		})
	}
	err := group.Wait()
	o.tasks = append(o.tasks, ids...)
	return err
}

// newTask records a task that a worker has.
func (o *ours) newTask(ctx context.Context, user string) (id string, err error) {
	picture := task.NewID(user)
	if err := o.client.HSet(ctx, taskstore.PictureKey(picture), "user", user, "state", "ready", "key", "pictures/a.png", "ext", "png",
		"name", "a.png", "contentType", "image/png", "size", 7, "sha256", "s").Err(); err != nil {
		return "", err
	}
	reserved, err := o.store.Reserve(ctx, taskstore.Order{User: user, ImageID: picture})
	if err != nil {
		return "", err
	}
	_, claim, err := o.store.Create(ctx, reserved, time.Hour, 0)
	if err != nil {
		return "", err
	}
	_, held, err := o.store.Record(ctx, claim, taskstore.Outcome{Fate: taskstore.Accepted, Worker: "http://worker"})
	if err == nil && !held {
		err = errors.New("the claim was not held")
	}
	return reserved.ID, err
}

func (o *ours) request(topic int, lastID string) []byte {
	id := o.tasks[topic]
	return eventRequest("/api/reconstruction/events/"+id+"?ticket="+o.tickets.Issue(id), lastID)
}

// eventRequest is what a browser sends, in short.
func eventRequest(path, lastID string) []byte {
	header := ""
	if lastID != "" {
		header = "Last-Event-ID: " + lastID + "\r\n"
	}
	return []byte("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n" + header + "\r\n")
}

func (o *ours) publish(ctx context.Context, _, topic int, number int64) error {
	id, first := o.tasks[topic], 1
	if number%2 != bornWith%2 {
		_, _, err := o.store.Report(ctx, taskstore.Report{TaskID: id, Attempt: &first, Said: "released"})
		return err
	}
	// A callback of the present attempt for a task that is PENDING is taken for its lost 202.
	_, err := o.store.AllowUpload(ctx, taskstore.Offer{TaskID: id, Attempt: &first, Name: requiredResult, SHA256: "s", Size: 1}, "incoming/a", time.Minute)
	return err
}

// stuff reports progress with a long name of its stage.
func (o *ours) stuff(ctx context.Context, _, topic, size int) error {
	first := 1
	_, _, err := o.store.Report(ctx, taskstore.Report{
		TaskID: o.tasks[topic], Attempt: &first, Said: "processing", Stage: strings.Repeat("x", size),
	})
	return err
}

// forgotten waits until the relay is subscribed to no task.
func (o *ours) forgotten(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patienceOfMany)
	defer cancel()
	for {
		channels, err := o.client.PubSubChannels(ctx, taskstore.Channel("*")).Result()
		if err != nil || len(channels) == 0 {
			return err
		}
		pause()
	}
}

func (o *ours) close() error {
	var failed []error
	if o.client != nil {
		failed = append(failed, o.client.Close())
	}
	for _, p := range []*process{o.relay, o.redis} {
		if p != nil {
			failed = append(failed, p.stop())
		}
	}
	return errors.Join(failed...)
}
