package taskstore

import (
	"strings"
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/task"
)

// Records of any version, or damaged ones, are read or refused, and what is refused is no event and no result.
func FuzzStored(f *testing.F) {
	f.Add("stored\xff1\xffsum\xffkey\xff3\xffimage/png\xff1767225600000\xff3", "kind\xffresult\xffname\xffa\xffattempt\xff1\xffat\xff1767225600000", "0-3")
	f.Add("reserved\xff1\xffsum\xffkey\xff1767225600000", "kind\xffstatus\xffstatus\xffFAILED\xfferrorCode\xfftimeout", "0-x")
	f.Add(`{"state":"stored","attempt":1,"sha256":"s","key":"k","size":3,"contentType":"t","at":1767225600000,"event":3}`, "kind\xffprogress\xffetaSeconds\xffNaN", "")
	f.Add(`{"state":"reserved","until":1}`, "kind", "0-9223372036854775808")
	f.Fuzz(func(t *testing.T, result, event, id string) {
		results, err := parseResults(task.Task{ID: "t"}, map[string]string{"a": result})
		if err == nil && len(results) == 1 && (results[0].Name != "a" || !strings.Contains(result, "stored")) || err != nil && len(results) > 0 || len(results) > 1 {
			t.Errorf("%q is %+v (%v)", result, results, err)
		}
		var flat []any
		for word := range strings.SplitSeq(event, separator) {
			flat = append(flat, word)
		}
		events, err := parseStream("t", []any{[]any{id, flat}})
		if err != nil {
			if len(events) > 0 {
				t.Errorf("%q is refused, and still %+v", event, events)
			}
			return
		}
		e := events[0]
		known := e.Kind == task.StatusEvent || e.Kind == task.ResultEvent || e.Kind == task.ProgressEvent
		if len(events) != 1 || !known || (e.Kind == task.ResultEvent) != (e.Result != nil) || e.Kind != task.StatusEvent && e.Error != nil || e.At.Location() != time.UTC {
			t.Errorf("%q is %+v", event, e)
		}
	})
}
