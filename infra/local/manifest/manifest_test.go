package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const minimal = `component: multi-scf
app: recon3d
inputs:
  functions:
    picture: {type: web, memorySize: 512, timeout: 30}
    tasks: {type: web, memorySize: 128, timeout: 10, environments: [{key: A, value: "${env:B}"}]}
    sweeper: {type: event, memorySize: 64, timeout: 60}
  triggers:
    - {type: http, function: picture, parameters: {authType: NONE, netConfig: {enableExtranet: true}, qualifier: $DEFAULT}}
    - {type: http, function: tasks, parameters: {authType: NONE, netConfig: {enableExtranet: true}, qualifier: $DEFAULT}}
    - {type: timer, function: sweeper, parameters: {name: sweep, cronExpression: "*/15 * * * * * *", enable: true, argument: hi}}
  src: {src: .build/bundle}
  namespace: default
  runtime: Go1
name: n
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
		App: "recon3d", Name: "n", Namespace: "default",
		Functions: []Function{
			{Name: "picture", Kind: Web, Memory: 512 << 20, Timeout: 30 * time.Second, Line: 5},
			{Name: "sweeper", Kind: Event, Memory: 64 << 20, Timeout: time.Minute, Line: 7},
			{Name: "tasks", Kind: Web, Memory: 128 << 20, Timeout: 10 * time.Second, Line: 6, Environment: []Variable{{"A", "${env:B}", 6, 6}}},
		},
		Timers: []Timer{{Name: "sweep", Function: "sweeper", Cron: "*/15 * * * * * *", Message: "hi", Line: 11}},
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
		"private URL":       {"netConfig: {enableExtranet: true}, ", "", ":9: http trigger of picture needs netConfig"},
		"URL of an event":   {"type: http, function: tasks", "type: http, function: sweeper", ":10: http trigger of sweeper, which is no web function"},
		"timer of a web":    {"function: sweeper", "function: tasks", ":11: timer trigger of tasks, which is no event function"},
		"timer off":         {"enable: true, ", "", ":11: timer trigger of sweeper needs enable: true"},
		"cron of 5 fields":  {"*/15 * * * * * *", "* * * * *", `:11: timer trigger of sweeper: cronExpression "* * * * *" has 5 fields`},
		"unknown function":  {"function: tasks", "function: task", `:10: trigger of the unknown function "task"`},
		"unknown trigger":   {"type: timer", "type: cos", `trigger type "cos"`},
		"no trigger":        {"type: http, function: tasks", "type: http, function: picture", ":6: function tasks has no trigger"},
		"no YAML":           {"inputs:", "inputs: [", ":3: is no YAML from here on"},
		"tab":               {"    tasks:", "\ttasks:", ":6: begins with a tab: YAML is indented by spaces"},
		"unclosed quote":    {`"${env:B}"`, `"${env:B}`, ":6: is no YAML from here on"},
		"unknown alias":     {"timeout: 60", "timeout: *tim", ":7: nothing is called &tim: write what it stands for"},
		"misspelt alias":    {"timeout: 10,", "timeout: &timeout 10, memorySize: *timeou,", ":6: nothing is called &timeou: is it *timeout?"},
		"alias too early":   {"timeout: 30}", "timeout: *t}\n    other: {type: web, timeout: &t 5}", ":5: *t stands before &t"},
		"key twice":         {"timeout: 30", "timeout: 30, timeout: 31", `:5: "timeout" is in line 5 already`},
		"function twice":    {"    tasks: {", "    picture: {type: web}\n    tasks: {", `:6: "picture" is in line 5 already`},
		"unit":              {"timeout: 30", "timeout: 30s", `:5: "30s" is no whole number: write one without unit and quotes`},
		"quoted number":     {"memorySize: 512", `memorySize: "512"`, `:5: "512" is no whole number`},
		"fraction":          {"timeout: 60", "timeout: 60.5", `:7: "60.5" is no whole number`},
		"quoted truth":      {"enable: true, ", `enable: "true", `, `:11: "true" is not true or false`},
		"list for a text":   {"type: web, memorySize: 512", "type: [web], memorySize: 512", `:5: "seq" stands where something of another form has to`},
		"another runtime":   {"Go1", "Nodejs16.13", ":14: inputs.runtime must be Go1"},
		"no runtime":        {"  runtime: Go1\n", "", ":4: inputs.runtime must be Go1"},
		"another package":   {".build/bundle", ".build/bin", ":12: inputs.src.src must be .build/bundle: that is what make package makes"},
		"no package":        {"  src: {src: .build/bundle}\n", "", "inputs.src.src must be .build/bundle"},
		"no app":            {"app: recon3d\n", "", ":1: app must be recon3d"},
		"no name":           {"name: n\n", "", ":1: name is not set"},
		"topic's key":       {"timeout: 30", "timeout: 30, cls: {topicID: a}", ":5: function picture: cls: topicID: nobody reads it, and nobody says so: is it topicId?"},
		"half a network":    {"timeout: 30", "timeout: 30, vpcConfig: {vpcId: vpc-1}", ":5: function picture: vpcConfig needs both vpcId and subnetId"},
		"network, misspelt": {"timeout: 30", "timeout: 30, vpcConfig: {vpcId: vpc-1, subnetID: s}", ":5: function picture: vpcConfig: subnetID: nobody reads it, and nobody says so: is it subnetId?"},
		"concurrency's key": {"timeout: 30", "timeout: 30, instanceConcurrencyConfig: {enable: true, maxConcurency: 9}", "maxConcurency: nobody reads it, and nobody says so: is it maxConcurrency?"},
		"closed URL":        {"authType: NONE", "authType: CAM", ":9: http trigger of picture needs authType: NONE"},
		"variable's key":    {"key: A", "name: A", ":6: function tasks: environments: name: nobody reads it"},
		"variable's value":  {`, value: "${env:B}"`, "", `:6: function tasks: A has no value, and would be the text "undefined"`},
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
		"misspelt key":        {"/a, function: tasks", "/b, func: tasks", ":3: func: nobody reads it, and nobody says so: take it away; what is read is path, function"},
		"method":              {"/a, function: tasks", "/b, function: tasks, method: GET", ":3: method is not known to the platform"},
		"not quoted":          {"/a, function: tasks", "/b/{id}, function: tasks", ":3: is no YAML from here on"},
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

func TestCron(t *testing.T) {
	for _, good := range []string{"*/15 * * * * * *", "0 0 2 1 * * *", "0,30 0-5 0/2 ? JAN-MAR MON 2026", "59 59 23 31 12 6 2099"} {
		if err := checkCron(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"* * * * *": "has 5 fields", "60 * * * * * *": `"60" is no second`, "* * 24 * * * *": `"24" is no hour`, "* * * 0 * * *": "no day of the month",
		"* * * * 13 * *": "no month", "* * * * * 7 *": "no day of the week", "* * * * * * 1969": "no year", "*/0 * * * * * *": `"*/0" is no second`,
		"*/61 * * * * * *": "no second", "5-2 * * * * * *": "no second", "? * * * * * *": "no second", "1, * * * * * *": `"" is no second`, "- * * * * * *": "no second",
	} {
		if err := checkCron(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", bad, err, want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"REDIS_URL", "COS_BUCKET_URL", "timeout"}
	for name, want := range map[string]string{"REDIS_UR": "REDIS_URL", "COS_BUCKT_URL": "COS_BUCKET_URL", "Timeout": "timeout", "memory": "", "RETENTION": ""} {
		if got := Nearest(name, names); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestReadStage(t *testing.T) {
	got, err := ReadStage(write(t, "# a comment\n\nA=b\nexport C=\"d # e\"\nF=\nG='h'\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Stage{{"A", "b", 3, 3}, {"C", "d # e", 4, 4}, {"F", "", 5, 5}, {"G", "h", 6, 6}}, got); diff != "" {
		t.Errorf("stage (-want +got):\n%s", diff)
	}
	for text, want := range map[string]string{
		"A=1\nA=2": ":2: A is in line 1 already", "A": ":1: not of the form", "1A=b": ":1: not of the form", "A=b#c": ":1: A: put quotes", `A="b`: ":1: A: put quotes",
		"A = b": ":1: not of the form NAME=value: one line each, no spaces around the =", "A=b\u200bc": ":1: A has a character that can't be seen (U+200B)", "\ufeffA=b": ":1: is not plain UTF-8", "A\x00=\x00": ":1: not of the form", "\xff\xfeA\x00": ":1: is not plain UTF-8",
	} {
		if _, err := ReadStage(write(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestExpand(t *testing.T) {
	d := Deployment{App: "a", Name: "n", Stage: "${env:STAGE}", Region: "${env:REGION}", Functions: []Function{
		{Deployed: "${name}-${stage}-f", Role: "${app}", Environment: []Variable{{"A", "x${env:B}y${env:NONE}", 7, 3}, {"C", "${env:EMPTY}", 8, 8}}},
	}}
	got := d.Expand(map[string]string{"STAGE": "s", "REGION": "r", "B": "${name}", "EMPTY": ""})
	want := Deployment{App: "a", Name: "n", Stage: "s", Region: "r", Functions: []Function{
		{Deployed: "n-s-f", Role: "a", Environment: []Variable{{"A", "x${name}yundefined", 7, 3}, {"C", "", 8, 8}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("expanded (-want +got):\n%s", diff)
	}
	if d.Functions[0].Environment[1].Value != "${env:EMPTY}" {
		t.Error("the deployment itself was changed")
	}
}
