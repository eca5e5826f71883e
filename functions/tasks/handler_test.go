package main

import (
	"net/http/httptest"
	"testing"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/task"
)

func TestTheWindowOfAList(t *testing.T) {
	id := task.NewID("ann")
	for query, want := range map[string]struct {
		limit  int
		before string
	}{
		"":                                   {20, ""},
		"?limit=1":                           {1, ""},
		"?limit=100&cursor=":                 {100, ""},
		"?cursor=" + cursorAfter(id):         {20, id},
		"?limit=7&cursor=" + cursorAfter(id): {7, id},
	} {
		limit, before, err := window(httptest.NewRequest("GET", "/api/reconstruction/list"+query, nil))
		if err != nil || limit != want.limit || before != want.before {
			t.Errorf("%q: %d %q %v", query, limit, before, err)
		}
	}
	for _, query := range []string{"?limit=0", "?limit=101", "?limit=x", "?limit=", "?limit=-1", "?cursor=x", "?cursor=" + id, "?cursor=" + cursorAfter("../x")} {
		if _, _, err := window(httptest.NewRequest("GET", "/api/reconstruction/list"+query, nil)); !fault.Is(err, fault.ValidationFailed) {
			t.Errorf("%q: %v", query, err)
		}
	}
}
