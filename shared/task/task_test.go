package task

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheLifecycleIsTheContracts(t *testing.T) {
	allowed := map[Status]string{
		Pending:    "PROCESSING FAILED CANCELLED",
		Processing: "COMPLETED FAILED CANCELLED PENDING",
	}
	for _, from := range Statuses() {
		if from.Final() != (allowed[from] == "") {
			t.Errorf("%s: final is %v", from, from.Final())
		}
		for _, to := range Statuses() {
			want := slices.Contains(strings.Fields(allowed[from]), string(to))
			if from.CanBecome(to) != want || slices.Contains(Before(to), from) != want {
				t.Errorf("%s → %s: want %v", from, to, want)
			}
		}
	}
}

func TestIDsKnowTheirPartitionAndTheirTime(t *testing.T) {
	before := NewID("ann")
	time.Sleep(2 * time.Millisecond) // ids sort by the millisecond
	after := NewID("ann")
	if !ValidID(before) || before >= after {
		t.Errorf("%s, then %s", before, after)
	}
	if age := time.Since(MadeAt(after)); age < 0 || age > time.Hour || MadeAt(before).After(MadeAt(after)) {
		t.Errorf("%s was made %v ago", after, age)
	}
	if PartitionOfID(before) != PartitionOf("ann") || PartitionOf("ann") == PartitionOf("bob") {
		t.Error("partitions")
	}
	if PartitionAt(7) != "07" || PartitionAt(255) != "ff" {
		t.Error("partition names")
	}
}

func TestWhatIsNoID(t *testing.T) {
	id := NewID("ann")
	for _, s := range []string{"", "upload", strings.ToUpper(id), "{" + id + "}", "urn:uuid:" + id, strings.ReplaceAll(id, "-", ""), id + "0", "00000000-0000-4000-8000-000000000000", "../" + id} {
		if ValidID(s) {
			t.Errorf("%q is taken", s)
		}
	}
}
