package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// A Last-Event-ID is a number, or nothing is taken to have been seen; the header goes before the query.
func FuzzLastEventID(f *testing.F) {
	f.Add("3", "2")
	f.Add("", "9223372036854775807")
	f.Add("9223372036854775808", "1")
	f.Add("-1", "")
	f.Add("0x1F", "١")
	f.Fuzz(func(t *testing.T, header, query string) {
		r := &http.Request{Header: http.Header{"Last-Event-Id": {header}}, URL: &url.URL{RawQuery: url.Values{"lastEventId": {query}}.Encode()}}
		said := header
		if said == "" {
			said = query
		}
		got := lastEventID(r)
		if got < 0 || got > 0 && strconv.FormatInt(got, 10) != strings.TrimLeft(said, "0") {
			t.Errorf("%q, %q is %d", header, query, got)
		}
		if n, err := strconv.ParseInt(said, 10, 64); got == 0 && err == nil && n > 0 && said[0] != '+' {
			t.Errorf("%q is not taken", said)
		}
	})
}

// Whatever is in an event, what goes to a client is one frame of it: no text ends a line, and the data is what was told.
func FuzzFrame(f *testing.F) {
	f.Add("a.png", "https://bucket/a?x&y", "image/png", "worker_failed", "It failed.", "mesh")
	f.Add("a\n\nevent: status\ndata: {}\n\n", "\r", " ", "\x00", "\xff\xfe", "\r\nid: 9")
	f.Fuzz(func(t *testing.T, name, link, kind, code, message, stage string) {
		at := time.UnixMilli(1_767_225_600_001)
		for _, row := range []struct {
			event task.Event
			texts map[string]string
		}{
			{task.Event{Number: 7, Kind: task.ResultEvent, Result: &task.Result{Name: name, ContentType: kind}}, map[string]string{"name": name, "contentType": kind, "url": link}},
			{task.Event{Number: 7, Kind: task.StatusEvent, Status: task.Failed, Error: &task.Error{Code: code, Message: message}}, map[string]string{"code": code, "message": message}},
			{task.Event{Kind: task.ProgressEvent, Stage: stage}, map[string]string{"stage": stage}},
		} {
			row.event.TaskID, row.event.At, row.event.Attempt = someTask, at, 1
			frame := plain.append(nil, encode(row.event, &link))
			lines := strings.Split(string(frame), "\n")
			head := 1
			if row.event.Number > 0 {
				head = 2
			}
			if len(lines) != head+3 || strings.ContainsAny(string(frame), "\r\x00") || !bytes.HasSuffix(frame, []byte("\n\n")) || lines[head-1] != "event: "+row.event.Kind {
				t.Fatalf("%q", frame)
			}
			data, found := strings.CutPrefix(lines[head], "data: ")
			var got map[string]any
			if err := json.Unmarshal([]byte(data), &got); err != nil || !found {
				t.Fatalf("%q: %v", frame, err)
			}
			if inner, ok := got["error"].(map[string]any); ok {
				got["code"], got["message"] = inner["code"], inner["message"]
			}
			for field, text := range row.texts {
				if utf8.ValidString(text) && got[field] != text {
					t.Errorf("%s is %q, was %q", field, got[field], text)
				}
			}
		}
	})
}

// A bell of whatever form rings, or is reported and has the stream read; it never moves a log but by its next event.
func FuzzBell(f *testing.F) {
	f.Add("4\xffkind\xffstatus\xffstatus\xffCOMPLETED\xffattempt\xff1\xffat\xff1767225600000")
	f.Add("0\xffkind\xffprogress\xffprogress\xff5\xffattempt\xff1\xffat\xff1767225600000")
	f.Add("gone")
	f.Add("4\xffkind\xffresult\xffsize")
	f.Add("-4\xffkind\xffstatus")
	f.Fuzz(func(t *testing.T, payload string) {
		p := newTopic(someTask)
		refresh(p, kept(1, 3, 0))
		e, gone, err := taskstore.ParseBell(someTask, payload)
		if err != nil || gone {
			return
		}
		missed := p.ring(e)
		switch c := (cursor{}); {
		case p.last() > 4 || p.last() == 4 && (e.Number != 4 || missed):
			t.Errorf("%q: the log ends in %d, missed %v", payload, p.last(), missed)
		case e.Number > 4 && !missed:
			t.Errorf("%q: nothing is missed", payload)
		default:
			if got := told(t, sent(t, p, &c)); len(got) < 3 {
				t.Errorf("%q: a client is told %v", payload, got)
			}
		}
	})
}

// sent is what a client is sent at once.
func sent(t *testing.T, p *topic, c *cursor) []byte {
	t.Helper()
	b, _, err := p.next(t.Context(), nil, c, plain, func(context.Context, *task.Result) (string, error) { return "url", nil })
	if err != nil {
		t.Fatal(err)
	}
	return b
}
