package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// browsers create tasks and watch them until they are completed.
type browsers struct {
	create, relay string // the functions' addresses
	client        *http.Client
	picture       string // of which all tasks are made
}

// run takes that many tasks through the system and tells how long each took, in milliseconds.
func (b *browsers) run(ctx context.Context, worker *laborer, tasks int) (sample, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	worker.begin(ctx, fail)
	took := make(sample, tasks)
	var group errgroup.Group
	for first := range inFlight {
		group.Go(func() error {
			for i := first; i < tasks; i += inFlight {
				began := time.Now()
				if err := b.task(ctx); err != nil {
					fail(err)
					return context.Cause(ctx) // the worker's trouble, where that is why
				}
				took[i] = milliseconds(time.Since(began))
			}
			return nil
		})
	}
	err := group.Wait()
	worker.busy.Wait()
	return took, errors.Join(err, context.Cause(ctx))
}

// task creates one and reads its events to the end.
func (b *browsers) task(ctx context.Context) error {
	answer, err := create(b.picture, "", http.StatusAccepted).send(ctx, b.client, b.create)
	if err != nil {
		return err
	}
	var created struct{ TaskID, SSEURL string }
	if err := json.Unmarshal(answer, &created); err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.relay+created.SSEURL, nil)
	if err != nil {
		return err
	}
	stream, err := b.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Body.Close() }() // only read
	if stream.StatusCode != http.StatusOK {
		return fmt.Errorf("the stream of task %s was answered with %s", created.TaskID, stream.Status)
	}
	if err := readLife(stream.Body); err != nil {
		return fmt.Errorf("the stream of task %s: %w", created.TaskID, err)
	}
	return nil
}

// lifeEvents is how many durable events a task of the load has: PENDING, PROCESSING, its results, COMPLETED.
var lifeEvents = 3 + len(requiredResults)

// readLife reads a stream to its end: every durable event has to come once, in order, COMPLETED as the last.
func readLife(stream io.Reader) error {
	lines := bufio.NewScanner(stream)
	last, completed := 0, false
	for lines.Scan() {
		line := lines.Bytes()
		if id, ok := bytes.CutPrefix(line, []byte("id: ")); ok {
			if n, err := strconv.Atoi(string(id)); err != nil || n != last+1 {
				return fmt.Errorf("event %s came after %d", id, last)
			}
			last++
		}
		completed = completed || bytes.HasPrefix(line, []byte("data: ")) && bytes.Contains(line, []byte(`"status":"COMPLETED"`))
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if !completed || last != lifeEvents {
		return fmt.Errorf("ended after event %d, completed: %v", last, completed)
	}
	return nil
}
