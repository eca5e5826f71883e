package taskstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/task"
)

// Log is a task's events as the stream has them, and what a reader needs beside them.
type Log struct {
	Exists bool
	User   string
	Status task.Status
	// Attempt is the present one: results of a lower one are gone.
	Attempt int
	// Last is the number of the newest event, 0 if there is none.
	Last     int64
	Events   []task.Event // those after the number that was asked for, oldest first
	Progress *task.Event  // the present progress of a task in PROCESSING, nil where there is none
}

// Ask is a task and the number of the last of its events that the asker has.
type Ask struct {
	TaskID string
	After  int64
}

// logFields are those of a task's hash that a reader of its events needs.
var logFields = []string{"user", "status", "attempt", "events", "progress", "stage", "queuePosition", "etaSeconds", "progressAt"}

// ReadLogs reads the events of many tasks, in one pipeline. Where After is not a number that the stream can go on from (it
// is in the future, or what follows it was trimmed), all that is kept is read. The logs are in the order of the asks; a task
// that is not there has Exists false. Errors: fault.Unavailable.
func (s *Store) ReadLogs(ctx context.Context, asks []Ask) ([]Log, error) {
	logs := make([]Log, len(asks))
	tasks := make([]*redis.SliceCmd, len(asks))
	streams := make([]*redis.Cmd, len(asks))
	// Each task's stream is read after its hash, and both after the subscription: an event that the hash does not know yet
	// may be in the stream, never the other way round.
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, a := range asks {
			tasks[i] = p.HMGet(ctx, TaskKey(a.TaskID), logFields...)
			streams[i] = p.Do(ctx, "XRANGE", EventsKey(a.TaskID), "0-"+strconv.FormatInt(a.After+1, 10), "+")
		}
		return nil
	})
	if err != nil {
		return nil, redisdb.Away(err)
	}
	var again []int
	for i, a := range asks {
		h := make(fields, 0, 2*len(logFields))
		for j, v := range tasks[i].Val() {
			if text, ok := v.(string); ok {
				h = append(h, logFields[j], text)
			}
		}
		if len(h) == 0 {
			continue
		}
		logs[i] = Log{
			Exists: true, User: h.get("user"), Status: task.Status(h.get("status")), Attempt: atoi(h.get("attempt")), Last: atoi64(h.get("events")),
			Progress: progressOf(a.TaskID, h),
		}
		if logs[i].Events, err = parseStream(a.TaskID, streams[i].Val()); err != nil {
			return nil, err
		}
		holds := len(logs[i].Events) == 0 && a.After <= logs[i].Last || len(logs[i].Events) > 0 && logs[i].Events[0].Number == a.After+1
		if !holds {
			again = append(again, i)
		}
	}
	for _, i := range again {
		all, err := s.rdb.Do(ctx, "XRANGE", EventsKey(asks[i].TaskID), "-", "+").Result()
		if err != nil {
			return nil, redisdb.Away(err)
		}
		if logs[i].Events, err = parseStream(asks[i].TaskID, all); err != nil {
			return nil, err
		}
	}
	return logs, nil
}

// ReadLog is ReadLogs of one task. Errors: fault.TaskNotFound, fault.Unavailable.
func (s *Store) ReadLog(ctx context.Context, id string, after int64) (Log, error) {
	logs, err := s.ReadLogs(ctx, []Ask{{id, after}})
	if err != nil {
		return Log{}, err
	}
	if !logs[0].Exists {
		return Log{}, fault.New(fault.TaskNotFound, "")
	}
	return logs[0], nil
}

// ParseBell reads a message of a task's Channel: the same names and values as in the stream, with the event's number in
// front. Gone is true when it says that the task was deleted.
func ParseBell(taskID, payload string) (e task.Event, gone bool, err error) {
	if payload == "gone" {
		return e, true, nil
	}
	words := strings.Split(payload, separator)
	number, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		return e, false, fmt.Errorf("bell of task %s has number %q", taskID, words[0])
	}
	e, err = parseEvent(taskID, number, words[1:])
	return e, false, err
}

// fields is a flat list of names and values. There are a dozen at most: looking through them costs less than a map of them.
type fields []string

func (f fields) get(name string) string {
	for i := 0; i+1 < len(f); i += 2 {
		if f[i] == name {
			return f[i+1]
		}
	}
	return ""
}

// parseStream reads the answer to XRANGE: entries of an id and a flat list.
func parseStream(taskID string, answer any) ([]task.Event, error) {
	entries, _ := answer.([]any)
	events := make([]task.Event, 0, len(entries))
	var flat fields
	for _, entry := range entries {
		parts, _ := entry.([]any)
		if len(parts) != 2 {
			return nil, fmt.Errorf("stream of task %s is no stream: %v", taskID, entry)
		}
		id, _ := parts[0].(string)
		values, _ := parts[1].([]any)
		flat = flat[:0]
		for _, v := range values {
			text, _ := v.(string)
			flat = append(flat, text)
		}
		_, seq, _ := strings.Cut(id, "-")
		e, err := parseEvent(taskID, atoi64(seq), flat)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// parseEvent reads the fields that the scripts write; see append in event.lua.
func parseEvent(taskID string, number int64, f fields) (task.Event, error) {
	e := task.Event{Number: number, Kind: f.get("kind"), TaskID: taskID, Attempt: atoi(f.get("attempt")), At: millis(f.get("at"))}
	switch e.Kind {
	case task.StatusEvent:
		e.Status = task.Status(f.get("status"))
		if code := f.get("errorCode"); code != "" {
			e.Error = &task.Error{Code: code, Message: f.get("errorMessage")}
		}
	case task.ResultEvent:
		e.Result = &task.Result{
			Name: f.get("name"), Attempt: e.Attempt, Key: f.get("key"), Size: atoi64(f.get("size")), SHA256: f.get("sha256"),
			ContentType: f.get("contentType"), CreatedAt: e.At,
		}
	case task.ProgressEvent:
		e.Progress, e.Stage, e.QueuePosition, e.ETASeconds = atoi(f.get("progress")), f.get("stage"), optionalInt(f.get("queuePosition")), optionalFloat(f.get("etaSeconds"))
	default:
		return e, fmt.Errorf("event %d of task %s is of unknown kind %q", number, taskID, e.Kind)
	}
	return e, nil
}

// progressOf tells the present progress of a task, from its hash.
func progressOf(taskID string, h fields) *task.Event {
	if task.Status(h.get("status")) != task.Processing || h.get("progressAt") == "" {
		return nil
	}
	return &task.Event{
		Kind: task.ProgressEvent, TaskID: taskID, Attempt: atoi(h.get("attempt")), At: millis(h.get("progressAt")),
		Progress: atoi(h.get("progress")), Stage: h.get("stage"), QueuePosition: optionalInt(h.get("queuePosition")), ETASeconds: optionalFloat(h.get("etaSeconds")),
	}
}

// The numbers below were written by our own scripts; an absent one reads as zero.

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func atoi64(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

func millis(s string) time.Time {
	if s == "" || s == "0" {
		return time.Time{}
	}
	return time.UnixMilli(atoi64(s)).UTC()
}

func optionalInt(s string) *int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return nil
	}
	return &n
}

func optionalFloat(s string) *float64 {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil
	}
	return &n
}
