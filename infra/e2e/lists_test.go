package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestLists(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	var orders []string
	add := func() {
		t.Helper()
		orders = append(orders, s.orderUnheard(t, taken).TaskID)
	}
	for range 7 {
		add()
	}
	type page struct {
		Items      []document
		NextCursor *string
	}
	var seen []string
	query := "?limit=3"
	for {
		var p page
		s.get(t, "/api/reconstruction/list"+query).want(t, http.StatusOK).into(t, &p)
		for _, d := range p.Items {
			seen = append(seen, d.TaskID)
		}
		if p.NextCursor == nil {
			break
		}
		if len(p.Items) != 3 {
			t.Errorf("a page of %d", len(p.Items))
		}
		query = "?limit=3&cursor=" + url.QueryEscape(*p.NextCursor)
		if len(orders) == 7 {
			add() // while somebody pages
		}
	}
	want := slices.Clone(orders[:7])
	slices.Reverse(want)
	if !slices.Equal(seen, want) {
		t.Errorf("paged through\n%v, want\n%v", seen, want)
	}
	for _, q := range []string{"limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "cursor=x", "cursor=%00", "cursor=" + unknownID + "x", "cursor=" + strings.Repeat("A", 500)} {
		s.get(t, "/api/reconstruction/list?"+q).problem(t, http.StatusUnprocessableEntity, "validation_failed")
	}
	s.get(t, "/api/reconstruction/list?limit=100").want(t, http.StatusOK)

	var gallery struct {
		Items             []picture
		Page, Size, Total int
	}
	s.get(t, "/picture/list/page?page=2&size=3").want(t, http.StatusOK).into(t, &gallery)
	if gallery.Total != 8 || gallery.Page != 2 || gallery.Size != 3 || len(gallery.Items) != 3 || !slices.IsSortedFunc(gallery.Items, func(a, b picture) int { return strings.Compare(b.ID, a.ID) }) {
		t.Errorf("gallery: %+v", gallery)
	}
	s.get(t, "/picture/list/page?page=99&size=100").want(t, http.StatusOK).into(t, &gallery)
	if gallery.Total != 8 || len(gallery.Items) != 0 || gallery.Items == nil {
		t.Errorf("past the end: %+v", gallery)
	}
	for _, q := range []string{"page=0", "size=0", "size=101", "page=-1", "page=x", "size=1.5", "page=99999999999999999999"} {
		s.get(t, "/picture/list/page?"+q).problem(t, http.StatusUnprocessableEntity, "validation_failed")
	}
}
