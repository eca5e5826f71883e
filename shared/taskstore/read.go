package taskstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/task"
)

// Get reads a task of that user. Errors: fault.TaskNotFound, Unavailable.
func (s *Store) Get(ctx context.Context, user, id string) (task.Task, error) {
	tasks, err := s.read(ctx, []string{id})
	if err != nil {
		return task.Task{}, err
	}
	if len(tasks) == 0 || tasks[0].User != user {
		return task.Task{}, fault.New(fault.TaskNotFound, "")
	}
	return tasks[0], nil
}

// List reads at most limit tasks of that user, newest first, older than the task `before` ("": from the newest). more tells
// whether there are older ones still. Errors: fault.Unavailable.
func (s *Store) List(ctx context.Context, user, before string, limit int) (tasks []task.Task, more bool, err error) {
	from := "+"
	if before != "" {
		from = "(" + before
	}
	// All scores are equal, so members are in the order of the ids, which is that of their making.
	ids, err := s.rdb.ZRevRangeByLex(ctx, userTasksKey(user), &redis.ZRangeBy{Max: from, Min: "-", Count: int64(limit) + 1}).Result()
	if err != nil {
		return nil, false, redisdb.Away(err)
	}
	if more = len(ids) > limit; more {
		ids = ids[:limit]
	}
	tasks, err = s.read(ctx, ids)
	return tasks, more, err
}

// reading is what is read of a task.
type reading struct {
	op            *redis.SliceCmd // before the others
	results, hash *redis.StringStringMapCmd
}

// torn tells whether the task was changed while it was read: each change has an op of its own.
func (r reading) torn() bool {
	before, _ := r.op.Val()[0].(string)
	return before != r.hash.Val()["op"]
}

// read reads tasks in one pipeline, leaving out those that are gone. Each is as it was at one moment. A transaction would see to that, too, but
// a server at its maxmemory takes none, and the client does not repeat one whose connection was dead.
func (s *Store) read(ctx context.Context, ids []string) ([]task.Task, error) {
	readings := make([]reading, len(ids))
	for again := len(ids) > 0; again; again = slices.ContainsFunc(readings, reading.torn) {
		_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, id := range ids {
				if readings[i].op == nil || readings[i].torn() {
					readings[i] = reading{p.HMGet(ctx, TaskKey(id), "op"), p.HGetAll(ctx, resultsKey(id)), p.HGetAll(ctx, TaskKey(id))}
				}
			}
			return nil
		})
		if err != nil {
			return nil, redisdb.Away(err)
		}
	}
	tasks := make([]task.Task, 0, len(ids))
	for _, r := range readings {
		if len(r.hash.Val()) == 0 {
			continue
		}
		t := parseTask(r.hash.Val())
		results, err := parseResults(t, r.results.Val())
		if err != nil {
			return nil, err
		}
		t.Results = results
		tasks = append(tasks, t)
	}
	return tasks, nil
}

func parseTask(h map[string]string) task.Task {
	t := task.Task{
		ID: h["id"], User: h["user"], ImageID: h["imageId"], Status: task.Status(h["status"]), Attempt: atoi(h["attempt"]),
		Input:    task.Input{Key: h["key"], ContentType: h["inputType"], Size: atoi64(h["inputSize"]), SHA256: h["inputSHA256"], Name: h["inputName"]},
		Worker:   h["worker"],
		Progress: atoi(h["progress"]), Stage: h["stage"],
		CreatedAt: millis(h["createdAt"]), UpdatedAt: millis(h["updatedAt"]), StartedAt: millis(h["startedAt"]), FinishedAt: millis(h["finishedAt"]),
	}
	if t.Status == task.Processing {
		t.QueuePosition, t.ETASeconds = optionalInt(h["queuePosition"]), optionalFloat(h["etaSeconds"])
	}
	if code := h["errorCode"]; code != "" {
		t.Error = &task.Error{Code: code, Message: h["errorMessage"]}
	}
	return t
}

// parseResults reads the stored results of a task, leaving out those that are only reserved, in the order of their events.
func parseResults(t task.Task, h map[string]string) ([]task.Result, error) {
	var results []task.Result
	order := map[string]int64{}
	for name, packed := range h {
		// See result.lua.
		r := strings.Split(packed, separator)
		if strings.HasPrefix(packed, "{") {
			var err error
			if r, err = parseJSON(packed); err != nil {
				return nil, fmt.Errorf("result %s of task %s: %w", name, t.ID, err)
			}
		}
		switch {
		case r[0] == "reserved" && len(r) == 5:
			continue
		case r[0] != "stored" || len(r) != 8:
			return nil, fmt.Errorf("result %s of task %s: %q is of an unknown form", name, t.ID, packed)
		}
		order[name] = atoi64(r[7])
		results = append(results, task.Result{
			Name: name, Attempt: atoi(r[1]), SHA256: r[2], Key: r[3], Size: atoi64(r[4]), ContentType: r[5], CreatedAt: millis(r[6]),
		})
	}
	sort.Slice(results, func(i, j int) bool { return order[results[i].Name] < order[results[j].Name] })
	return results, nil
}

// parseJSON reads a result as it was recorded before words were, which tasks keep that were there at the upgrade until their
// retention is over. It gives the words of the present form.
func parseJSON(packed string) ([]string, error) {
	var r struct {
		State, SHA256, ContentType, Key string
		Attempt, Size, Event            int64
		At                              float64
	}
	if err := json.Unmarshal([]byte(packed), &r); err != nil {
		return nil, err
	}
	if r.State == "reserved" {
		return []string{r.State, "", "", "", ""}, nil
	}
	return []string{
		r.State, strconv.FormatInt(r.Attempt, 10), r.SHA256, r.Key, strconv.FormatInt(r.Size, 10), r.ContentType,
		strconv.FormatFloat(r.At, 'f', 0, 64), strconv.FormatInt(r.Event, 10),
	}, nil
}
