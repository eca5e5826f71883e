package e2e

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"
)

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
