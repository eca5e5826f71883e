package main

import (
	"math"
	"net/http"
	"strconv"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
)

// show answers GET /picture/{id}.
func (s *server) show(w http.ResponseWriter, r *http.Request) error {
	user, err := s.users.User(r)
	if err != nil {
		return err
	}
	p, err := s.pictures.Get(r.Context(), user, r.PathValue("id"))
	if err != nil {
		return err
	}
	body, err := s.present(r.Context(), p)
	if err != nil {
		return err
	}
	httpjson.Write(w, http.StatusOK, body)
	return nil
}

// remove answers DELETE /picture/{id}. Tasks made from the picture have their own copy of it.
func (s *server) remove(w http.ResponseWriter, r *http.Request) error {
	user, err := s.users.User(r)
	if err != nil {
		return err
	}
	if err := s.pictures.Delete(r.Context(), user, r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type pageJSON struct {
	Items []pictureJSON `json:"items"`
	Page  int64         `json:"page"`
	Size  int64         `json:"size"`
	Total int64         `json:"total"`
}

// list answers GET /picture/list/page.
func (s *server) list(w http.ResponseWriter, r *http.Request) error {
	user, err := s.users.User(r)
	if err != nil {
		return err
	}
	page, size, err := paging(r)
	if err != nil {
		return err
	}

	pictures, total, err := s.pictures.List(r.Context(), user, (page-1)*size, size)
	if err != nil {
		return err
	}

	body := pageJSON{Items: make([]pictureJSON, len(pictures)), Page: page, Size: size, Total: total}
	for i, p := range pictures {
		if body.Items[i], err = s.present(r.Context(), p); err != nil {
			return err
		}
	}
	httpjson.Write(w, http.StatusOK, body)
	return nil
}

const (
	defaultSize = 20
	maxSize     = 100
	maxPage     = math.MaxInt64 / maxSize // (page-1)·size is a number still
)

// paging reads which page is asked for, and names every wrong value.
func paging(r *http.Request) (page, size int64, err error) {
	query := r.URL.Query()
	var wrong []fault.Field
	number := func(name string, preset, limit int64) int64 {
		if !query.Has(name) {
			return preset
		}
		n, err := strconv.ParseInt(query.Get(name), 10, 64)
		if err != nil || n < 1 || n > limit {
			wrong = append(wrong, fault.Field{Field: name, Message: "must be a whole number from 1 to " + strconv.FormatInt(limit, 10)})
		}
		return n
	}
	page, size = number("page", 1, maxPage), number("size", defaultSize, maxSize)
	if wrong != nil {
		return 0, 0, &fault.Error{Code: fault.ValidationFailed, Fields: wrong}
	}
	return page, size, nil
}
