package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/recon3d/recon3d/infra/local/client"
	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/task"
)

// stock is what there is before requests are sent.
type stock struct {
	small           []byte // a JPEG
	picture         string // its id, once uploaded
	running         []client.Task
	finished        client.Task
	results, status *process // the functions for callbacks that only prepare something
}

// stock fills a system: a picture, tasks that a worker has, and one that is completed.
func (s *system) stock(ctx context.Context) (*stock, error) {
	var st stock
	var err error
	if st.small, err = jpegOf(landscape(640, 480, 3), 100<<10); err != nil {
		return nil, err
	}
	if st.picture, err = s.upload(ctx, st.small); err != nil {
		return nil, err
	}
	if st.running, err = s.tasks(ctx, st.picture, 50); err != nil {
		return nil, err
	}
	st.finished, st.running = st.running[0], st.running[1:]
	if st.results, err = s.start(ctx, "callback-result"); err != nil {
		return nil, err
	}
	if st.status, err = s.start(ctx, "callback-status"); err != nil {
		return nil, err
	}
	last, err := s.completed(ctx, &st, st.finished.ID)
	if err != nil {
		return nil, err
	}
	_, err = last.send(ctx, http.DefaultClient, st.status.url())
	return &st, err
}

// completed delivers what a task lacks and makes the message that completes it.
func (s *system) completed(ctx context.Context, st *stock, taskID string) (ask, error) {
	a, err := s.deliver(taskID, requiredResult, st.small)
	if err != nil {
		return ask{}, err
	}
	if _, err := a.send(ctx, http.DefaultClient, st.results.url()); err != nil {
		return ask{}, err
	}
	return s.say(callback.StatusMessage{TaskID: taskID, Status: callback.Completed}, http.StatusOK)
}

// staged puts a result to COS by the direct route and makes the message that hands it in.
func (s *system) staged(ctx context.Context, st *stock, taskID, name string) (ask, error) {
	a, err := s.announce(callback.Upload, taskID, name, st.small, http.StatusOK)
	if err != nil {
		return ask{}, err
	}
	answer, err := a.send(ctx, http.DefaultClient, st.results.url())
	if err != nil {
		return ask{}, err
	}
	var granted callback.UploadAnswer
	if err := json.Unmarshal(answer, &granted); err != nil {
		return ask{}, fmt.Errorf("read where to put a result: %w", err)
	}
	put := ask{method: granted.Method, header: http.Header{}, body: st.small, want: http.StatusOK}
	for header, value := range granted.Headers {
		put.header.Set(header, value)
	}
	if _, err := put.send(ctx, http.DefaultClient, granted.URL); err != nil {
		return ask{}, err
	}
	return s.announce(callback.Result, taskID, name, st.small, http.StatusOK)
}

// upload uploads a picture through a function of its own and tells its id.
func (s *system) upload(ctx context.Context, file []byte) (id string, err error) {
	function, err := s.start(ctx, "picture")
	if err != nil {
		return "", err
	}
	api, err := client.New(function.url())
	if err != nil {
		return "", err
	}
	p, err := api.Upload(ctx, "picture.jpg", file)
	if err != nil {
		return "", err
	}
	return p.ID, function.stop()
}

// tasks makes tasks of a picture, which the worker takes.
func (s *system) tasks(ctx context.Context, picture string, count int) ([]client.Task, error) {
	function, err := s.start(ctx, "create-task")
	if err != nil {
		return nil, err
	}
	api, err := client.New(function.url())
	if err != nil {
		return nil, err
	}
	made := make([]client.Task, count)
	for i := range made {
		if made[i], err = api.Create(ctx, picture); err != nil {
			return nil, err
		}
		if made[i].Status != string(task.Processing) {
			return nil, fmt.Errorf("the worker did not take task %s: it is %s", made[i].ID, made[i].Status)
		}
	}
	return made, function.stop()
}
