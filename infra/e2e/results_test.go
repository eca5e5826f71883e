package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
)

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

func (o *order) finishRest(attempt int, but string) {
	o.t.Helper()
	for _, name := range required() {
		if name != but {
			o.file(attempt, name, []byte(name)).want(o.t, http.StatusOK)
		}
	}
	o.status(attempt, "completed").want(o.t, http.StatusOK)
}

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
