package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSignatures(t *testing.T) {
	t.Parallel()
	old, present := newSecret(), newSecret()
	s := start(t, 1, "CALLBACK_SECRETS", present+" "+old)
	s.fleet.secret, s.outbox.secret = present, present
	o := s.order(t, taken)
	o.job.next(t)
	o.events.until(t, "PROCESSING")
	good := func() hook { return statusHook(o.TaskID, 1, "processing") }
	other := s.orderUnheard(t, taken)

	for name, change := range map[string]func(*hook){
		"the old secret":   func(h *hook) { h.secret = old },
		"four minutes ago": func(h *hook) { h.at = time.Now().Add(-4 * time.Minute) },
		"in four minutes":  func(h *hook) { h.at = time.Now().Add(4 * time.Minute) },
		"no attempt known": func(h *hook) { h.id = "status:" + o.TaskID + ":0:x" },
		"a long n":         func(h *hook) { h.id = "status:" + o.TaskID + ":1:" + strings.Repeat("x_-9", 16) },
		"several signatures": func(h *hook) {
			h.alter = func(r *http.Request) {
				r.Header.Set("webhook-signature", "v1,AAAA v2,x "+r.Header.Get("webhook-signature")+" v1a,zzz")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := good()
			change(&h)
			s.outbox.send(t, h).want(t, http.StatusOK)
		})
	}
	header := func(name, value string) func(*hook) {
		return func(h *hook) { h.alter = func(r *http.Request) { r.Header.Set(name, value) } }
	}
	without := func(name string) func(*hook) {
		return func(h *hook) { h.alter = func(r *http.Request) { r.Header.Del(name) } }
	}
	id := func(id string) func(*hook) { return func(h *hook) { h.id = id } }
	for name, change := range map[string]func(*hook){
		"no id":                     without("webhook-id"),
		"no timestamp":              without("webhook-timestamp"),
		"no signature":              without("webhook-signature"),
		"another secret":            func(h *hook) { h.secret = newSecret() },
		"six minutes ago":           func(h *hook) { h.at = time.Now().Add(-6 * time.Minute) },
		"in six minutes":            func(h *hook) { h.at = time.Now().Add(6 * time.Minute) },
		"another time than signed":  header("webhook-timestamp", strconv.FormatInt(time.Now().Unix()-3, 10)),
		"no number as time":         header("webhook-timestamp", "now"),
		"a time beyond all numbers": header("webhook-timestamp", "99999999999999999999"),
		"another id than signed":    header("webhook-id", "status:"+o.TaskID+":1:other"),
		"an empty signature":        header("webhook-signature", ""),
		"a signature of nothing":    header("webhook-signature", "v1,"),
		"no base64":                 header("webhook-signature", "v1,$$$$"),
		"a byte of the body":        func(h *hook) { h.raw = bytes.Replace(h.body, []byte(`processing`), []byte(`processinh`), 1) },
		"a blank more":              func(h *hook) { h.raw = append(bytes.Clone(h.body), ' ') },
		"an empty body":             func(h *hook) { h.raw = []byte{} },
		"of another kind":           id("result:" + o.TaskID + ":1:x"),
		"of a dispatch":             id("dispatch:" + o.TaskID + ":1:x"),
		"of another task":           id("status:" + other.TaskID + ":1:x"),
		"of no task":                id("status::1:x"),
		"of another attempt":        id("status:" + o.TaskID + ":2:x"),
		"of no attempt":             id("status:" + o.TaskID + "::x"),
		"of attempt 01":             id("status:" + o.TaskID + ":01:x"),
		"of a free form":            id("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"),
		"without n":                 id("status:" + o.TaskID + ":1:"),
		"with an endless n":         id("status:" + o.TaskID + ":1:" + strings.Repeat("x", 65)),
		"with a strange n":          id("status:" + o.TaskID + ":1:a.b"),
		"with more than n":          id("status:" + o.TaskID + ":1:a:b"),
	} {
		t.Run(name, func(t *testing.T) {
			h := good()
			change(&h)
			refused := s.outbox.send(t, h).problem(t, http.StatusUnauthorized, "signature_invalid")
			// For a task that is not there the answer is the same.
			h = statusHook(unknownID, 1, "processing")
			h.secret = newSecret()
			unknown := s.outbox.send(t, h).problem(t, http.StatusUnauthorized, "signature_invalid")
			if refused["detail"] != unknown["detail"] {
				t.Errorf("the refusal tells whether there is a task: %v, %v", refused["detail"], unknown["detail"])
			}
		})
	}
	t.Run("the body of another task under its own id", func(t *testing.T) {
		h := statusHook(other.TaskID, 1, "failed", "error", "x")
		h.id = "status:" + o.TaskID + ":1:x"
		s.outbox.send(t, h).problem(t, http.StatusUnauthorized, "signature_invalid")
	})
	t.Run("replayed elsewhere", func(t *testing.T) { // a message for one URL, sent to another
		h := fileHook(o.TaskID, 1, "a.png", []byte("a"))
		h.id = fmt.Sprintf("result:%s:1:x", o.TaskID)
		h.taskID = other.TaskID
		s.outbox.send(t, h).problem(t, http.StatusUnauthorized, "signature_invalid")
		up := directHook("upload", o.TaskID, 1, manifest("b.png", []byte("b"), 1))
		up.id, up.kind = fmt.Sprintf("upload:%s:1:x", o.TaskID), "result"
		s.outbox.send(t, up).problem(t, http.StatusUnauthorized, "signature_invalid")
	})
	t.Run("the order of checks", func(t *testing.T) {
		big := hook{kind: "status", taskID: o.TaskID, attempt: 1, body: make([]byte, 3<<20), mime: "application/json", secret: newSecret()}
		s.outbox.send(t, big).problem(t, http.StatusRequestEntityTooLarge, "payload_too_large")
		unsigned := good()
		unsigned.mime, unsigned.secret = "text/plain", newSecret()
		s.outbox.send(t, unsigned).problem(t, http.StatusUnauthorized, "signature_invalid")
		for path, want := range map[string]string{"/result/" + o.TaskID: "signature_invalid", "/upload-url/" + unknownID: "signature_invalid", "/status": "signature_invalid"} {
			s.call(t, http.MethodPost, s.outbox.base+path, []byte("{"), "Content-Type", "application/json").problem(t, http.StatusUnauthorized, want)
		}
	})
	if n := o.document(); n.Status != "PROCESSING" || len(n.Results) > 0 {
		t.Errorf("%+v", n)
	}
	if n := other.document(); n.Status != "PROCESSING" {
		t.Errorf("%+v", n)
	}
}
