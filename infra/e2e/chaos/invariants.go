package main

import (
	"fmt"
	"maps"
	"slices"
)

// invariant is something that is so whatever went wrong. check tells each way in which it is not.
type invariant struct {
	name, about string
	check       func(*Evidence) []string
}

// invariants are all that is judged.
func invariants() []invariant {
	return []invariant{
		{"rest", "once nothing is wrong any more, all that was under way ends within the deadline", func(e *Evidence) []string { return e.Unended }},
		{"one end", "each accepted task ends in one final state", oneEnd},
		{"outcome", "a task ends as it was meant to: none is FAILED because a worker died", outcomes},
		{"bytes", "COMPLETED: all required results are there, byte for byte what the worker of the winning attempt made", bytesOfTheWinner},
		{"events", "each client saw each durable event once, in order, ending in the true state", eventsOnce},
		{"strangers", "who claims to have seen any event gets the rest of those that there are, or all", strangers},
		{"lifecycle", "each stream in Redis is whole, and its moves are those that a task may make", lifecycle},
		{"no way back", "status never tells of a state that was before one it told of", noWayBack},
		{"effects", "each callback that was answered 200 had its effect", effects},
		{"honest workers", "no message of a worker is refused that says what is so", honest},
		{"errors", "each error says what it is, as a problem document, and none is said to be ours", errorsTold},
		{"users", "no user meets an error that a retry does not mend", func(e *Evidence) []string { return perStory(e, func(s *Story) []string { return s.Refusals }) }},
		{"one create", "a create is one task, however often it is sent", oneCreate},
		{"list", "a list tells of each task what its own document tells", listed},
		{"input", "each picture that was uploaded is there, and each worker is given the one of its task", input},
		{"objects", "each object of COS belongs to a picture or a task or is in the trash, and is what its record says", objects},
		{"keys", "each key of Redis is of a known kind, and those expire that should", keys},
		{"indexes", "the indexes agree with the tasks and pictures", indexes},
		{"remains", "when users have deleted everything nothing is left but the trash, and what expires", remains},
		{"subscriptions", "nobody is subscribed to a task that nobody watches", func(e *Evidence) []string { return e.Channels }},
		{"descriptors", "no function keeps descriptors", descriptors},
		{"goroutines", "no function keeps goroutines", goroutines},
		{"files", "no temporary file is left", func(e *Evidence) []string { return e.Files }},
	}
}

// judge tells of each invariant how it is violated; those that hold are not in it.
func judge(e *Evidence) map[string][]string {
	found := map[string][]string{}
	for _, i := range invariants() {
		if wrong := i.check(e); len(wrong) > 0 {
			found[i.name] = wrong
		}
	}
	return found
}

// perStory says of which task each violation is.
func perStory(e *Evidence, check func(*Story) []string) []string {
	var all []string
	for _, s := range e.Stories {
		for _, wrong := range check(s) {
			all = append(all, fmt.Sprintf("task %d (%s, %s): %s", s.Plan.Index, s.Plan.Intent, s.TaskID(), wrong))
		}
	}
	return all
}

// task is the key of a task's hash.
func (e *Evidence) task(id string) (name string, k Key) {
	for _, tag := range []string{"recon:{" + id[max(0, len(id)-2):] + "}:task:" + id} {
		if k, there := e.Keys[tag]; there {
			return tag, k
		}
	}
	return "", Key{}
}

// stream is what happened to a task, as Redis has it.
func (e *Evidence) stream(id string) []Event {
	name, _ := e.task(id)
	return e.Keys[name+":events"].Stream
}

func deletedOf(e *Evidence) map[string]bool {
	deleted := map[string]bool{}
	for _, s := range e.Stories {
		if s.Plan.Intent == Delete {
			deleted[s.TaskID()] = true
		}
	}
	return deleted
}

func honest(e *Evidence) []string {
	over := []string{"task_finished", "attempt_superseded", "task_not_found"}
	var wrong []string
	for _, c := range e.Calls {
		if c.Copy || c.Status < 400 || c.Status >= 500 || c.Status == 429 || slices.Contains(over, c.Code) {
			continue
		}
		if c.Code == "object_mismatch" && c.Name == large {
			continue // the storage lost it, or said so
		}
		wrong = append(wrong, fmt.Sprintf("%s (%s %s%s) was answered %d %s", c.ID, c.Worker, c.Word, c.Name, c.Status, c.Code))
	}
	for worker, n := range e.Dead {
		if n > 0 {
			wrong = append(wrong, fmt.Sprintf("%s gave up %d messages", worker, n))
		}
	}
	return wrong
}

func oneCreate(e *Evidence) []string {
	wrong := perStory(e, func(s *Story) []string {
		if len(slices.Compact(slices.Sorted(slices.Values(s.TaskIDs)))) > 1 {
			return []string{fmt.Sprintf("is several: %v", s.TaskIDs)}
		}
		return nil
	})
	want := map[string][]string{}
	known := map[string]bool{}
	for _, s := range e.Stories {
		known[s.TaskID()] = true
		if s.Plan.Intent != Delete && s.TaskID() != "" {
			want[s.Plan.User] = append(want[s.Plan.User], s.TaskID())
		}
	}
	for _, user := range slices.Sorted(maps.Keys(want)) {
		if w, got := slices.Sorted(slices.Values(want[user])), slices.Sorted(slices.Values(e.Listed[user])); !slices.Equal(w, got) {
			wrong = append(wrong, fmt.Sprintf("%s created %d tasks and has %d in the list", user, len(w), len(got)))
		}
	}
	for name, k := range e.Keys {
		if kindOf(name) == "task" && !known[k.Hash["id"]] {
			wrong = append(wrong, name+" is a task that nobody knows of")
		}
	}
	return wrong
}
