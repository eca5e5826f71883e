package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const minimal = `
component: multi-scf
inputs:
  functions:
    picture: {type: web, memorySize: 512, timeout: 30}
    tasks: {type: web, memorySize: 128, timeout: 10, environments: [{key: A, value: "${env:B}"}]}
    sweeper: {type: event, memorySize: 64, timeout: 60}
  triggers:
    - {type: http, function: picture, parameters: {netConfig: {enableExtranet: true}}}
    - {type: http, function: tasks, parameters: {netConfig: {enableExtranet: true}}}
    - {type: timer, function: sweeper, parameters: {name: sweep, cronExpression: "*/15 * * * * * *", enable: true, argument: hi}}
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadDeployment(t *testing.T) {
	got, err := ReadDeployment(write(t, minimal))
	if err != nil {
		t.Fatal(err)
	}
	want := Deployment{
		Functions: []Function{
			{Name: "picture", Kind: Web, Memory: 512 << 20, Timeout: 30 * time.Second, Environment: map[string]string{}},
			{Name: "sweeper", Kind: Event, Memory: 64 << 20, Timeout: time.Minute, Environment: map[string]string{}},
			{Name: "tasks", Kind: Web, Memory: 128 << 20, Timeout: 10 * time.Second, Environment: map[string]string{"A": "${env:B}"}},
		},
		Timers: []Timer{{Name: "sweep", Function: "sweeper", Cron: "*/15 * * * * * *", Message: "hi"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deployment (-want +got):\n%s", diff)
	}
}

func TestReadDeploymentRefuses(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"component":         {"multi-scf", "scf", ":1: component must be multi-scf"},
		"no type":           {"type: web, memorySize: 512", "memorySize: 512", ":5: function picture: type must be web or event"},
		"memory step":       {"512", "500", ":5: function picture: memorySize must be 64, or a multiple of 128 up to 3072 (MB), not 500"},
		"memory missing":    {"memorySize: 512, ", "", "not 0"},
		"timeout missing":   {", timeout: 10,", ",", ":6: function tasks: timeout must be set"},
		"timeout too long":  {"timeout: 60", "timeout: 901", ":7: function sweeper: timeout must be set, 1 to 900"},
		"wiped variables":   {"timeout: 10", "timeout: 10, environment: {variables: {A: b}}", ":6: function tasks: environment is wiped"},
		"reserved variable": {"key: A", "key: SCF_A", "SCF_A has a prefix"},
		"event concurrency": {"timeout: 60", "timeout: 60, instanceConcurrencyConfig: {enable: true, maxConcurrency: 9}", "is for web functions"},
		"private URL":       {"{netConfig: {enableExtranet: true}}", "{}", ":9: http trigger of picture needs netConfig"},
		"URL of an event":   {"type: http, function: tasks", "type: http, function: sweeper", ":10: http trigger of sweeper, which is no web function"},
		"timer of a web":    {"function: sweeper", "function: tasks", ":11: timer trigger of tasks, which is no event function"},
		"timer off":         {"enable: true, ", "", ":11: timer trigger of sweeper needs enable: true"},
		"cron of 5 fields":  {"*/15 * * * * * *", "* * * * *", ":11: timer trigger of sweeper needs a cronExpression of 7 fields"},
		"unknown function":  {"function: tasks", "function: task", `:10: trigger of the unknown function "task"`},
		"unknown trigger":   {"type: timer", "type: cos", `trigger type "cos"`},
		"no trigger":        {"type: http, function: tasks", "type: http, function: picture", ":6: function tasks has no trigger"},
		"no YAML":           {"inputs:", "inputs: [", "yaml:"},
		"no functions":      {"functions:", "functionz:", "names no function"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadDeployment(write(t, strings.Replace(minimal, c.old, c.new, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestReadRoutesRefuses(t *testing.T) {
	d, err := ReadDeployment(write(t, minimal))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ first, second, want string }{
		"twice":               {"/a/*, function: tasks", "/a/*, function: picture", ":3: /a/* overlaps with /a/* of line 2"},
		"prefix first":        {"/a/*, function: tasks", "/a/b, function: picture", ":3: /a/b overlaps with /a/* of line 2"},
		"prefix second":       {"/a/b, function: tasks", "/a/*, function: picture", ":3: /a/* overlaps with /a/b of line 2"},
		"nested prefixes":     {"/a/b/*, function: tasks", "/a/*, function: picture", "overlaps"},
		"everything":          {"/*, function: tasks", "/, function: picture", "overlaps"},
		"unknown function":    {"/a, function: tasks", "/b, function: web", `:3: /b leads to the unknown function "web"`},
		"event function":      {"/a, function: tasks", "/b, function: sweeper", ":3: /b leads to sweeper, which is no web function"},
		"star in the middle":  {"/a, function: tasks", "/*/b, function: tasks", `:3: path "/*/b" is none of the forms`},
		"star in a name":      {"/a, function: tasks", "/b*, function: tasks", "none of the forms"},
		"no slash":            {"/a, function: tasks", "b, function: tasks", "none of the forms"},
		"slash at the end":    {"/a, function: tasks", "/b/, function: tasks", "none of the forms"},
		"parameter":           {"/a, function: tasks", `"/{id}", function: tasks`, "none of the forms"},
		"a prefix and itself": {"/a/*, function: tasks", "/a/b/c/*, function: tasks", "overlaps"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadRoutes(write(t, "routes:\n  - {path: "+c.first+"}\n  - {path: "+c.second+"}\n"), d)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// The repository's own two files agree with section 1 of the contract.
func TestRepository(t *testing.T) {
	d, err := ReadDeployment("../../../serverless.yml")
	if err != nil {
		t.Fatal(err)
	}
	routes, err := ReadRoutes("../../cloud/routes.yaml", d)
	if err != nil {
		t.Fatal(err)
	}
	const id = "0197f5d2-7c1e-7abc-8def-0123456789ab"
	for path, want := range map[string]string{
		"/picture/upload":                               "picture",
		"/picture/upload-url":                           "picture",
		"/picture/" + id:                                "picture",
		"/picture/" + id + "/complete":                  "picture",
		"/picture/list/page":                            "picture",
		"/api/reconstruction/create-from-image":         "create-task",
		"/api/reconstruction/events/" + id:              "relay",
		"/api/reconstruction/status/" + id:              "tasks",
		"/api/reconstruction/list":                      "tasks",
		"/api/reconstruction/cancel/" + id:              "tasks",
		"/api/reconstruction/callback/result/" + id:     "callback-result",
		"/api/reconstruction/callback/upload-url/" + id: "callback-result",
		"/api/reconstruction/callback/status":           "callback-status",
		"/":                                             "web",
		"/app/tasks/" + id:                              "web",
		"/assets/index-BabGqf5W.js":                     "web",
		"/app":                                          "web",
		"/apps":                                         "",
		"/index.html":                                   "",
		"/picture":                                      "",
		"/api/reconstruction/callback":                  "",
		"/api/reconstruction/list/x":                    "",
	} {
		if got, _ := routes.Find(path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}
