package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

const unknownID = "01890000-0000-7000-8000-000000000042"

func TestAddresses(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	api := "/api/reconstruction/"
	for path, allowed := range map[string]string{
		"/":                                      "GET HEAD",
		"/app/tasks":                             "GET HEAD",
		"/assets/nothing.js":                     "GET HEAD",
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
