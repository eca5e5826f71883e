package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Only what is signed, fresh and addressed to its endpoint is heard; all else learns nothing about the task.
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

// What a message has to say, and how each thing that is wrong with it is called.
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

// Results: the same again is no news, other bytes are a conflict, and of two at once one wins.
func TestResults(t *testing.T) {
	t.Parallel()
	s := start(t, 1, "RESULT_MAX_BYTES", "10000000")
	duplicate := func(t *testing.T, a answer, want bool) {
		t.Helper()
		if got := a.want(t, http.StatusOK).object(t)["duplicate"]; got != want {
			t.Errorf("duplicate is %v, want %v: %s", got, want, a.body)
		}
	}
	t.Run("again and other", func(t *testing.T) {
		t.Parallel()
		o := s.order(t, taken)
		o.job.next(t)
		duplicate(t, o.file(1, "pixel_images.png", []byte("one")), false)
		duplicate(t, o.file(1, "pixel_images.png", []byte("one")), true)
		duplicate(t, o.file(0, "pixel_images.png", []byte("one")), true)
		o.file(1, "pixel_images.png", []byte("two")).problem(t, http.StatusConflict, "result_conflict")
		asked := s.outbox.send(t, directHook("upload", o.TaskID, 1, manifest("pixel_images.png", []byte("one"), 1))).want(t, http.StatusOK)
		if got := asked.object(t); got["duplicate"] != true || got["url"] != nil {
			t.Errorf("upload-url of what is stored: %s", asked.body)
		}
		s.outbox.send(t, directHook("upload", o.TaskID, 1, manifest("pixel_images.png", []byte("two"), 1))).problem(t, http.StatusConflict, "result_conflict")
		s.outbox.send(t, directHook("result", o.TaskID, 1, manifest("pixel_images.png", []byte("two"), 1))).problem(t, http.StatusConflict, "result_conflict")
		duplicate(t, s.outbox.send(t, directHook("result", o.TaskID, 1, manifest("pixel_images.png", []byte("one"), 1))), true)
		o.finishRest(1, "pixel_images.png")
		all := o.events.until(t, "COMPLETED")
		if names := resultNames(t, all); !slices.Equal(names, required()) {
			t.Errorf("events of %v", names)
		}
		// The task is finished: what is stored is still a duplicate, all else too late.
		duplicate(t, o.file(1, "pixel_images.png", []byte("one")), true)
		o.file(1, "pixel_images.png", []byte("two")).problem(t, http.StatusConflict, "task_finished")
		o.file(1, "more.png", []byte("more")).problem(t, http.StatusConflict, "task_finished")
		s.outbox.send(t, directHook("upload", o.TaskID, 1, manifest("more.png", []byte("more"), 1))).problem(t, http.StatusConflict, "task_finished")
		duplicate(t, o.status(1, "completed"), true)
		o.status(1, "failed", "error", "x").problem(t, http.StatusConflict, "task_finished")
		o.status(1, "processing").problem(t, http.StatusConflict, "task_finished")
		o.status(2, "processing").problem(t, http.StatusConflict, "task_finished")
	})
	t.Run("an empty file", func(t *testing.T) {
		t.Parallel()
		o := s.order(t, taken)
		o.job.next(t)
		duplicate(t, o.file(1, "empty.txt", nil), false)
		duplicate(t, o.file(1, "empty.txt", nil), true)
	})
	t.Run("put something else", func(t *testing.T) {
		t.Parallel()
		o := s.order(t, taken)
		o.job.next(t)
		data := random(300_000)
		m := manifest("model.glb", data, 1)
		var g grant
		s.outbox.send(t, directHook("upload", o.TaskID, 1, m)).want(t, http.StatusOK).into(t, &g)
		for _, wrong := range [][]byte{random(len(data)), data[:len(data)-1], append(bytes.Clone(data), 0)} {
			put := g.put(t, wrong)
			if len(wrong) == len(data) {
				put.want(t, http.StatusOK)
			}
			s.outbox.send(t, directHook("result", o.TaskID, 1, m)).problem(t, http.StatusUnprocessableEntity, "object_mismatch")
		}
		g.put(t, data).want(t, http.StatusOK)
		duplicate(t, s.outbox.send(t, directHook("result", o.TaskID, 1, m)), false)
		g.put(t, random(len(data))) // the URL is still alive, and changes nothing that is stored
		if got := fetch(t, o.document().Results[0].URL).want(t, http.StatusOK); !bytes.Equal(got.body, data) {
			t.Error("a late PUT changed a stored result")
		}
	})
	t.Run("the same at once", func(t *testing.T) {
		t.Parallel()
		o := s.order(t, taken)
		o.job.next(t)
		answers := o.atOnce(8, func(int) hook { return fileHook(o.TaskID, 1, "a.png", []byte("same")) })
		fresh := 0
		for _, a := range answers {
			if a.want(t, http.StatusOK).object(t)["duplicate"] == false {
				fresh++
			}
		}
		if fresh != 1 {
			t.Errorf("%d of 8 were no duplicate", fresh)
		}
		o.finish(1)
		if names := resultNames(t, o.events.until(t, "COMPLETED")); !slices.Equal(names, append([]string{"a.png"}, required()...)) {
			t.Errorf("events of %v", names)
		}
	})
	t.Run("different ones at once", func(t *testing.T) {
		t.Parallel()
		o := s.order(t, taken)
		o.job.next(t)
		answers := o.atOnce(8, func(i int) hook { return fileHook(o.TaskID, 1, "a.png", fmt.Appendf(nil, "content %d", i)) })
		var won []string
		for i, a := range answers {
			if a.status == http.StatusOK {
				won = append(won, fmt.Sprintf("content %d", i))
				continue
			}
			a.problem(t, http.StatusConflict, "result_conflict")
		}
		if len(won) != 1 {
			t.Fatalf("%d won", len(won))
		}
		if got := fetch(t, o.document().Results[0].URL).want(t, http.StatusOK); string(got.body) != won[0] {
			t.Errorf("stored is %q, %q won", got.body, won[0])
		}
	})
	t.Run("completed at once, and a result", func(t *testing.T) {
		t.Parallel()
		o := s.order(t, taken)
		o.job.next(t)
		for _, name := range required() {
			o.file(1, name, []byte(name)).want(t, http.StatusOK)
		}
		answers := o.atOnce(6, func(int) hook { return statusHook(o.TaskID, 1, "completed") })
		fresh := 0
		for _, a := range answers {
			if a.want(t, http.StatusOK).object(t)["duplicate"] == false {
				fresh++
			}
		}
		if all := o.events.until(t, "COMPLETED"); fresh != 1 || len(all) != 6 {
			t.Errorf("%d were news, %d events", fresh, len(all))
		}
		o.events.ended(t)
	})
	t.Run("over the limit", func(t *testing.T) {
		t.Parallel()
		o := s.order(t, taken)
		o.job.next(t)
		s.outbox.send(t, directHook("upload", o.TaskID, 1, map[string]any{"name": "a.bin", "size": 10_000_001, "sha256": sha(nil)})).
			problem(t, http.StatusRequestEntityTooLarge, "payload_too_large")
	})
	t.Run("failed", func(t *testing.T) {
		t.Parallel()
		for _, v := range []any{"The engine stumbled.", map[string]any{"code": "worker_failed", "message": "The engine stumbled."}} {
			o := s.order(t, taken)
			o.job.next(t)
			o.file(1, "pixel_images.png", []byte("half")).want(t, http.StatusOK)
			duplicate(t, o.status(1, "failed", "error", v), false)
			all := o.events.until(t, "FAILED")
			if e := all[len(all)-1].read(t); e.Error == nil || e.Error.Code != "worker_failed" || e.Error.Message != "The engine stumbled." {
				t.Errorf("%+v", e)
			}
			duplicate(t, o.status(1, "failed", "error", v), true)
			o.status(1, "completed").problem(t, http.StatusConflict, "task_finished")
			if doc := o.document(); doc.ErrorMessage == nil || *doc.ErrorMessage != "The engine stumbled." || doc.PixelImagesURL == nil {
				t.Errorf("%+v", doc)
			}
		}
	})
}

// atOnce sends n messages at the same time.
func (o *order) atOnce(n int, message func(i int) hook) []answer {
	o.t.Helper()
	answers := make([]answer, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			a, err := o.outbox.do(o.t, message(i))
			if err != nil {
				o.t.Error(err)
			}
			answers[i] = a
		})
	}
	all.Wait()
	return answers
}

// finishRest is finish for all required results but one.
func (o *order) finishRest(attempt int, but string) {
	o.t.Helper()
	for _, name := range required() {
		if name != but {
			o.file(attempt, name, []byte(name)).want(o.t, http.StatusOK)
		}
	}
	o.status(attempt, "completed").want(o.t, http.StatusOK)
}

// resultNames are the names that the result events tell, in order.
func resultNames(t *testing.T, events []event) []string {
	t.Helper()
	var names []string
	for _, e := range events {
		if e.name == "result" {
			names = append(names, e.read(t).Name)
		}
	}
	return names
}
