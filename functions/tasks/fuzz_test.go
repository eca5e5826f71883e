package main

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/task"
)

// A cursor that is taken is one that was given, and in its one spelling.
func FuzzWindow(f *testing.F) {
	id := task.NewID("ann")
	f.Add("20", cursorAfter(id))
	f.Add("0100", cursorAfter(id)[:20]+"\n"+cursorAfter(id)[20:])
	f.Add("-1", cursorAfter("(x"))
	f.Add("+7", "")
	f.Fuzz(func(t *testing.T, size, cursor string) {
		query := url.Values{"limit": {size}, "cursor": {cursor}}
		limit, before, err := window(&http.Request{URL: &url.URL{RawQuery: query.Encode()}})
		if err != nil {
			if !fault.Is(err, fault.ValidationFailed) || limit != 0 || before != "" {
				t.Errorf("refused with %d, %q: %v", limit, before, err)
			}
			return
		}
		if limit < 1 || limit > maxLimit || (before == "") != (cursor == "") || before != "" && (!task.ValidID(before) || cursorAfter(before) != cursor) {
			t.Errorf("%q, %q is taken for %d, %q", size, cursor, limit, before)
		}
	})
}
