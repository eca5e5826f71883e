package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// door is a function behind another front door than its own URL: what turns a request into that platform's call.
type door interface {
	serve(w http.ResponseWriter, r *http.Request, body []byte)
}

// behind is the system as it is reached through such doors: each function of the domain's routes is started once more, with its own.
func (s *system) behind(t *testing.T, open func(function string) door) *system {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(os.Getenv(rootEnv), "infra", "cloud", "routes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var domain struct {
		Routes []struct{ Path, Function string }
	}
	if err := yaml.Unmarshal(text, &domain); err != nil {
		t.Fatal(err)
	}
	doors := map[string]door{}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		for _, route := range domain.Routes {
			below, wild := strings.CutSuffix(route.Path, "*")
			if r.URL.Path == route.Path || wild && strings.HasPrefix(r.URL.Path, below) {
				doors[route.Function].serve(w, r, body)
				return
			}
		}
		t.Errorf("no route for %s", r.URL.Path)
	}))
	t.Cleanup(front.Close) // when the functions have ended, which are started below: no call is open any more
	for _, route := range domain.Routes {
		if doors[route.Function] == nil {
			doors[route.Function] = open(route.Function)
		}
	}
	through := *s
	if through.base, err = url.Parse(front.URL); err != nil {
		t.Fatal(err)
	}
	through.outbox.base = front.URL + "/api/reconstruction/callback"
	return &through
}

// answersAsEver checks of each function what is no part of a picture's way, and then takes a picture all its way.
func (s *system) answersAsEver(t *testing.T) {
	t.Helper()
	data := drawing()
	body, mime := form(part{"file", "a.png", data})
	var p picture
	s.call(t, http.MethodPost, "/picture/upload", body, "Content-Type", mime).want(t, http.StatusCreated).into(t, &p)
	if p.Sha256 != sha(data) || !bytes.Equal(fetch(t, p.URL).want(t, http.StatusOK).body, data) {
		t.Errorf("%+v", p)
	}
	s.call(t, http.MethodPost, "/picture/upload", body[:50], "Content-Type", mime).problem(t, http.StatusBadRequest, "bad_request")
	s.call(t, http.MethodPost, "/picture/upload", nil, "Content-Type", "text/plain").problem(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
	s.get(t, "/picture/"+unknownID).problem(t, http.StatusNotFound, "picture_not_found")
	s.get(t, "/picture/list/page?page=0&size=5").problem(t, http.StatusUnprocessableEntity, "validation_failed")
	if a := s.call(t, http.MethodHead, "/picture/"+p.ID, nil).want(t, http.StatusOK); len(a.body) != 0 {
		t.Errorf("HEAD: %q", a.body)
	}
	refused := s.call(t, http.MethodPut, "/picture/"+p.ID, nil)
	refused.problem(t, http.StatusMethodNotAllowed, "method_not_allowed")
	if allow := refused.header.Get("Allow"); !strings.Contains(allow, http.MethodDelete) {
		t.Errorf("Allow: %q", allow)
	}

	s.post(t, "/api/reconstruction/create-from-image", map[string]any{"imageId": unknownID}).problem(t, http.StatusNotFound, "picture_not_found")
	s.get(t, "/api/reconstruction/status/"+unknownID).problem(t, http.StatusNotFound, "task_not_found")
	s.get(t, "/api/reconstruction/events/"+unknownID+"?ticket=guess").problem(t, http.StatusUnauthorized, "unauthorized")
	wrong := statusHook(unknownID, 1, "processing")
	wrong.secret = newSecret()
	s.outbox.send(t, wrong).problem(t, http.StatusUnauthorized, "signature_invalid")
	s.outbox.send(t, fileHook(unknownID, 1, "a.png", data)).problem(t, http.StatusNotFound, "task_not_found")
	page := s.get(t, "/app/tasks").want(t, http.StatusOK)
	if string(page.body) != "<!doctype html>" || !strings.Contains(page.header.Get("Content-Security-Policy"), "default-src") {
		t.Errorf("page: %q %v", page.body, page.header)
	}

	s.journey(t)
	var list struct {
		Items      []document
		NextCursor *string
	}
	s.get(t, "/api/reconstruction/list?limit=1").want(t, http.StatusOK).into(t, &list)
	if len(list.Items) != 1 || list.Items[0].Status != "COMPLETED" {
		t.Errorf("list: %+v", list)
	}
}
