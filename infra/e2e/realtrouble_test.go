package e2e

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The real worker, its engine and the functions that it calls die at any moment: each task ends once, with all of its results.
// CHAOS_TASKS says how many; CHAOS_SEED repeats the order of the deaths, though not their moments.
func TestTheRealWorkerInTrouble(t *testing.T) {
	t.Parallel()
	tasks, seed := number(t, "CHAOS_TASKS", 8), number(t, "CHAOS_SEED", int(time.Now().UnixNano()%1e6))
	t.Logf("CHAOS_TASKS=%d CHAOS_SEED=%d", tasks, seed)
	rng := rand.New(rand.NewPCG(uint64(seed), 0))
	s := start(t, 0, "WORKER_URLS", "", "FACES", "1000", "QUEUE_MAX", strconv.Itoa(tasks), "HEARTBEAT_SECONDS", "0.5",
		"HEARTBEAT_TIMEOUT", "10s", "MAX_ATTEMPTS", "50")

	var results, ended atomic.Int64
	p, all := s.upload(t, ball()), []created{}
	for range tasks {
		c := s.create(t, p.ID)
		all = append(all, c)
		events := s.listen(t, c.SseURL, "")
		go func() {
			for ended.Load() < int64(tasks) && !t.Failed() {
				switch e := events.next(t); {
				case e.name == "result":
					results.Add(1)
				case e.name == "status" && slices.Contains([]string{"COMPLETED", "FAILED"}, e.read(t).Status):
					ended.Add(1)
					return
				}
			}
		}()
	}

	for step := int64(3); ended.Load() < int64(tasks); step += 3 {
		eventually(t, "results come", func() bool { return results.Load() >= step || ended.Load() == int64(tasks) })
		switch victim := rng.IntN(4); victim {
		case 0:
			s.kill(t, "python")
		case 1:
			s.killEngine(t)
		default:
			s.kill(t, []string{"callback-result", "callback-status"}[victim-2])
		}
	}
	for _, c := range all {
		s.wholeStory(t, c)
	}
}

// wholeStory reads all that happened to a task, and sees that nothing is missing, comes twice, or is not what it says.
func (s *system) wholeStory(t *testing.T, c created) {
	files := map[string]bool{}
	attempt, last := 0, ""
	number := 0
	for _, e := range s.listen(t, c.SseURL, "").until(t, "COMPLETED") {
		v := e.read(t)
		if e.name == "progress" {
			continue
		}
		if number++; e.id != strconv.Itoa(number) {
			t.Errorf("%s: event %q is number %d", c.TaskID, e.id, number)
		}
		if v.Attempt != nil && *v.Attempt > attempt {
			attempt, files = *v.Attempt, map[string]bool{}
		}
		if e.name == "result" && v.URL != nil {
			if files[v.Name] {
				t.Errorf("%s: %s comes twice", c.TaskID, v.Name)
			}
			files[v.Name] = true
			if sha(fetch(t, *v.URL).want(t, http.StatusOK).body) != v.Sha256 {
				t.Errorf("%s: %s is not what its event says", c.TaskID, v.Name)
			}
		}
		last = v.Status
	}
	for _, name := range []string{"pixel_images.png", "xyz_images.png", "output3d.zip", "model.glb", "report.json"} {
		if !files[name] {
			t.Errorf("%s: no %s", c.TaskID, name)
		}
	}
	if last != "COMPLETED" {
		t.Errorf("%s ends %s", c.TaskID, last)
	}
}

// killEngine ends the process that computes, if there is one just now.
func (s *system) killEngine(t *testing.T) {
	t.Helper()
	worker := strconv.Itoa(s.pid(t, "python"))
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == worker && fields[0] != "Z" {
			n, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			_ = syscall.Kill(n, syscall.SIGKILL) // it may have ended meanwhile
		}
	}
}

func number(t *testing.T, name string, preset int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return preset
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
