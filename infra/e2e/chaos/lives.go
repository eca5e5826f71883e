package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func oneEnd(e *Evidence) []string {
	return perStory(e, func(s *Story) []string {
		id := s.TaskID()
		switch {
		case id == "":
			return []string{"was never accepted"}
		case s.Plan.Intent == Delete:
			if name, _ := e.task(id); name != "" {
				return []string{"was deleted and is there"}
			}
			return nil
		}
		ends := 0
		for _, event := range e.stream(id) {
			if event.Kind == "status" && final(event.Status) {
				ends++
			}
		}
		if last := e.Last[id].Status; ends != 1 || !final(last) {
			return []string{fmt.Sprintf("ended %d times, and is %s", ends, cmp.Or(last, "not answered for"))}
		}
		return nil
	})
}

func outcomes(e *Evidence) []string {
	// A real worker knows nothing of the plan.
	completed := map[string]bool{}
	for _, c := range e.Calls {
		if c.Worker == "python" && c.Word == "completed" && c.Status == 200 {
			completed[c.TaskID] = true
		}
	}
	return perStory(e, func(s *Story) []string {
		if s.TaskID() == "" {
			return nil // see oneEnd
		}
		last := e.Last[s.TaskID()]
		is := last.Status
		if last.Error != "" {
			is += " " + last.Error
		}
		want := map[Intent]string{
			Complete: "COMPLETED", GiveBack: "COMPLETED", Fail: "FAILED worker_failed", Reject: "FAILED image_rejected", Stuck: "FAILED timeout",
			Cancel: "CANCELLED", Delete: "404",
		}[s.Plan.Intent]
		finished := s.Plan.Intent == Cancel && s.Word == 409 // it was too late
		if (finished || completed[s.TaskID()]) && is == "COMPLETED" && s.Plan.Intent != Delete {
			return nil
		}
		if is != want {
			return []string{fmt.Sprintf("is %s, not %s", cmp.Or(is, "not answered for"), want)}
		}
		return nil
	})
}

func bytesOfTheWinner(e *Evidence) []string {
	// What real workers made is what they said first.
	said := map[string]string{}
	for _, c := range e.Calls {
		if c.Kind == "result" && !c.Copy {
			said[fmt.Sprint(c.Worker, c.TaskID, c.Attempt, c.Name)] = c.SHA256
		}
	}
	return perStory(e, func(s *Story) []string {
		id := s.TaskID()
		last := e.Last[id]
		if last.Status != "COMPLETED" {
			return nil
		}
		var wrong []string
		for _, name := range required() {
			if last.Results[name] == "" {
				wrong = append(wrong, "has no "+name)
			}
		}
		for name, sum := range last.Results {
			if sum != checksum(made(id, last.Attempt, name)) && sum != said[fmt.Sprint("python", id, last.Attempt, name)] {
				wrong = append(wrong, fmt.Sprintf("%s is not what the worker of attempt %d made", name, last.Attempt))
			}
			if got := e.Read[id][name]; got != sum {
				wrong = append(wrong, fmt.Sprintf("the URL of %s leads to other bytes than it should (%q)", name, got))
			}
		}
		return wrong
	})
}

func eventsOnce(e *Evidence) []string {
	return perStory(e, func(s *Story) []string {
		if s.TaskID() == "" {
			return nil
		}
		if s.Plan.Intent == Delete {
			for i, event := range s.Events {
				if event.ID != strconv.Itoa(i+1) {
					return []string{fmt.Sprintf("event %d has the id %q", i+1, event.ID)}
				}
			}
			return nil
		}
		if s.Late > 0 {
			return []string{fmt.Sprintf("was told of progress %d times after the end", s.Late)}
		}
		stored := e.stream(s.TaskID())
		for i := range max(len(stored), len(s.Events)) {
			switch {
			case i >= len(stored):
				return []string{fmt.Sprintf("was told of an event that is not stored: %+v", s.Events[i])}
			case i >= len(s.Events):
				return []string{fmt.Sprintf("was never told of %+v", stored[i])}
			case stored[i] != s.Events[i]:
				return []string{fmt.Sprintf("was told of %+v where there is %+v", s.Events[i], stored[i])}
			}
		}
		if last := stored[max(0, len(stored)-1):]; len(last) == 0 || last[0].Status != e.Last[s.TaskID()].Status {
			return []string{"the last event is not the present state"}
		}
		return nil
	})
}

// moves are those of the contract's section 4; from "" a task begins.
func moves(from string) []string {
	return map[string][]string{
		"":           {"PENDING"},
		"PENDING":    {"PROCESSING", "FAILED", "CANCELLED"},
		"PROCESSING": {"COMPLETED", "FAILED", "CANCELLED", "PENDING"},
	}[from]
}

func lifecycle(e *Evidence) []string {
	var wrong []string
	for name, k := range e.Keys {
		id, isTask := strings.CutSuffix(name, ":events")
		if !isTask {
			continue
		}
		bad := func(format string, args ...any) { wrong = append(wrong, id+": "+fmt.Sprintf(format, args...)) }
		status, attempt := "", 0
		for i, event := range k.Stream {
			if event.ID != strconv.Itoa(i+1) {
				bad("event %d has the number %s", i+1, event.ID)
			}
			if event.Attempt < attempt {
				bad("event %s is of attempt %d, after one of attempt %d", event.ID, event.Attempt, attempt)
			}
			attempt = event.Attempt
			switch {
			case event.Kind == "result" && status != "PROCESSING":
				bad("event %s: a result while %s", event.ID, status)
			case event.Kind == "status" && !slices.Contains(moves(status), event.Status):
				bad("event %s: from %q to %s", event.ID, status, event.Status)
			}
			if event.Kind == "status" {
				status = event.Status
			}
		}
		hash := e.Keys[id].Hash
		if hash["status"] != status || hash["events"] != strconv.Itoa(len(k.Stream)) {
			bad("its %d events end with %s, and it says %s after %s", len(k.Stream), status, hash["status"], hash["events"])
		}
	}
	return wrong
}

func noWayBack(e *Evidence) []string {
	return perStory(e, func(s *Story) []string {
		if s.Plan.Intent == Delete || s.TaskID() == "" {
			return nil
		}
		type state struct {
			status   string
			from, to int // attempts: the next one begins without an event
		}
		var past []state
		for _, event := range e.stream(s.TaskID()) {
			if n := len(past); n > 0 {
				past[n-1].to = max(past[n-1].to, event.Attempt)
			}
			status := event.Status
			if event.Kind == "result" {
				status = past[max(0, len(past)-1)].status
			}
			past = append(past, state{status, event.Attempt, event.Attempt})
		}
		if n := len(past); n > 0 {
			past[n-1].to = max(past[n-1].to, e.Last[s.TaskID()].Attempt)
		}
		at := 0
		for _, snap := range s.Snapshots {
			i := slices.IndexFunc(past[at:], func(p state) bool {
				return p.status == snap.Status && p.from <= snap.Attempt && snap.Attempt <= p.to
			})
			if i < 0 {
				return []string{fmt.Sprintf("status told %s of attempt %d at %s, which was over", snap.Status, snap.Attempt, snap.At.Format("15:04:05.000"))}
			}
			at += i
		}
		return nil
	})
}

func effects(e *Evidence) []string {
	var wrong []string
	deleted := deletedOf(e)
	for _, c := range e.Calls {
		if c.Status != 200 || deleted[c.TaskID] || c.Kind == "upload" {
			continue
		}
		found := 0
		for _, event := range e.stream(c.TaskID) {
			if event.Attempt == c.Attempt && (c.Kind == "result" && event.Kind == "result" && event.Name == c.Name && event.SHA256 == c.SHA256 ||
				c.Kind == "status" && event.Kind == "status" && follows(c, event)) {
				found++
			}
		}
		if found == 0 || c.Kind == "result" && found > 1 {
			wrong = append(wrong, fmt.Sprintf("%s (%s %s%s) was answered 200 (duplicate: %t) and is found %d times", c.ID, c.Worker, c.Word, c.Name, c.Duplicate, found))
		}
	}
	return wrong
}

// follows tells whether an event is what a status may have brought about.
func follows(c Call, event Event) bool {
	switch c.Word {
	case "completed":
		return event.Status == "COMPLETED"
	case "failed":
		return event.Status == "FAILED"
	case "released": // also of a hand-over that was not taken yet
		return event.Status == "PENDING" || event.Status == "PROCESSING" || event.Status == "FAILED"
	}
	return event.Status == "PROCESSING"
}
