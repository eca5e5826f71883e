package taskstore

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The model finds mistakes: a script without its guard is caught, by the same machine that passes them with all of them.
func TestPlantedMistakesAreFound(t *testing.T) {
	for name, row := range map[string]struct{ script, cut, plant string }{
		"a callback of an older attempt is taken": {"report", "elseif said < present then", "elseif false then"},
		"a claim is recorded that another holds":  {"outcome", "task.claim ~= ARGV[2]", "not task.status"},
		"what has ended moves":                    {"report", "task.status ~= 'PROCESSING' and task.status ~= 'PENDING' then\n		refused", "false then\n		refused"},
		"a rerun does it again":                   {"claim", "if task.op and", "if false and"},
		"two dispatchers have the task":           {"claim", "num('claimUntil') > NOW", "false"},
		"a cancelled task stays due":              {"cancel", "call('ZREM', DUE, ID)", ""},
		"results of a lost attempt stay":          {"claim", "		trash_results()\n", ""},
		"a late object is nobody's":               {"record", "trash(key) --", "--"},
		"a deleted task leaves its picture":       {"delete", "trash(task.key)", ""},
		"a bell is forgotten":                     {"report", "call('PUBLISH', 'recon:events:' .. ID, n", "tostring(n"},
		"a lease is not renewed by a result":      {"record", "set('lease', NOW_TEXT)\n	set('updatedAt'", "set('updatedAt'"},
		"the time in a queue counts":              {"report", "stage == 'queued' and", "false and"},
	} {
		t.Run(name, func(t *testing.T) {
			override(t, "rapid.checks", "2000")
			override(t, "rapid.steps", "80")
			override(t, "rapid.seed", "1")
			override(t, "rapid.shrinktime", "0s")
			override(t, "rapid.nofailfile", "true")
			planted := 0
			site := newSite(t, func(script, source string) string {
				if script == row.script {
					planted = strings.Count(source, row.cut)
					return strings.Replace(source, row.cut, row.plant, 1)
				}
				return source
			})
			if planted != 1 {
				t.Fatalf("%s.lua has %d times %q", row.script, planted, row.cut)
			}
			v := &verdict{}
			ended := make(chan struct{})
			go func() { // which the verdict ends
				defer close(ended)
				rapid.Check(v, site.play)
			}()
			<-ended
			if v.said == "" {
				t.Error("it was not found")
			}
			t.Log(v.said)
		})
	}
}

// verdict is what a check comes to, for a test that wants it to fail.
type verdict struct {
	rapid.TB // nil: a check that calls anything else has changed
	said     string
	failed   bool
}

func (v *verdict) Helper()             {}
func (v *verdict) Name() string        { return "planted" }
func (v *verdict) Logf(string, ...any) {}
func (v *verdict) Log(...any)          {}
func (v *verdict) Failed() bool        { return v.failed }
func (v *verdict) Fail()               { v.failed = true }
func (v *verdict) FailNow()            { v.failed = true; runtime.Goexit() }

func (v *verdict) Errorf(format string, args ...any) {
	if v.failed = true; v.said == "" {
		v.said, _, _ = strings.Cut(fmt.Sprintf(format, args...), "\nTo reproduce")
	}
}
