package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What the policies in infra/cloud/roles allow is used, each action in each folder: the local host holds functions to them and its log
// says by what each access was allowed. What they should allow and don't, every test of this package tells (system.denials).
func TestRolesAllowNothingInVain(t *testing.T) {
	t.Parallel()
	s := start(t, 1, "LOG_LEVEL", "debug")
	bucket := s.bucket(t)

	// A small picture by form, whose task a busy worker leaves to the sweeper.
	o := s.order(t, inTurn(always(busy), taken))
	o.job.next(t)
	if d := o.job.next(t); !bytes.Equal(d.image, o.data) {
		t.Errorf("handed over: %d bytes", len(d.image))
	}
	fetch(t, o.picture.URL).want(t, http.StatusOK)
	o.file(1, "small.bin", []byte("small")).want(t, http.StatusOK)
	s.direct(t, o.TaskID, 1, "large.bin", random(100_000)).want(t, http.StatusOK)
	o.finish(1)
	for _, e := range o.events.until(t, "COMPLETED") {
		if v := e.read(t); v.URL != nil {
			fetch(t, *v.URL).want(t, http.StatusOK)
		}
	}
	fetch(t, o.document().Results[0].URL).want(t, http.StatusOK)

	// A large one by the direct route.
	data := noise(1400, 1300)
	job := s.fleet.expect(data, taken)
	var g grant
	s.post(t, "/picture/upload-url", map[string]any{"name": "big.png", "contentType": "image/png", "size": len(data)}).want(t, http.StatusCreated).into(t, &g)
	g.put(t, data).want(t, http.StatusOK)
	s.call(t, http.MethodPost, "/picture/"+g.ID+"/complete", nil).want(t, http.StatusCreated)
	c := s.create(t, g.ID)
	fetch(t, job.next(t).fields["image_url"]).want(t, http.StatusOK)

	// All of it deleted, and what was only staged is too.
	for _, path := range []string{"/picture/" + g.ID, "/picture/" + o.picture.ID, "/api/reconstruction/status/" + c.TaskID, "/api/reconstruction/status/" + o.TaskID} {
		s.call(t, http.MethodDelete, path, nil).want(t, http.StatusNoContent)
	}
	eventually(t, "everything is deleted", func() bool { return len(objects(t, bucket, "")) == 0 })

	used := s.grantsUsed(t)
	for function, grants := range grantsIn(t) {
		for _, grant := range grants {
			if !slices.Contains(used[function], grant) {
				t.Errorf("infra/cloud/roles/%s.json allows %s, which nothing does: take it out, or add what does it to this test", function, grant)
			}
		}
	}
	if len(used) < 5 {
		t.Errorf("the log tells of accesses by %v only", slices.Sorted(maps.Keys(used)))
	}
}

// Nobody is started with keys to the bucket: a role's come with each request or event, to who has one.
func TestNobodyIsStartedWithKeysToTheBucket(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	for _, function := range []string{"picture", "create-task", "tasks", "callback-result", "callback-status", "relay", "web", "sweeper"} {
		for _, v := range s.environ(t, function) {
			if strings.Contains(v, s.cosKey) || strings.HasPrefix(v, "COS_SECRET_") || strings.HasPrefix(v, "TENCENTCLOUD_") {
				t.Errorf("%s has %s", function, v)
			}
		}
	}
}

// grantsIn tells what the policies allow, by function: each action in each folder.
func grantsIn(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(os.Getenv(rootEnv), "infra", "cloud", "roles", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no policies: %v", err)
	}
	grants := map[string][]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var policy struct {
			Statement []struct{ Action, Resource []string }
		}
		if err := json.Unmarshal(text, &policy); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		function := strings.TrimSuffix(filepath.Base(file), ".json")
		for _, s := range policy.Statement {
			for _, action := range s.Action {
				for _, resource := range s.Resource { // none in trust.json
					grants[function] = append(grants[function], fmt.Sprint(action, " in ", folder(resource)))
				}
			}
		}
	}
	return grants
}

// grantsUsed tells by what accesses were allowed, by function.
func (s *system) grantsUsed(t *testing.T) map[string][]string {
	t.Helper()
	b, err := os.ReadFile(s.logFile)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string][]string{}
	for line := range bytes.Lines(b) {
		var l struct{ Msg, Caller, Action, Resource string }
		if json.Unmarshal(line, &l) == nil && l.Msg == "cos access granted" {
			used[l.Caller] = append(used[l.Caller], fmt.Sprint(l.Action, " in ", folder(l.Resource)))
		}
	}
	return used
}

// folder is what a resource of COS names in its bucket.
func folder(resource string) string {
	_, path, _ := strings.Cut(resource[strings.LastIndex(resource, ":")+1:], "/")
	return path
}
