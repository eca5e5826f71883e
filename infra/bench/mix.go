package main

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/task"
)

// mix lists the requests that a function is sent in turn, good ones and bad ones.
func (s *system) mix(function string, st *stock) []func(i int) (ask, error) {
	always := func(a ask) func(int) (ask, error) { return func(int) (ask, error) { return a, nil } }
	running := func(i int) string { return st.running[i%len(st.running)].ID }
	nobody := task.NewID("local")
	nothing := always(get("/nothing", 404))
	return map[string][]func(i int) (ask, error){
		"picture": {
			func(int) (ask, error) { return upload(st.small, 201) },
			always(get("/picture/"+st.picture, 200)),
			always(get("/picture/list/page?size=20", 200)),
			func(int) (ask, error) { return upload([]byte("no picture"), 415) },
			always(get("/picture/"+nobody, 404)),
			nothing,
		},
		"create-task": {
			func(int) (ask, error) { return create(st.picture, uuid.NewString(), 202), nil },
			func(int) (ask, error) { return create(st.picture, "again", 202), nil },
			func(int) (ask, error) { return create(nobody, uuid.NewString(), 404), nil },
			always(post("/api/reconstruction/create-from-image", "{", 400)),
			nothing,
		},
		"tasks": {
			func(i int) (ask, error) { return get(task.StatusPath(running(i)), 200), nil },
			always(get(task.StatusPath(st.finished.ID), 200)),
			always(get("/api/reconstruction/list?limit=20", 200)),
			always(post("/api/reconstruction/cancel/"+st.finished.ID, "", 409)),
			always(get(task.StatusPath(nobody), 404)),
			nothing,
		},
		"callback-result": {
			func(i int) (ask, error) { return s.deliver(running(i), fmt.Sprintf("%d.png", i), st.small) },
			func(int) (ask, error) { return s.deliver(st.finished.ID, requiredResult, st.small) }, // a duplicate
			func(i int) (ask, error) {
				return s.announce(callback.Upload, running(i), fmt.Sprintf("%d.png", i), st.small, 200)
			},
			func(int) (ask, error) { return s.announce(callback.Upload, nobody, "a.png", st.small, 404) },
			always(post("/api/reconstruction/callback/result/"+nobody, "{}", 401)),
			nothing,
		},
		"callback-status": {
			func(i int) (ask, error) { return s.say(percent(running(i), i%100), 200) },
			func(i int) (ask, error) {
				return s.say(callback.StatusMessage{TaskID: running(i), Status: callback.Completed}, 409)
			},
			func(int) (ask, error) {
				return s.say(callback.StatusMessage{TaskID: st.finished.ID, Status: callback.Completed}, 200) // a duplicate
			},
			func(int) (ask, error) { return s.say(percent(nobody, 1), 404) },
			always(post("/api/reconstruction/callback/status", "{}", 401)),
			nothing,
		},
		"relay": {
			always(get(st.finished.SSEURL, 200)), // the whole stream, which ends
			func(int) (ask, error) {
				a := get(st.finished.SSEURL, 204)
				a.header = http.Header{"Last-Event-Id": {strconv.Itoa(finishedEvents)}}
				return a, nil
			},
			always(get("/api/reconstruction/events/"+st.finished.ID+"?ticket=forged", 401)),
			always(get("/api/reconstruction/events/"+nobody, 404)),
			nothing,
		},
		"web": {
			always(get("/", 200)),
			always(get("/app/tasks", 200)),
			always(get("/"+siteScript, 200)),
			always(get("/assets/old-AAAAAAA1.js", 404)),
			nothing,
		},
	}[function]
}

// finishedEvents is the number of the last event of the completed task: PENDING, PROCESSING, its result, COMPLETED.
const finishedEvents = 4
