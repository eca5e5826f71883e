package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

func TestFormulas(t *testing.T) {
	values := map[string]float64{"a": 6, "b_2": 4}
	for text, want := range map[string]float64{
		"a": 6, "1.5 + a * b_2": 25.5, "(1 + a) * b_2": 28, "a - b_2 - 1": 1, "a / b_2 / 2": 0.75, "1e6": 1_000_000,
		"ceil(a / b_2)": 2, "ceil(a / 2)": 3, "ceil(0.1 * 3 / 0.3)": 1, "min(a, b_2)": 4, "max(a, b_2 * 2)": 8,
	} {
		f, err := parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := f.in(values); err != nil || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
	}
	for text, says := range map[string]string{
		"": "no formula", "a +": "no formula", "c": "c is neither", "a / (b_2 - 4)": "divides by nothing", "a % 2": "no %", "floor(a)": "knows ceil",
		"ceil(a, 1)": "knows ceil", "min(a)": "knows ceil", `"a"`: "knows + - * /", "a.b": "knows + - * /", "-a": "knows + - * /", "a.b(1)": "knows ceil",
	} {
		f, err := parse(text)
		if err == nil {
			_, err = f.in(values)
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, which does not say %q", text, err, says)
		}
	}
}

func product(t *testing.T) *model {
	t.Helper()
	m, err := load("model.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The product's formulas with round figures, by hand: 216,000 tasks a day at twice the mean are 5 a second.
func TestByHand(t *testing.T) {
	m := product(t)
	round := map[string]float64{
		"peak": 2, "picture_mb": 2, "result_mb": 3, "results": 3, "gpu_s": 10, "task_s": 30, "reports": 6, "reads": 4, "downloads": 2, "kept_days": 10, "picture_days": 100,
		"upload_s": 1, "create_s": 0.5, "result_s": 0.2, "call_s": 0.1, "sweep_s": 0.5, "sweeps": 8640, "upload_mb": 512, "function_mb": 128,
		"calls_each": 2, "streams_each": 100, "worker_use": 0.5, "task_kb": 4, "picture_kb": 0.5, "spare": 2, "script_us": 50, "read_us": 10,
		"sweep_reads": 1000, "core_use": 0.5, "shard_gb": 16, "url_bytes": 20, "other_bytes": 1000,
		"scf_gbs": 0.0001, "scf_10k": 0.01, "cos_gb_month": 0.1, "cos_10k": 0.01, "out_gb": 0.5, "redis_gb_month": 50, "gpu_hour": 10, "days": 30,
	}
	for i, in := range m.Inputs {
		v, ok := round[in.Name]
		if !ok {
			t.Errorf("no round figure for %s", in.Name)
		}
		m.Inputs[i].Value = v
	}
	got, err := m.at(216_000)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{
		"rate": 5, "running": 150, "workers": 100,
		"i_picture": 5, "i_create": 3, // 2.5
		"i_tasks": 1, "i_result": 3, "i_status": 2, // 5×4×0.1÷2, 5×3×0.2, 5×6×0.1÷2 = 1.5
		"i_relay":   2,                // 1.5
		"memory_mb": 5*512 + 11*128,   // 3968
		"redis_gb":  0.216 * 90 * 2,   // 10 days of 4 KB and 100 of 0.5 KB each
		"scripts":   16, "lookups": 8, // 4+6+2×3, 4+4
		"ops": 5*24 + 100, "core": 0.0054, // 5×(16×50+8×10) µs = 4.4 ms, and 100×10 µs
		"shards":      3, // of 38.88 GB
		"connections": 5 + 3 + 3 + 3*2 + 2*2,
		"writes":      6, "gets": 9, "cos_rate": 75,
		"stored_gb": 216 * 250, "out_day_gb": 216 * 6,
		// A task: 1 s of 512 MB and (0.5 + 0.6 + 1.0) s of 128: 0.5 + 0.2625 GBs. Relay: 75 streams all day in one instance. Sweeper: 4320 s.
		"gbs": 216_000*0.7625 + (86_400+4_320)*0.125, "calls": 216_000*16 + 8640,
		"cny_functions": 30 * (17.604 + 3.46464), // 176,040 GBs at 0.0001, 346.464 × 10,000 calls at 0.01
		"cny_redis":     39 * 50,
		"cny_cos":       5400 + 30*3.24, // 54,000 GB, 324 × 10,000 requests a day at 0.01
		"cny_out":       30 * 1296 * 0.5,
		"cny_workers":   100 * 30 * 24 * 10,
	} {
		if math.Abs(got[name]-want) > 1e-6*want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	sum := got["cny_functions"] + got["cny_redis"] + got["cny_cos"] + got["cny_out"] + got["cny_workers"]
	if want := sum / 30 / 216_000; math.Abs(got["cny_task"]-want) > 1e-9 {
		t.Errorf("a task costs %v, want %v", got["cny_task"], want)
	}
}

// Limits are told by the number of tasks that is the first too many.
func TestLimitsAreInTheOrderInWhichTheyAreMet(t *testing.T) {
	file := filepath.Join(t.TempDir(), "model.yaml")
	if err := os.WriteFile(file, []byte(`
inputs: [{name: two, value: 2, unit: "", from: here}]
tables: [{title: T, lines: [{name: twice, what: w, unit: "", formula: tasks * two}]}]
limits:
  - {of: late, what: late, formula: twice, most: 1000, unit: "", from: here}
  - {of: early, what: early, formula: twice, most: 11, unit: "", from: here}
  - {of: never, what: never, formula: two, most: 3, unit: "", from: here}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	all, err := m.limits()
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		of    string
		tasks float64
	}{{"early", 6}, {"late", 501}, {"never", mostTasks}}
	for i, w := range want {
		if all[i].Of != w.of || all[i].tasks != w.tasks {
			t.Errorf("limit %d is %s at %v, want %s at %v", i, all[i].Of, all[i].tasks, w.of, w.tasks)
		}
	}
	text, err := m.report([]float64{1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"| w | 2,000 |  | twice = `tasks * two` |", "| early: `twice` | 11 |  | 6 | here |", "| never: `two` | 3 |  | never | here |"} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
}

func TestMistakesAreNamedWithTheirLine(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"an unknown name":  {"tables: [{title: T, lines: [\n{name: a, what: w, unit: u, formula: b}]}]", ":2: b is neither"},
		"a name below":     {"tables: [{title: T, lines: [\n{name: a, what: w, unit: u, formula: b},\n{name: b, what: w, unit: u, formula: tasks}]}]", ":2: b is neither"},
		"a name twice":     {"inputs:\n- {name: tasks, value: 1, unit: u, from: f}", `:2: name "tasks" is empty or taken`},
		"no source":        {"inputs:\n- {name: a, value: 1, unit: u}\ntables: [{title: T, lines: [{name: b, what: w, unit: u, formula: a}]}]", ":2: a does not say where it is from"},
		"an unused input":  {"inputs:\n- {name: a, value: 1, unit: u, from: f}", ":2: a is used by no formula"},
		"no formula":       {"tables: [{title: T, lines: [\n{name: a, what: w, unit: u}]}]", `:2: "" is no formula`},
		"a limit of none":  {"limits:\n- {of: a, what: w, formula: tasks, unit: u, from: f}", ":2: the limit of a is not above 0"},
		"an unknown field": {"inputs:\n- {name: a, valeu: 1}", "line 2: knows no field valeu"},
		"no number":        {"inputs:\n- {name: a, value: much}", "line 2: cannot unmarshal"},
		"no YAML":          {"inputs: [", "model.yaml: yaml:"},
		"another document": {"prices: {}", "field prices not found"},
	} {
		file := filepath.Join(t.TempDir(), "model.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := load(file); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, which does not say %q", name, err, c.says)
		}
	}
	for says, args := range map[string][]string{"takes no": {"100000"}, "is not from": {"-tasks", "-1"}, "no such file": {"-model", "nowhere.yaml"}} {
		if err := run(args, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, which does not say %q", args, err, says)
		}
	}
}

// What the model says of serverless.yml stands there.
func TestTheModelKnowsTheDeployment(t *testing.T) {
	said := map[string]float64{}
	for _, i := range product(t).Inputs {
		said[i.Name] = i.Value
	}
	d, err := manifest.ReadDeployment(filepath.Join("..", "..", "..", "serverless.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range d.Functions {
		name := "function_mb"
		if f.Name == "picture" {
			name = "upload_mb"
		}
		if f.Name != "web" && float64(f.Memory>>20) != said[name] {
			t.Errorf("%s has %d MB, %s says %v", f.Name, f.Memory>>20, name, said[name])
		}
	}
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "serverless.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Inputs struct {
			Functions map[string]struct {
				Concurrency struct {
					Max float64 `yaml:"maxConcurrency"`
				} `yaml:"instanceConcurrencyConfig"`
			}
		}
	}
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for function, want := range map[string]float64{
		"tasks": said["calls_each"], "callback-status": said["calls_each"], "relay": said["streams_each"], "picture": 0, "create-task": 0, "callback-result": 0,
	} {
		if got := file.Inputs.Functions[function].Concurrency.Max; got != want {
			t.Errorf("%s serves %v at a time, the model says %v", function, got, want)
		}
	}
}

// The page's tables are those of the model. `go run ./infra/cloud/cost -o infra/docs/scale.md` writes them.
func TestThePageIsCurrent(t *testing.T) {
	now, err := os.ReadFile(filepath.Join("..", "..", "docs", "scale.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "scale.md")
	if err := os.WriteFile(page, now, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-model", "model.yaml", "-o", page}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(now, fresh) {
		t.Error("infra/docs/scale.md is not what the model says: go run ./infra/cloud/cost -o infra/docs/scale.md")
	}
	if err := os.WriteFile(page, []byte("no marks"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-model", "model.yaml", "-o", page}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "lacks the lines") {
		t.Errorf("a page without marks: %v", err)
	}
}

func TestFigures(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 999: "999", 1000: "1,000", 1234567.4: "1,234,567", 12.345: "12.3", 0.0123456: "0.0123", 123.4: "123", -1234: "-1,234", -123: "-123", 99.95: "100",
	} {
		if got := figure(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}
