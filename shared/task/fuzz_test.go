package task

import (
	"strings"
	"testing"
)

// An id that is taken is safe in a key and in a path, and tells its partition.
func FuzzID(f *testing.F) {
	f.Add(NewID("ann"))
	f.Add("01A20812-CFBE-7E37-AED2-C61CD7B96A2B")
	f.Add("urn:uuid:01a20812-cfbe-7e37-aed2-c61cd7b96a2b")
	f.Add("01a20812-cfbe-7e37-ced2-c61cd7b96a2b")
	f.Fuzz(func(t *testing.T, s string) {
		if !ValidID(s) {
			return
		}
		if len(s) != 36 || strings.Trim(s, "0123456789abcdef-") != "" || s[14] != '7' {
			t.Errorf("%q is taken", s)
		}
		if p := PartitionOfID(s); string(p) != s[34:] || MadeAt(s).Year() < 1970 {
			t.Errorf("%q is of partition %s, made at %v", s, p, MadeAt(s))
		}
	})
}
