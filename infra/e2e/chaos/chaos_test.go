package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// binEnv names the folder of this run's binaries to the tests, so that there are no globals.
const binEnv = "CHAOS_TEST_BIN"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" { // the tests' system is made of this program, too
		fmt.Fprintln(os.Stderr, serveRole(role))
		os.Exit(1)
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "recon3d-chaos-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // a rest in the system's temporary folder harms nobody
	// Everything is found from the repository's root, as by the command.
	if err := errors.Join(os.Chdir(filepath.Join("..", "..", "..")), os.Setenv(binEnv, dir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir+string(filepath.Separator))
	for _, f := range functions() {
		if f != "relay-2" {
			build.Args = append(build.Args, "./functions/"+programOf(f))
		}
	}
	build.Stderr, build.Env = os.Stderr, append(os.Environ(), "CGO_ENABLED=0")
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the functions:", err)
		return 1
	}
	return m.Run()
}

// begin starts a system for a plan. It ends with the test.
func begin(t *testing.T, p Plan) *world {
	t.Helper()
	say := func(format string, args ...any) { t.Logf(format, args...) }
	if err := findPrograms(t.Context(), os.Getenv(binEnv), say); err != nil {
		t.Fatal(err)
	}
	w, err := start(t.Context(), p, os.Getenv(binEnv), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w
}

// Plans in which something was lost once: each is as small as still showed it, and named by its cause.
func TestPlansThatFailedOnce(t *testing.T) {
	plans, err := filepath.Glob("infra/e2e/chaos/testdata/*.json")
	if err != nil || len(plans) == 0 {
		t.Fatal(plans, err)
	}
	for _, path := range plans {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			p, err := readPlan(path)
			if err != nil {
				t.Fatal(err)
			}
			r, err := begin(t, p).run(t.Context(), t.Logf)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Violations) > 0 {
				t.Error(r.markdown())
			}
			for _, f := range r.Faults {
				if f.Trouble != "" {
					t.Errorf("%s of %s: %s", f.Kind, f.Victim, f.Trouble)
				}
			}
		})
	}
}

func TestASeedIsAPlan(t *testing.T) {
	a, b, other := draw(7, 100), draw(7, 100), draw(8, 100)
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Error("the same seed is two plans")
	}
	if fmt.Sprint(a.Faults) == fmt.Sprint(other.Faults) || fmt.Sprint(a.Tasks) == fmt.Sprint(other.Tasks) {
		t.Error("two seeds are one plan")
	}
	kinds := map[string]bool{}
	for _, f := range a.Faults {
		kinds[f.Kind] = true
	}
	if n := len(draw(3, 1).Clocks) + len(draw(4, 1).Clocks) + len(draw(5, 1).Clocks); n == 0 {
		t.Error("all clocks are right")
	}
	if len(kinds) != len(catalog()) {
		t.Errorf("%d faults are of %d kinds; there are %d", len(a.Faults), len(kinds), len(catalog()))
	}
	over := map[string]time.Duration{}
	for i, f := range a.Faults {
		if f.At < over[f.Victim] {
			t.Errorf("%v begins while %s is still harmed", f, f.Victim)
		}
		if i > 0 && f.At < a.Faults[i-1].At {
			t.Errorf("%v is out of order", f)
		}
		over[f.Victim] = f.At + f.Length
	}
}

func TestAPictureNameCarriesThePlan(t *testing.T) {
	for _, p := range draw(1, 50).Tasks {
		got, err := planOf(p.pictureName())
		if err != nil || got.Index != p.Index || got.Intent != p.Intent || got.Work != p.Work.Truncate(time.Millisecond) || got.Large != p.Large {
			t.Errorf("%+v became %+v, %v", p, got, err)
		}
	}
	if _, err := planOf("holiday.png"); err == nil {
		t.Error("any name is a plan")
	}
}

// Each kind of fault is one that somebody knows how to make.
func TestKindsAreKnown(t *testing.T) {
	all := links()
	known := map[string]bool{"redis": true, "cosd": true, "cos": true, "callbacks": true, "timer": true, "users": true}
	for _, list := range [][]string{functions(), fakes(), reals(), all} {
		for _, name := range list {
			known[name] = true
		}
	}
	for _, k := range catalog() {
		if len(k.victims) == 0 || k.about == "" || k.to < k.from || k.most > 0 && k.unit == "" {
			t.Errorf("%+v", k)
		}
		for _, v := range k.victims {
			if !known[v] {
				t.Errorf("%s happens to %s, which there is not", k.name, v)
			}
		}
	}
}
