package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
)

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
