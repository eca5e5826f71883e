package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/task"
)

var ignoreURLs = cmpopts.IgnoreFields(pictureJSON{}, "URL", "ThumbnailURL")

func TestPictureIsItsUsersAlone(t *testing.T) {
	w := newWorld(t)
	p := w.upload("ann", "a.jpg", fixture(t, "baseline.jpg")).picture(t, http.StatusCreated)
	path := "/picture/" + p.ID

	got := w.send(call{user: "ann", method: "GET", path: path}).picture(t, http.StatusOK)
	if d := cmp.Diff(p, got, ignoreURLs); d != "" {
		t.Error(d)
	}
	w.get(got.URL)
	w.get(got.ThumbnailURL)
	if a := w.send(call{user: "ann", method: "HEAD", path: path}); a.status != 200 || len(a.body) != 0 {
		t.Errorf("HEAD: %d %s", a.status, a.body)
	}
	for _, c := range []call{
		{user: "bob", path: path},
		{user: twin("ann"), path: path},
		{user: "ann", path: "/picture/" + task.NewID("ann")},
		{user: "ann", path: "/picture/" + strings.ToUpper(p.ID)},
		{user: "ann", path: "/picture/{" + p.ID + "}"},
		{user: "ann", path: "/picture/no-uuid"},
		{user: "ann", path: "/picture/6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{user: "ann", path: "/picture/..%2f"},
	} {
		for _, method := range []string{"GET", "DELETE"} {
			c.method = method
			w.send(c).is(t, http.StatusNotFound, fault.PictureNotFound)
		}
		w.send(call{user: c.user, method: "POST", path: c.path + "/complete"}).is(t, http.StatusNotFound, fault.PictureNotFound)
	}
	a := w.send(call{user: "ann", method: "PUT", path: path})
	a.is(t, http.StatusMethodNotAllowed, fault.MethodNotAllowed)
	if a.header.Get("Allow") != "DELETE, GET, HEAD" {
		t.Errorf("Allow: %s", a.header.Get("Allow"))
	}
	w.expectOnly(p)
}

func TestDelete(t *testing.T) {
	w := newWorld(t)
	kept := w.upload("ann", "a.jpg", fixture(t, "baseline.jpg")).picture(t, http.StatusCreated)
	p := w.upload("ann", "b.png", fixture(t, "alpha.png")).picture(t, http.StatusCreated)
	if a := w.send(call{user: "ann", method: "DELETE", path: "/picture/" + p.ID}); a.status != http.StatusNoContent || len(a.body) != 0 {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, method := range []string{"DELETE", "GET"} {
		w.send(call{user: "ann", method: method, path: "/picture/" + p.ID}).is(t, http.StatusNotFound, fault.PictureNotFound)
	}
	w.expectOnly(kept)
}

func TestList(t *testing.T) {
	w := newWorld(t)
	read := func(query string) pageJSON {
		t.Helper()
		a := w.send(call{user: "ann", method: "GET", path: "/picture/list/page" + query})
		var page pageJSON
		if err := json.Unmarshal(a.body, &page); err != nil || a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", query, a.status, a.body)
		}
		return page
	}
	if a := w.send(call{user: "ann", method: "GET", path: "/picture/list/page"}); strings.TrimSpace(string(a.body)) != `{"items":[],"page":1,"size":20,"total":0}` {
		t.Errorf("empty: %s", a.body)
	}
	var newest []pictureJSON
	for range 5 {
		newest = append([]pictureJSON{w.upload("ann", "a.jpg", fixture(t, "baseline.jpg")).picture(t, http.StatusCreated)}, newest...)
	}
	w.upload(twin("ann"), "a.jpg", fixture(t, "baseline.jpg")).picture(t, http.StatusCreated)
	for query, want := range map[string]pageJSON{
		"":                {newest, 1, 20, 5},
		"?page=1&size=2":  {newest[:2], 1, 2, 5},
		"?page=3&size=2":  {newest[4:], 3, 2, 5},
		"?page=4&size=2":  {[]pictureJSON{}, 4, 2, 5},
		"?size=100":       {newest, 1, 100, 5},
		"?page=999999999": {[]pictureJSON{}, 999999999, 20, 5},
	} {
		if d := cmp.Diff(want, read(query), ignoreURLs); d != "" {
			t.Errorf("%s: %s", query, d)
		}
	}
	for query, fields := range map[string]int{
		"?page=0": 1, "?page=-1": 1, "?page=x": 1, "?page=": 1, "?size=0": 1, "?size=101": 1, "?size=1.5": 1, "?page=0&size=0": 2, "?page=99999999999999999999": 1,
	} {
		p := w.send(call{user: "ann", method: "GET", path: "/picture/list/page" + query}).is(t, http.StatusUnprocessableEntity, fault.ValidationFailed)
		if len(p.Errors) != fields {
			t.Errorf("%s: %+v", query, p.Errors)
		}
	}
}
