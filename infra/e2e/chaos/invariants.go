package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
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

func input(e *Evidence) []string {
	return perStory(e, func(s *Story) []string {
		var wrong []string
		for _, h := range e.Taken[s.TaskID()] {
			if h.Image != s.Image {
				wrong = append(wrong, fmt.Sprintf("%s was given another picture in attempt %d", h.Worker, h.Attempt))
			}
		}
		if _, k := e.task(s.TaskID()); k.Hash != nil && k.Hash["inputSHA256"] != s.Image {
			wrong = append(wrong, "its record has another picture")
		}
		for _, id := range s.Pictures {
			if name := "recon:{" + id[max(0, len(id)-2):] + "}:picture:" + id; e.Keys[name].Hash["sha256"] != s.Image && e.Plan.Tasks != nil {
				wrong = append(wrong, "its picture "+id+" is not there, or is another")
			}
		}
		return wrong
	})
}

// trashed are the objects that are to be deleted.
func trashed(e *Evidence) map[string]bool {
	all := map[string]bool{}
	for name, k := range e.Keys {
		if kindOf(name) == "trash" {
			for member := range k.Scores {
				_, key, _ := strings.Cut(member, " ")
				all[key] = true
			}
		}
	}
	return all
}

func objects(e *Evidence) []string {
	var wrong []string
	sums, owned := map[string]string{}, map[string]bool{} // by object
	for name, k := range e.Keys {
		switch kindOf(name) {
		case "task":
			sums[k.Hash["key"]] = k.Hash["inputSHA256"]
		case "picture":
			if k.Hash["state"] == "ready" {
				sums[k.Hash["key"]], sums[k.Hash["thumbnailKey"]] = k.Hash["sha256"], ""
			}
		case "results":
			for _, packed := range k.Hash {
				if r := strings.Split(packed, "\xff"); r[0] == "stored" {
					sums[r[3]] = r[2]
				} else if len(r) > 3 {
					owned[r[3]] = true // reserved: what may be written there is trashed with the task
				}
			}
		}
	}
	trash := trashed(e)
	for key, sum := range sums {
		got, there := e.Objects[key]
		switch {
		case !there:
			wrong = append(wrong, key+" is recorded and not there")
		case sum != "" && got != sum:
			wrong = append(wrong, key+" has other bytes than its record says")
		}
		if trash[key] {
			wrong = append(wrong, key+" is recorded and is going to be deleted")
		}
		owned[key] = true
	}
	for key := range e.Objects {
		if !owned[key] && !trash[key] {
			wrong = append(wrong, key+" belongs to nothing")
		}
	}
	return wrong
}

// keyForm is a kind of key.
type keyForm struct {
	kind    string
	form    *regexp.Regexp
	expires bool // always; an announced picture does, too
}

// keyForms are the kinds of keys that there are.
var keyForms = []keyForm{
	{"task", regexp.MustCompile(`^recon:\{[0-9a-f]{2}\}:task:[0-9a-f-]{36}$`), false},
	{"events", regexp.MustCompile(`^recon:\{[0-9a-f]{2}\}:task:[0-9a-f-]{36}:events$`), false},
	{"results", regexp.MustCompile(`^recon:\{[0-9a-f]{2}\}:task:[0-9a-f-]{36}:results$`), false},
	{"due", regexp.MustCompile(`^recon:\{[0-9a-f]{2}\}:due$`), false},
	{"kept", regexp.MustCompile(`^recon:\{[0-9a-f]{2}\}:kept$`), false},
	{"trash", regexp.MustCompile(`^recon:\{[0-9a-f]{2}\}:trash$`), false},
	{"deleted", regexp.MustCompile(`^recon:\{[0-9a-f]{2}\}:deleted:`), true},
	{"tasks", regexp.MustCompile(`^recon:\{[0-9a-f]{2}\}:user:[0-9a-f]{32}:tasks$`), false},
	{"active", regexp.MustCompile(`^recon:\{[0-9a-f]{2}\}:user:[0-9a-f]{32}:active$`), false},
	{"rate", regexp.MustCompile(`^recon:\{[0-9a-f]{2}\}:user:[0-9a-f]{32}:rate$`), true},
	{"idempotency", regexp.MustCompile(`^recon:\{[0-9a-f]{2}\}:user:[0-9a-f]{32}:idem:[0-9a-f]{32}$`), true},
	{"picture", regexp.MustCompile(`^recon:\{[0-9a-f]{2}\}:picture:[0-9a-f-]{36}$`), false},
	{"deleted", regexp.MustCompile(`^recon:\{[0-9a-f]{2}\}:picture:[0-9a-f-]{36}:deleted$`), true},
	{"pictures", regexp.MustCompile(`^recon:\{[0-9a-f]{2}\}:pictures:[0-9a-f]{32}$`), false},
	{"sweep", regexp.MustCompile(`^recon:\{sweep\}:runs$`), false},
	{"busy", regexp.MustCompile(`^recon:\{dispatch\}:busy$`), true},
}

func kindOf(key string) string {
	for _, f := range keyForms {
		if f.form.MatchString(key) {
			return f.kind
		}
	}
	return ""
}

func keys(e *Evidence) []string {
	var wrong []string
	for name, k := range e.Keys {
		kind := kindOf(name)
		i := slices.IndexFunc(keyForms, func(f keyForm) bool { return f.kind == kind })
		expires := i >= 0 && keyForms[i].expires || kind == "picture" && k.Hash["state"] != "ready"
		switch {
		case kind == "":
			wrong = append(wrong, name+" is of no known kind")
		case expires && !k.Expires:
			wrong = append(wrong, name+" never expires")
		case !expires && k.Expires:
			wrong = append(wrong, name+" expires")
		}
	}
	return wrong
}

func indexes(e *Evidence) []string {
	var wrong []string
	found := map[string]map[string]string{} // members and the index that has each, by kind
	for _, kind := range []string{"due", "kept", "tasks", "active", "pictures"} {
		found[kind] = map[string]string{}
	}
	for name, k := range e.Keys {
		for member, score := range k.Scores {
			if kind := kindOf(name); found[kind] != nil && (kind != "active" || score > 1e18) { // a finite one is a reservation, which lapses
				found[kind][member] = name
			}
		}
	}
	there := map[string]map[string]string{"due": {}, "kept": {}, "tasks": {}, "active": {}, "pictures": {}}
	for name, k := range e.Keys {
		partition, _, _ := strings.Cut(name, "}")
		switch id := k.Hash["id"]; kindOf(name) {
		case "task":
			there["tasks"][id] = k.Hash["userKey"] + ":tasks"
			if final(k.Hash["status"]) {
				there["kept"][id] = partition + "}:kept"
			} else {
				there["due"][id], there["active"][id] = partition+"}:due", k.Hash["userKey"]+":active"
			}
		case "picture":
			if k.Hash["state"] == "ready" {
				id := name[strings.LastIndex(name, ":")+1:]
				there["pictures"][id] = found["pictures"][id] // which user's is not in a key
			}
		case "events", "results":
			if task, _, _ := strings.Cut(name, ":events"); e.Keys[strings.TrimSuffix(task, ":results")].Hash == nil {
				wrong = append(wrong, name+" belongs to no task")
			}
		}
	}
	for kind, want := range there {
		for member, index := range want {
			if found[kind][member] != index || index == "" {
				wrong = append(wrong, fmt.Sprintf("%s is missing in %s", member, cmp.Or(index, kind)))
			}
		}
		for member, index := range found[kind] {
			if _, known := want[member]; !known {
				wrong = append(wrong, fmt.Sprintf("%s is in %s and should not", member, index))
			}
		}
	}
	return wrong
}

// pooled is how many connections to Redis a function may keep for later (go-redis: ten for each of two cores), with a few of the
// runtime's own.
const pooled = 26

func descriptors(e *Evidence) []string {
	var wrong []string
	for name, n := range e.Open {
		if n[1] > n[0]+pooled {
			wrong = append(wrong, fmt.Sprintf("%s had %d when it was young and has %d with all connections cut", name, n[0], n[1]))
		}
	}
	return wrong
}

// spare is how many goroutines a function may have more than a young one: of a timer, of a connection that is being mended.
const spare = 4

func goroutines(e *Evidence) []string {
	var wrong []string
	for name, n := range e.Routines {
		if n[1] > n[0]+spare {
			wrong = append(wrong, fmt.Sprintf("%s has %d, and its young successor %d", name, n[1], n[0]))
		}
	}
	return wrong
}

// waited is how long a task took from its create to its end, as its client saw it.
func (s *Story) waited() time.Duration { return s.Final.Sub(s.Accepted) }

func strangers(e *Evidence) []string {
	var wrong []string
	deleted := deletedOf(e)
	for _, v := range e.Visits {
		if len(v.Events) == 0 || deleted[v.TaskID] {
			continue
		}
		stored := e.stream(v.TaskID)
		first, err := strconv.Atoi(v.Events[0].ID)
		from, bad := strconv.Atoi(v.From)
		if err != nil || first != 1 && (bad != nil || first != from+1) {
			wrong = append(wrong, fmt.Sprintf("%s: who came with %q was first told of %+v", v.TaskID, v.From, v.Events[0]))
			continue
		}
		for i, event := range v.Events {
			if n := first - 1 + i; n >= len(stored) || stored[n] != event {
				wrong = append(wrong, fmt.Sprintf("%s: who came with %q was told of %+v as event %d", v.TaskID, v.From, event, n+1))
				break
			}
		}
	}
	return wrong
}

func errorsTold(e *Evidence) []string {
	var wrong []string
	for _, a := range e.Answers {
		var p httpjson.Problem
		err := json.Unmarshal([]byte(a.Body), &p)
		known, _ := httpjson.Describe(fault.New(p.Code, ""))
		why := ""
		switch {
		case a.Type != "application/problem+json" || err != nil:
			why = "is no problem document"
		case p.Status != a.Status || p.Title != http.StatusText(a.Status) || p.Type != "about:blank" || p.Detail == "":
			why = "does not say what it is"
		case p.RequestID == "" || p.RequestID != a.RequestID:
			why = "is not of its request, " + a.RequestID
		case a.Status == http.StatusGatewayTimeout: // the gateway's own, in the platform's place
		case known.Status != a.Status:
			why = "has another code"
		case p.Code == fault.Internal:
			why = "is said to be ours"
		case (a.Status == http.StatusServiceUnavailable || a.Status == http.StatusTooManyRequests) && a.RetryAfter == "":
			why = "does not say when to try again"
		default:
			continue
		}
		if why != "" {
			wrong = append(wrong, fmt.Sprintf("%s at %s: the answer %d %s: %s", a.Request, a.At.Format("15:04:05.000"), a.Status, why, a.Body))
		}
	}
	return wrong
}

func listed(e *Evidence) []string {
	var wrong []string
	for id, document := range e.Document {
		if item := e.Item[id]; item != "" && item != document { // where it is missing, oneCreate says so
			wrong = append(wrong, fmt.Sprintf("%s is %s, and in the list %s", id, document, item))
		}
	}
	return wrong
}

func remains(e *Evidence) []string {
	if e.After == nil {
		return nil
	}
	var wrong []string
	trash := map[string]bool{}
	for name, k := range e.After.Keys {
		switch kind := kindOf(name); {
		case kind == "trash":
			for member := range k.Scores {
				_, key, _ := strings.Cut(member, " ")
				trash[key] = true
			}
		case kind == "sweep", k.Expires:
		case kind == "active": // what lapses; see indexes
			for member, until := range k.Scores {
				if math.IsInf(until, 1) {
					wrong = append(wrong, fmt.Sprintf("%s still counts in %s", member, name))
				}
			}
		default:
			wrong = append(wrong, name+" is left")
		}
	}
	for key := range e.After.Objects {
		if !trash[key] {
			wrong = append(wrong, key+" is left")
		}
	}
	return wrong
}
