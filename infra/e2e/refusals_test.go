package e2e

import (
	"bytes"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const unknownID = "01890000-0000-7000-8000-000000000042"

// Each address knows its methods, tells them, and checks route and method before anything else.
func TestAddresses(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	api := "/api/reconstruction/"
	for path, allowed := range map[string]string{
		"/picture/upload":                        "POST",
		"/picture/upload-url":                    "POST",
		"/picture/list/page":                     "GET HEAD",
		"/picture/" + unknownID:                  "DELETE GET HEAD",
		"/picture/" + unknownID + "/complete":    "POST",
		api + "create-from-image":                "POST",
		api + "status/" + unknownID:              "DELETE GET HEAD",
		api + "list":                             "GET HEAD",
		api + "cancel/" + unknownID:              "POST",
		api + "events/" + unknownID:              "GET",
		api + "callback/result/" + unknownID:     "POST",
		api + "callback/upload-url/" + unknownID: "POST",
		api + "callback/status":                  "POST",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"} {
			if slices.Contains(strings.Fields(allowed), method) {
				continue
			}
			a := s.call(t, method, path, nil).want(t, http.StatusMethodNotAllowed)
			if method != http.MethodHead {
				a.problem(t, http.StatusMethodNotAllowed, "method_not_allowed")
			}
			got := strings.FieldsFunc(a.header.Get("Allow"), func(r rune) bool { return r == ',' || r == ' ' })
			got = slices.DeleteFunc(got, func(m string) bool { return m == "OPTIONS" })
			if slices.Sort(got); !slices.Equal(got, strings.Fields(allowed)) {
				t.Errorf("%s %s: Allow %v, want %s", method, path, got, allowed)
			}
		}
	}
	for _, path := range []string{
		"/nothing", "/picture/", "/picture/list", "/picture/list/page/2", "/picture/" + unknownID + "/other", api + "status/", api + "status/" + unknownID + "/more",
		api + "events/", api + "callback/", api + "callback/result/", api + "callback/status/" + unknownID, api + "create-from-image/", api + "nothing",
	} {
		if a := s.get(t, path); a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d %s", path, a.status, a.body)
		} else if a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("GET %s: %s", path, a.body)
		}
	}
	for _, id := range []string{
		unknownID, "1", "x", strings.ToUpper(unknownID), "{" + unknownID + "}", "%00", "..%2f..", "urn:uuid:" + unknownID, unknownID + "0", strings.ReplaceAll(unknownID, "-", ""),
		"%F0%9F%A6%8A", strings.Repeat("a", 3000), unknownID[:35] + "g",
	} {
		s.get(t, api+"status/"+id).problem(t, http.StatusNotFound, "task_not_found")
		s.call(t, http.MethodDelete, api+"status/"+id, nil).problem(t, http.StatusNotFound, "task_not_found")
		s.call(t, http.MethodPost, api+"cancel/"+id, nil).problem(t, http.StatusNotFound, "task_not_found")
		s.get(t, "/picture/"+id).problem(t, http.StatusNotFound, "picture_not_found")
		s.call(t, http.MethodDelete, "/picture/"+id, nil).problem(t, http.StatusNotFound, "picture_not_found")
		s.call(t, http.MethodPost, "/picture/"+id+"/complete", nil).problem(t, http.StatusNotFound, "picture_not_found")
		s.get(t, api+"events/"+id).problem(t, http.StatusNotFound, "task_not_found") // the bearer, who is local, may ask
		s.get(t, api+"events/"+id+"?ticket=x").problem(t, http.StatusUnauthorized, "unauthorized")
	}
}

// HEAD is GET without the body.
func TestHead(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	o := s.orderUnheard(t, taken)
	for _, path := range []string{o.StatusURL, "/api/reconstruction/list", "/picture/" + o.picture.ID, "/picture/list/page"} {
		get, head := s.get(t, path), s.call(t, http.MethodHead, path, nil)
		if head.status != http.StatusOK || len(head.body) > 0 || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
			t.Errorf("HEAD %s: %d, %s, %d bytes", path, head.status, head.header.Get("Content-Type"), len(head.body))
		}
	}
	if a := s.call(t, http.MethodHead, "/picture/"+unknownID, nil); a.status != http.StatusNotFound || len(a.body) > 0 {
		t.Errorf("HEAD of nothing: %d, %q", a.status, a.body)
	}
}

// A create is refused for what is wrong with it, and makes nothing then.
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

// A task keeps its own copy of the picture.
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

// The same key and body is the same task; the same key and another body is not.
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

// Lists page through everything once, newest first, whatever is added meanwhile.
func TestLists(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	var orders []string
	add := func() {
		t.Helper()
		orders = append(orders, s.orderUnheard(t, taken).TaskID)
	}
	for range 7 {
		add()
	}
	type page struct {
		Items      []document
		NextCursor *string
	}
	var seen []string
	query := "?limit=3"
	for {
		var p page
		s.get(t, "/api/reconstruction/list"+query).want(t, http.StatusOK).into(t, &p)
		for _, d := range p.Items {
			seen = append(seen, d.TaskID)
		}
		if p.NextCursor == nil {
			break
		}
		if len(p.Items) != 3 {
			t.Errorf("a page of %d", len(p.Items))
		}
		query = "?limit=3&cursor=" + url.QueryEscape(*p.NextCursor)
		if len(orders) == 7 {
			add() // while somebody pages
		}
	}
	want := slices.Clone(orders[:7])
	slices.Reverse(want)
	if !slices.Equal(seen, want) {
		t.Errorf("paged through\n%v, want\n%v", seen, want)
	}
	for _, q := range []string{"limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "cursor=x", "cursor=%00", "cursor=" + unknownID + "x", "cursor=" + strings.Repeat("A", 500)} {
		s.get(t, "/api/reconstruction/list?"+q).problem(t, http.StatusUnprocessableEntity, "validation_failed")
	}
	s.get(t, "/api/reconstruction/list?limit=100").want(t, http.StatusOK)

	var gallery struct {
		Items             []picture
		Page, Size, Total int
	}
	s.get(t, "/picture/list/page?page=2&size=3").want(t, http.StatusOK).into(t, &gallery)
	if gallery.Total != 8 || gallery.Page != 2 || gallery.Size != 3 || len(gallery.Items) != 3 || !slices.IsSortedFunc(gallery.Items, func(a, b picture) int { return strings.Compare(b.ID, a.ID) }) {
		t.Errorf("gallery: %+v", gallery)
	}
	s.get(t, "/picture/list/page?page=99&size=100").want(t, http.StatusOK).into(t, &gallery)
	if gallery.Total != 8 || len(gallery.Items) != 0 || gallery.Items == nil {
		t.Errorf("past the end: %+v", gallery)
	}
	for _, q := range []string{"page=0", "size=0", "size=101", "page=-1", "page=x", "size=1.5", "page=99999999999999999999"} {
		s.get(t, "/picture/list/page?"+q).problem(t, http.StatusUnprocessableEntity, "validation_failed")
	}
}

// With users, each sees their own only, and is held to their limits.
func TestUsers(t *testing.T) {
	t.Parallel()
	secret := token() + token()
	s := start(t, 1, "AUTH_MODE", "jwt", "JWT_SECRET", secret, "JWT_ISSUER", "shop", "JWT_AUDIENCE", "recon3d",
		"CREATE_RATE", "4/m", "MAX_ACTIVE_TASKS", "2", "CORS_ORIGINS", "https://shop.example,https://other.example")
	claims := func(more ...any) map[string]any {
		c := map[string]any{"sub": "ann", "exp": time.Now().Add(time.Hour).Unix(), "iss": "shop", "aud": "recon3d"}
		for i := 0; i < len(more); i += 2 {
			c[more[i].(string)] = more[i+1]
			if more[i+1] == nil {
				delete(c, more[i].(string))
			}
		}
		return c
	}
	ann, bob := s.browser, s.browser
	ann.token, bob.token = userToken(secret, claims()), userToken(secret, claims("sub", "bob"))
	const create = "/api/reconstruction/create-from-image"

	t.Run("nobody", func(t *testing.T) {
		unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(mustJSON(claims())) + "."
		for name, bearer := range map[string]string{
			"no token": "", "no JWT": "x", "alg none": unsigned, "other secret": userToken("other", claims()),
			"expired": userToken(secret, claims("exp", time.Now().Add(-time.Hour).Unix())), "no exp": userToken(secret, claims("exp", nil)),
			"no sub": userToken(secret, claims("sub", nil)), "empty sub": userToken(secret, claims("sub", "")), "other issuer": userToken(secret, claims("iss", "x")),
			"other audience": userToken(secret, claims("aud", "x")), "not yet": userToken(secret, claims("nbf", time.Now().Add(time.Hour).Unix())),
		} {
			b := s.browser
			b.token = bearer
			for _, call := range []func() answer{
				func() answer { return b.get(t, "/picture/list/page") },
				func() answer { return b.send(t, drawing()) },
				func() answer { return b.post(t, create, map[string]any{"imageId": unknownID}) },
				func() answer { return b.get(t, "/api/reconstruction/list") },
				func() answer { return b.get(t, "/api/reconstruction/status/"+unknownID) },
				func() answer { return b.get(t, "/api/reconstruction/events/"+unknownID) },
			} {
				a := call()
				if a.problem(t, http.StatusUnauthorized, "unauthorized"); a.header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s: no WWW-Authenticate", name)
				}
			}
		}
	})
	t.Run("the order of checks", func(t *testing.T) {
		nobody := s.browser
		nobody.call(t, http.MethodPut, create, make([]byte, 3<<20)).problem(t, http.StatusMethodNotAllowed, "method_not_allowed")
		nobody.call(t, http.MethodPost, create, make([]byte, 3<<20), "Content-Type", "text/plain").problem(t, http.StatusRequestEntityTooLarge, "payload_too_large")
		nobody.call(t, http.MethodPost, create, []byte("{"), "Content-Type", "text/plain").problem(t, http.StatusUnauthorized, "unauthorized")
		ann.call(t, http.MethodPost, create, []byte("{"), "Content-Type", "text/plain").problem(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
		ann.call(t, http.MethodPost, create, []byte("{"), "Content-Type", "application/json").problem(t, http.StatusBadRequest, "bad_request")
		nobody.call(t, http.MethodPost, "/picture/upload", make([]byte, 5_900_000), "Content-Type", "text/plain").problem(t, http.StatusRequestEntityTooLarge, "payload_too_large")
		nobody.call(t, http.MethodPost, "/picture/upload", nil, "Content-Type", "text/plain").problem(t, http.StatusUnauthorized, "unauthorized")
		nobody.get(t, "/picture/list/page?page=0").problem(t, http.StatusUnauthorized, "unauthorized")
	})
	t.Run("another user's", func(t *testing.T) {
		data := drawing()
		job := s.fleet.expect(data, taken)
		p := ann.upload(t, data)
		c := ann.create(t, p.ID)
		job.next(t)
		bob.get(t, "/picture/"+p.ID).problem(t, http.StatusNotFound, "picture_not_found")
		bob.call(t, http.MethodDelete, "/picture/"+p.ID, nil).problem(t, http.StatusNotFound, "picture_not_found")
		bob.call(t, http.MethodPost, "/picture/"+p.ID+"/complete", nil).problem(t, http.StatusNotFound, "picture_not_found")
		bob.post(t, create, map[string]any{"imageId": p.ID}).problem(t, http.StatusNotFound, "picture_not_found")
		bob.get(t, c.StatusURL).problem(t, http.StatusNotFound, "task_not_found")
		bob.call(t, http.MethodDelete, c.StatusURL, nil).problem(t, http.StatusNotFound, "task_not_found")
		bob.post(t, "/api/reconstruction/cancel/"+c.TaskID, nil).problem(t, http.StatusNotFound, "task_not_found")
		bob.get(t, "/api/reconstruction/events/"+c.TaskID).problem(t, http.StatusNotFound, "task_not_found")
		for _, path := range []string{"/picture/list/page", "/api/reconstruction/list"} {
			if items := bob.get(t, path).want(t, http.StatusOK).object(t)["items"].([]any); len(items) != 0 {
				t.Errorf("%s shows another user's: %v", path, items)
			}
		}
		ann.listen(t, "/api/reconstruction/events/"+c.TaskID, "").until(t, "PROCESSING") // by her bearer token
		s.listen(t, c.SseURL, "").until(t, "PROCESSING")                                 // by the ticket alone
		ann.call(t, http.MethodDelete, c.StatusURL, nil).want(t, http.StatusNoContent)
	})
	t.Run("limits", func(t *testing.T) {
		carl := s.browser
		carl.token = userToken(secret, claims("sub", "carl"))
		data := drawing()
		s.fleet.expect(data, taken)
		p := carl.upload(t, data)
		cancel := func(c created) {
			t.Helper()
			carl.post(t, "/api/reconstruction/cancel/"+c.TaskID, nil).want(t, http.StatusOK)
		}
		first, second := carl.create(t, p.ID), carl.create(t, p.ID, "Idempotency-Key", "second")
		carl.post(t, create, map[string]any{"imageId": p.ID}).problem(t, http.StatusTooManyRequests, "too_many_active_tasks")
		if again := carl.create(t, p.ID, "Idempotency-Key", "second"); again.TaskID != second.TaskID { // a repeated one is no new one
			t.Errorf("repeated: %+v", again)
		}
		cancel(first)
		third := carl.create(t, p.ID)
		cancel(second)
		cancel(third)
		cancel(carl.create(t, p.ID)) // the fourth of this minute; refused and repeated ones did not count
		refused := carl.post(t, create, map[string]any{"imageId": p.ID})
		refused.problem(t, http.StatusTooManyRequests, "rate_limited")
		bob.post(t, create, map[string]any{"imageId": p.ID}).problem(t, http.StatusNotFound, "picture_not_found") // a limit is one's own
	})
	t.Run("CORS", func(t *testing.T) {
		preflight := s.call(t, http.MethodOptions, create, nil, "Origin", "https://shop.example", "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "authorization,content-type,idempotency-key")
		allowed := strings.ToLower(preflight.header.Get("Access-Control-Allow-Headers"))
		if preflight.status/100 != 2 || preflight.header.Get("Access-Control-Allow-Origin") != "https://shop.example" || !strings.Contains(preflight.header.Get("Access-Control-Allow-Methods"), "POST") ||
			!strings.Contains(allowed, "authorization") || !strings.Contains(allowed, "content-type") || !strings.Contains(allowed, "idempotency-key") {
			t.Errorf("preflight: %d %v", preflight.status, preflight.header)
		}
		for origin, want := range map[string]string{"https://other.example": "https://other.example", "https://evil.example": "", "null": "", "": ""} {
			a := ann.get(t, "/api/reconstruction/list", "Origin", origin).want(t, http.StatusOK)
			if got := a.header.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("origin %q: %q", origin, got)
			}
			if !strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Origin") {
				t.Errorf("origin %q: Vary %q", origin, a.header.Values("Vary"))
			}
		}
		a := s.get(t, "/api/reconstruction/list", "Origin", "https://shop.example")
		a.problem(t, http.StatusUnauthorized, "unauthorized") // readable across origins, too
		if a.header.Get("Access-Control-Allow-Origin") == "" {
			t.Error("a problem document without CORS headers")
		}
	})
}

// Without Redis every function says so, and that it will pass; a record that can't be read is our own fault.
func TestTrouble(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	o := s.orderUnheard(t, taken)
	broken := s.orderUnheard(t, taken)
	client := s.redis.Client()
	defer func() { _ = client.Close() }()
	broken.file(1, "a.png", []byte("a")).want(t, http.StatusOK)
	keys, err := client.Keys(t.Context(), "recon:*:task:"+broken.TaskID+":results").Result()
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	if err := client.HSet(t.Context(), keys[0], "a.png", "no record").Err(); err != nil {
		t.Fatal(err)
	}
	s.get(t, broken.StatusURL).problem(t, http.StatusInternalServerError, "internal")

	s.redis.Kill()
	for name, call := range map[string]func() answer{
		"upload": func() answer { return s.send(t, drawing()) },
		"upload-url": func() answer {
			return s.post(t, "/picture/upload-url", map[string]any{"name": "a", "contentType": "image/png", "size": 5})
		},
		"picture": func() answer { return s.get(t, "/picture/"+o.picture.ID) },
		"gallery": func() answer { return s.get(t, "/picture/list/page") },
		"create": func() answer {
			return s.post(t, "/api/reconstruction/create-from-image", map[string]any{"imageId": o.picture.ID})
		},
		"status":          func() answer { return s.get(t, o.StatusURL) },
		"list":            func() answer { return s.get(t, "/api/reconstruction/list") },
		"cancel":          func() answer { return s.post(t, "/api/reconstruction/cancel/"+o.TaskID, nil) },
		"delete":          func() answer { return s.call(t, http.MethodDelete, o.StatusURL, nil) },
		"callback status": func() answer { return s.outbox.send(t, statusHook(o.TaskID, 1, "processing")) },
		"callback result": func() answer { return s.outbox.send(t, fileHook(o.TaskID, 1, "a.png", []byte("a"))) },
		"callback upload": func() answer {
			return s.outbox.send(t, directHook("upload", o.TaskID, 1, manifest("a.png", []byte("a"), 1)))
		},
		"events, bearer": func() answer { return s.get(t, "/api/reconstruction/events/"+o.TaskID) },
	} {
		a := call()
		t.Run(name, func(t *testing.T) { a.problem(t, http.StatusServiceUnavailable, "unavailable") })
	}
	blind := s.listen(t, o.SseURL, "") // who brings a ticket always gets the stream
	s.redis.Run()
	if got := blind.until(t, "PROCESSING"); len(got) != 2 {
		t.Errorf("after the outage: %+v", got)
	}
	bucket := s.bucket(t)
	if left := s.orphans(t, bucket, "pictures/local", "reconstruction/"+o.TaskID, "reconstruction/"+broken.TaskID); len(left) > 0 {
		t.Errorf("orphaned objects: %v", left)
	}
	o.finish(1)
	blind.until(t, "COMPLETED")
}

// A client that says one thing about its body and does another does not bring anything down.
func TestRudeClients(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	for name, raw := range map[string]string{
		"leaves early":     "POST /picture/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b\r\n",
		"is no HTTP":       "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"broken chunks":    "POST /picture/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\nzz\r\n",
		"two lengths":      "POST /picture/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
		"a negative one":   "POST /picture/upload HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nhello",
		"escapes the path": "GET /picture/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.base.Host)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := io.WriteString(conn, raw); err != nil {
				t.Fatal(err)
			}
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(conn)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) > 0 && !bytes.HasPrefix(got, []byte("HTTP/1.1 4")) {
				t.Errorf("answered %s", got)
			}
		})
	}
	// A chunked body that never says how long it is ends at the limit.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.base.JoinPath("/picture/upload").String(), io.MultiReader(bytes.NewReader(make([]byte, 7<<20))))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	a, err := send(s.http, r)
	if err != nil {
		t.Fatal(err)
	}
	a.problem(t, http.StatusRequestEntityTooLarge, "payload_too_large")
	o := s.order(t, taken)
	o.finish(1)
	o.events.until(t, "COMPLETED")
}
