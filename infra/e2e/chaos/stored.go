package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

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
