package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestMessages(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	bucket := s.bucket(t)
	o := s.order(t, taken)
	o.job.next(t)
	send := func(kind, mime, body string) func(*testing.T) answer {
		return func(t *testing.T) answer {
			return s.outbox.send(t, hook{kind: kind, taskID: o.TaskID, attempt: 0, body: []byte(body), mime: mime})
		}
	}
	status := func(attempt int, status string, more ...any) func(*testing.T) answer {
		return func(t *testing.T) answer { return s.outbox.send(t, statusHook(o.TaskID, attempt, status, more...)) }
	}
	result := func(parts ...part) func(*testing.T) answer {
		return func(t *testing.T) answer {
			body, mime := form(parts...)
			return s.outbox.send(t, hook{kind: "result", taskID: o.TaskID, body: body, mime: mime})
		}
	}
	name := func(n string) part { return part{name: "name", data: []byte(n)} }
	file := part{"file", "f", []byte("content")}
	field := func(n, v string) part { return part{name: n, data: []byte(v)} }
	direct := func(kind string, change func(m map[string]any)) func(*testing.T) answer {
		return func(t *testing.T) answer {
			m := manifest("a.png", []byte("content"), 1)
			change(m)
			return s.outbox.send(t, directHook(kind, o.TaskID, 1, m))
		}
	}
	set := func(key string, v any) func(map[string]any) { return func(m map[string]any) { m[key] = v } }
	drop := func(key string) func(map[string]any) { return func(m map[string]any) { delete(m, key) } }
	type row struct {
		send   func(*testing.T) answer
		status int
		code   string
	}
	rows := map[string]row{
		"status: no type":        {send("status", "", `{}`), 415, "unsupported_media_type"},
		"status: a form":         {send("status", "multipart/form-data; boundary=b", `{}`), 415, "unsupported_media_type"},
		"status: unknown word":   {status(1, "done"), 422, "validation_failed"},
		"status: upper case":     {status(1, "COMPLETED"), 422, "validation_failed"},
		"status: progress 101":   {status(1, "processing", "progress", 101), 422, "validation_failed"},
		"status: progress -1":    {status(1, "processing", "progress", -1), 422, "validation_failed"},
		"status: progress word":  {status(1, "processing", "progress", "half"), 422, "validation_failed"},
		"status: stage number":   {status(1, "processing", "stage", 7), 422, "validation_failed"},
		"status: attempt -1":     {status(0, "processing", "attempt", -1), 422, "validation_failed"},
		"status: attempt word":   {status(0, "processing", "attempt", "1"), 422, "validation_failed"},
		"status: future attempt": {status(2, "processing"), 422, "validation_failed"},
		"status: error number":   {status(1, "failed", "error", 7), 422, "validation_failed"},
		"status: too early":      {status(1, "completed"), 409, "results_missing"},

		"result: no JSON":        {send("result", "application/json", `{"name"`), 400, "bad_request"},
		"result: text":           {send("result", "text/plain", `x`), 415, "unsupported_media_type"},
		"result: bad boundary":   {send("result", "multipart/form-data; boundary=x", "--y\r\n"), 400, "bad_request"},
		"result: no name":        {result(file), 422, "validation_failed"},
		"result: no file":        {result(name("a.png")), 422, "validation_failed"},
		"result: two files":      {result(name("a.png"), file, file), 422, "validation_failed"},
		"result: two names":      {result(name("a.png"), name("b.png"), file), 422, "validation_failed"},
		"result: path up":        {result(name("../x"), file), 422, "validation_failed"},
		"result: path":           {result(name("a/b.png"), file), 422, "validation_failed"},
		"result: hidden":         {result(name(".png"), file), 422, "validation_failed"},
		"result: empty name":     {result(name(""), file), 422, "validation_failed"},
		"result: blank":          {result(name("a b.png"), file), 422, "validation_failed"},
		"result: newline":        {result(name("a.png\n"), file), 422, "validation_failed"},
		"result: endless":        {result(name(strings.Repeat("a", 129)), file), 422, "validation_failed"},
		"result: attempt word":   {result(name("a.png"), field("attempt", "one"), file), 422, "validation_failed"},
		"result: future attempt": {result(name("a.png"), field("attempt", "2"), file), 422, "validation_failed"},
		"result: attempt 0":      {result(name("a.png"), field("attempt", "0"), file), 422, "validation_failed"},
		"result: wrong sha256":   {result(name("lie.png"), field("sha256", sha([]byte("other"))), file), 422, "object_mismatch"},
		"result: no sha256":      {result(name("a.png"), field("sha256", "abc"), file), 422, "validation_failed"},
		"result: over 5 MiB":     {result(name("a.png"), part{"file", "f", make([]byte, 5<<20)}), 413, "payload_too_large"},
		"result: not put":        {direct("result", set("name", "ghost.png")), 422, "object_mismatch"},
	}
	for _, kind := range []string{"result", "upload"} {
		rows[kind+": path up, direct"] = row{direct(kind, set("name", "../x")), 422, "validation_failed"}
		for what, change := range map[string]func(map[string]any){
			"no name": drop("name"), "no size": drop("size"), "no sha256": drop("sha256"), "size word": set("size", "7"), "size -1": set("size", -1),
			"sha256 of another form": set("sha256", "00"), "type number": set("contentType", 5),
		} {
			rows[kind+": "+what] = row{direct(kind, change), 422, "validation_failed"}
		}
		rows[kind+": future attempt, direct"] = row{func(t *testing.T) answer {
			return s.outbox.send(t, directHook(kind, o.TaskID, 5, manifest("a.png", []byte("content"), 5)))
		}, 422, "validation_failed"}
		rows[kind+": over RESULT_MAX_BYTES"] = row{direct(kind, set("size", 256<<20+1)), 413, "payload_too_large"}
	}
	t.Run("refused", func(t *testing.T) {
		for what, row := range rows {
			t.Run(what, func(t *testing.T) {
				t.Parallel()
				a := row.send(t)
				a.problem(t, row.status, row.code)
				switch row.code {
				case "payload_too_large":
					if detail := fmt.Sprint(a.object(t)["detail"]); strings.HasPrefix(what, "result: over 5") && !strings.Contains(detail, "upload-url") {
						t.Errorf("no direct route in %s", detail)
					}
				case "results_missing":
					if got := fmt.Sprint(a.object(t)["missing"]); got != fmt.Sprint(required()) {
						t.Errorf("missing %s", got)
					}
				}
			})
		}
	})
	if doc := o.document(); doc.Status != "PROCESSING" || doc.Attempt != 1 || len(doc.Results) > 0 {
		t.Errorf("after all that: %+v", doc)
	}
	own := "reconstruction/" + o.TaskID + "/original"
	if left := s.orphans(t, bucket, own, "pictures/"); len(left) > 0 {
		t.Errorf("orphaned objects: %v", left)
	}
	t.Run("unknown task", func(t *testing.T) {
		for _, id := range []string{unknownID, "x", strings.ToUpper(o.TaskID)} {
			h := statusHook(id, 1, "processing")
			if id == unknownID {
				s.outbox.send(t, h).problem(t, http.StatusNotFound, "task_not_found")
				s.outbox.send(t, fileHook(id, 1, "a.png", []byte("a"))).problem(t, http.StatusNotFound, "task_not_found")
				s.outbox.send(t, directHook("upload", id, 1, manifest("a.png", []byte("a"), 1))).problem(t, http.StatusNotFound, "task_not_found")
				continue
			}
			// What is no id can't be in a webhook-id either, so that either refusal is right.
			for _, a := range []answer{s.outbox.send(t, h), s.outbox.send(t, fileHook(id, 1, "a.png", []byte("a")))} {
				if a.status != http.StatusNotFound && a.status != http.StatusUnauthorized {
					t.Errorf("%q: %d %s", id, a.status, a.body)
				}
			}
		}
	})
	t.Run("a worker that knows no attempts", func(t *testing.T) {
		plain := s.order(t, taken)
		plain.job.next(t)
		if got := plain.status(0, "processing").want(t, http.StatusOK).object(t)["status"]; got != "PROCESSING" {
			t.Errorf("%v", got)
		}
		plain.finish(0)
		plain.events.until(t, "COMPLETED")
	})
}
