package taskstore

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/task"
)

func TestResultsAreStoredOnceAndNeverOverwritten(t *testing.T) {
	f := setUp(t)
	c := f.processing()
	o := f.offer(c.TaskID, "a.png", 1)
	_, err := f.store.ReserveResult(f.ctx, o, "k")
	f.must(err)
	other := o
	other.SHA256 = "other"
	_, err = f.store.ReserveResult(f.ctx, other, "k")
	f.refused(err, fault.ResultConflict)
	f.same(len(f.get(c.TaskID).Results), 0) // reserved is not stored
	_, err = f.store.RecordResult(f.ctx, o, "k")
	f.must(err)
	v, err := f.store.RecordResult(f.ctx, o, "k") // two sent the same bytes at a time
	f.must(err)
	f.same(v, Verdict{Duplicate: true, Size: 3})
	_, err = f.store.ReserveResult(f.ctx, other, "k")
	f.refused(err, fault.ResultConflict)

	_, err = f.store.Cancel(f.ctx, user, c.TaskID)
	f.must(err)
	v, err = f.store.ReserveResult(f.ctx, o, "k") // even when the task is finished
	f.must(err)
	f.same(v.Duplicate, true)
	_, err = f.store.ReserveResult(f.ctx, f.offer(c.TaskID, "b.png", 1), "k2")
	f.refused(err, fault.TaskFinished)
	f.same(f.events(c.TaskID), []string{"1 PENDING 0", "2 PROCESSING 1", "3 result a.png 1", "4 CANCELLED 1"})
}

func TestAnObjectWrittenForATaskThatEndedMeanwhileIsTrash(t *testing.T) {
	f := setUp(t)
	c := f.processing()
	o := f.offer(c.TaskID, "a.png", 1)
	_, err := f.store.ReserveResult(f.ctx, o, "k")
	f.must(err)
	_, err = f.store.Delete(f.ctx, user, c.TaskID)
	f.must(err)
	_, err = f.store.RecordResult(f.ctx, o, "k")
	f.refused(err, fault.TaskNotFound)
	if got := strings.Join(f.trash(c.TaskID), " "); !strings.Contains(got, "1 k") {
		t.Errorf("trash: %s", got)
	}
}

func TestResultsOfBeforeAreReadAndDeleted(t *testing.T) {
	f := setUp(t)
	c := f.processing()
	f.must(f.rdb.HSet(f.ctx, resultsKey(c.TaskID),
		"a.png", `{"state":"stored","attempt":1,"sha256":"ab","size":3,"contentType":"image/png","key":"old/a","at":1768465802417,"event":3}`,
		"b.png", `{"state":"reserved","attempt":1,"sha256":"ab","key":"old/b","until":1768465802417}`,
	).Err())
	f.same(f.get(c.TaskID).Results, []task.Result{{
		Name: "a.png", Attempt: 1, SHA256: "ab", Key: "old/a", Size: 3, ContentType: "image/png", CreatedAt: time.UnixMilli(1768465802417).UTC(),
	}})
	_, err := f.store.Delete(f.ctx, user, c.TaskID)
	f.must(err)
	if got := strings.Join(f.trash(c.TaskID), " "); !strings.Contains(got, "1 old/a") || !strings.Contains(got, "1 old/b") {
		t.Errorf("trash: %s", got)
	}
}

// Two calls bring the same bytes; one gives the name back, the other has written and dies: the object goes with the task.
func TestAReleasedNameIsNotForgotten(t *testing.T) {
	f := setUp(t)
	c := f.processing()
	o := f.offer(c.TaskID, "a.png", 1)
	for range 2 {
		_, err := f.store.ReserveResult(f.ctx, o, "k")
		f.must(err)
	}
	f.must(f.store.ReleaseResult(f.ctx, o, "k"))
	other := o
	other.SHA256 = "another"
	_, err := f.store.Judge(f.ctx, other)
	f.must(err)
	_, err = f.store.Delete(f.ctx, user, c.TaskID)
	f.must(err)
	f.same(slices.Contains(f.trash(c.TaskID), "2 k"), true)
}
