package e2e

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestCreates(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	bucket := s.bucket(t)
	const path = "/api/reconstruction/create-from-image"
	gone := s.upload(t, drawing())
	s.call(t, http.MethodDelete, "/picture/"+gone.ID, nil).want(t, http.StatusNoContent)
	for name, row := range map[string]struct {
		body   string
		mime   string
		status int
		code   string
		field  string
	}{
		"no body":           {"", "application/json", 400, "bad_request", ""},
		"half an object":    {`{"imageId":`, "application/json", 400, "bad_request", ""},
		"two objects":       {`{"imageId":"x"}{}`, "application/json", 400, "bad_request", ""},
		"bad UTF-8 quoting": {"{\"imageId\":\"\x01\"}", "application/json", 400, "bad_request", ""},
		"a list":            {`[]`, "application/json", 422, "validation_failed", ""},
		"null":              {`null`, "application/json", 422, "validation_failed", ""},
		"a number":          {`{"imageId":5}`, "application/json", 422, "validation_failed", "imageId"},
		"a null id":         {`{"imageId":null}`, "application/json", 422, "validation_failed", "imageId"},
		"nothing in it":     {`{}`, "application/json", 422, "validation_failed", "imageId"},
		"a form":            {`imageId=x`, "application/x-www-form-urlencoded", 415, "unsupported_media_type", ""},
		"no media type":     {`{"imageId":"x"}`, "", 415, "unsupported_media_type", ""},
		"no UUID":           {`{"imageId":"x"}`, "application/json", 404, "picture_not_found", ""},
		"unknown":           {`{"imageId":"` + unknownID + `"}`, "application/json", 404, "picture_not_found", ""},
		"upper case":        {`{"imageId":"` + strings.ToUpper(gone.ID) + `"}`, "application/json", 404, "picture_not_found", ""},
		"deleted meanwhile": {`{"imageId":"` + gone.ID + `"}`, "application/json; charset=utf-8", 404, "picture_not_found", ""},
		"huge":              {`{"imageId":"` + strings.Repeat("x", 3<<20) + `"}`, "application/json", 413, "payload_too_large", ""},
		"huge and no JSON":  {strings.Repeat("x", 3<<20), "text/plain", 413, "payload_too_large", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(t, http.MethodPost, path, []byte(row.body), "Content-Type", row.mime, "Idempotency-Key", token())
			a.problem(t, row.status, row.code)
			if row.field != "" && !slices.Contains(a.fields(t), row.field) {
				t.Errorf("%s is not named in %s", row.field, a.body)
			}
		})
	}
	var list struct {
		Items      []document
		NextCursor *string
	}
	s.get(t, "/api/reconstruction/list").want(t, http.StatusOK).into(t, &list)
	if len(list.Items) > 0 {
		t.Errorf("half-made tasks: %+v", list.Items)
	}
	if left := s.orphans(t, bucket); len(left) > 0 {
		t.Errorf("orphaned objects: %v", left)
	}
}

func TestThePictureIsDeletedAfterTheCreate(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	o := s.order(t, inTurn(always(says(500, "{}")), taken))
	s.call(t, http.MethodDelete, "/picture/"+o.picture.ID, nil).want(t, http.StatusNoContent)
	bucket := s.bucket(t)
	eventually(t, "the picture's objects are gone", func() bool { return len(objects(t, bucket, "pictures/")) == 0 })
	o.job.next(t)
	if d := o.job.next(t); !bytes.Equal(d.image, o.data) {
		t.Errorf("the second dispatch brings %d bytes", len(d.image))
	}
	if got := fetch(t, *o.document().OriginalImageURL).want(t, http.StatusOK); !bytes.Equal(got.body, o.data) {
		t.Error("the original's URL leads to other bytes")
	}
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	hold, began := make(chan struct{}), make(chan struct{}, 8)
	data := drawing()
	job := s.fleet.expect(data, func(d dispatch) reply {
		began <- struct{}{}
		r := taken(d)
		r.hold = hold
		return r
	})
	p := s.upload(t, data)
	body := mustJSON(map[string]any{"imageId": p.ID})
	key := token()
	headers := []string{"Content-Type", "application/json", "Idempotency-Key", key}
	const path = "/api/reconstruction/create-from-image"

	first := make(chan answer, 1)
	go func() {
		a, err := s.do(t.Context(), http.MethodPost, path, body, headers...)
		if err != nil {
			t.Error(err)
		}
		first <- a
	}()
	<-began
	s.call(t, http.MethodPost, path, body, headers...).problem(t, http.StatusConflict, "idempotency_in_progress")
	close(hold)
	var c, again created
	(<-first).want(t, http.StatusAccepted).into(t, &c)
	second := s.call(t, http.MethodPost, path, body, headers...)
	second.want(t, http.StatusAccepted).into(t, &again)
	if again.TaskID != c.TaskID || again.StatusURL != c.StatusURL || second.header.Get("Location") != c.StatusURL {
		t.Errorf("the same key made %+v and %+v", c, again)
	}
	s.listen(t, again.SseURL, "").until(t, "PROCESSING") // its ticket works
	other := mustJSON(map[string]any{"imageId": p.ID, "more": 1})
	s.call(t, http.MethodPost, path, other, headers...).problem(t, http.StatusUnprocessableEntity, "idempotency_conflict")
	if fresh := s.create(t, p.ID, "Idempotency-Key", token()); fresh.TaskID == c.TaskID {
		t.Error("another key led to the same task")
	}
	if job.next(t).n != 1 || job.next(t).fields["task_id"] == c.TaskID {
		t.Error("the task was handed over twice")
	}

	// A create that was refused does not hold its key.
	key = token()
	s.post(t, path, map[string]any{"imageId": unknownID}, "Idempotency-Key", key).problem(t, http.StatusNotFound, "picture_not_found")
	s.create(t, p.ID, "Idempotency-Key", key)

	// Many at once make one.
	key = token()
	ids := make(chan string, 16)
	for range cap(ids) {
		go func() {
			for {
				a, err := s.do(t.Context(), http.MethodPost, path, body, "Content-Type", "application/json", "Idempotency-Key", key)
				if err == nil && a.status == http.StatusConflict {
					continue // still being answered
				}
				if err != nil || a.status != http.StatusAccepted {
					t.Errorf("%v %d %s", err, a.status, a.body)
				}
				ids <- a.header.Get("Location")
				return
			}
		}()
	}
	one := <-ids
	for range cap(ids) - 1 {
		if id := <-ids; id != one {
			t.Errorf("one key made %s and %s", one, id)
		}
	}
}
