// Package alerts checks that what the alerts and charts here ask for is what the programs tell.
package alerts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const (
	root      = "../../.."
	dashboard = "../dashboards/grafana.json"
	charts    = "../dashboards/cls.yaml"
	runbooks  = root + "/infra/docs/operations.md"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// promtool runs it in a folder with these files, which may be none.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command("promtool", args...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("there is no promtool here: it is in Debian's package prometheus")
	}
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestRules(t *testing.T) { promtool(t, "check", "rules", "prometheus.yaml") }

func TestRulesFireWhenTheyShould(t *testing.T) { promtool(t, "test", "rules", "prometheus_test.yaml") }

// panel is one of Grafana's.
type panel struct {
	ID      int
	Type    string
	Title   string
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ Expr string }
}

func panels(t *testing.T) []panel {
	t.Helper()
	var d struct{ Panels []panel }
	if err := json.Unmarshal([]byte(read(t, dashboard)), &d); err != nil {
		t.Fatal(err)
	}
	return d.Panels
}

// The dashboard's expressions are read by Prometheus' own parser, as rules that record them.
func TestTheDashboardCanBeAsked(t *testing.T) {
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			fmt.Fprintf(&rules, "      - {record: panel, labels: {panel: %q}, expr: %q}\n", p.Title, strings.ReplaceAll(target.Expr, "$__rate_interval", "1m"))
		}
	}
	file := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", "--lint=none", file)
}

func TestNoPanelLiesOnAnother(t *testing.T) {
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range panels(t) {
		if ids[p.ID] || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q: its id is another's too, or it shows nothing", p.Title)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other, ok := taken[at]; ok || at[0] >= 24 {
					t.Fatalf("panel %q lies on %q, or beyond the edge", p.Title, other)
				}
				taken[at] = p.Title
			}
		}
	}
}

// metrics are the names that relay and worker export, and the labels of each, separated by spaces.
func metrics(t *testing.T) map[string]string {
	t.Helper()
	names := map[string]string{}
	relay := read(t, root+"/functions/relay/metrics.go")
	for _, m := range regexp.MustCompile(`(?m)^\s*\{["`+"`"+`]([a-z_]+)(?:\{([a-z]+)=[^}]*\})?["`+"`"+`], "`).FindAllStringSubmatch(relay, -1) {
		names["recon3d_relay_"+m[1]] = m[2]
	}
	worker := read(t, root+"/functions/worker/worker/metrics.py")
	quoted := regexp.MustCompile(`[",]+ *`)
	for _, m := range regexp.MustCompile(`(Gauge|Counter|Histogram|CounterMetricFamily)\(\s*"(recon3d_worker_[a-z_]+)",\s*"[^"]*"(?:,\s*(?:labels=)?\[([^\]]*)\])?`).FindAllStringSubmatch(worker, -1) {
		labels := strings.TrimSpace(quoted.ReplaceAllString(m[3], " "))
		switch m[1] {
		case "Gauge":
			names[m[2]] = labels
		case "Histogram":
			names[m[2]+"_bucket"], names[m[2]+"_sum"], names[m[2]+"_count"] = labels+" le", labels, labels
		default: // the library adds it
			names[m[2]+"_total"] = labels
		}
	}
	if len(names) < 18 {
		t.Fatalf("found %d metrics: the search is broken", len(names))
	}
	return names
}

// expressions are those of the rules and of the dashboard, by what they are called.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "prometheus.yaml")), &rules); err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			all[r.Alert] = r.Expr
		}
	}
	for _, p := range panels(t) {
		for i, target := range p.Targets {
			all[fmt.Sprintf("panel %q, %d", p.Title, i+1)] = target.Expr
		}
	}
	return all
}

var (
	metricName = `recon3d_(?:relay|worker)_[a-z_]+`
	selector   = regexp.MustCompile(`(` + metricName + `)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`([a-z_]+)(?:=|!=|=~|!~)"([^"]*)"`)
	grouping   = regexp.MustCompile(`by ?\(([^)]*)\)`)
)

// A label or value that nobody exports would leave a panel empty, and an alert silent for ever.
func TestEveryLabelThatIsAskedForIsThere(t *testing.T) {
	known := metrics(t)
	values := read(t, root+"/functions/relay/metrics.go")
	sources, err := filepath.Glob(root + "/functions/worker/worker/*.py")
	if err != nil || len(sources) < 10 {
		t.Fatal(sources, err)
	}
	for _, file := range sources {
		values += read(t, file)
	}
	for name, expr := range expressions(t) {
		for _, s := range selector.FindAllStringSubmatch(expr, -1) {
			for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
				if !slices.Contains(strings.Fields(known[s[1]]), m[1]) {
					t.Errorf("%s: %s has no label %s, only %q", name, s[1], m[1], known[s[1]])
				}
				for value := range strings.SplitSeq(m[2], "|") {
					if !strings.Contains(values, `"`+value+`"`) {
						t.Errorf("%s: %s of %s is never %q", name, m[1], s[1], value)
					}
				}
			}
		}
		labels := []string{"instance", "job"} // by Prometheus
		for _, metric := range regexp.MustCompile(metricName).FindAllString(expr, -1) {
			labels = append(labels, strings.Fields(known[metric])...)
		}
		for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
			for label := range strings.SplitSeq(g[1], ",") {
				if label = strings.TrimSpace(label); !slices.Contains(labels, label) {
					t.Errorf("%s: is grouped by %s, which none of its metrics has", name, label)
				}
			}
		}
	}
}

func TestEveryMetricThatIsAskedForIsThere(t *testing.T) {
	known, asked := metrics(t), map[string]bool{}
	name := regexp.MustCompile(metricName)
	for _, file := range []string{"prometheus.yaml", "prometheus_test.yaml", dashboard} {
		for _, m := range name.FindAllString(read(t, file), -1) {
			asked[m] = true
			if _, exported := known[m]; !exported {
				t.Errorf("%s asks for %s, which nothing exports", file, m)
			}
		}
	}
	for m := range known {
		if !asked[m] && !strings.HasSuffix(m, "_sum") && !strings.HasSuffix(m, "_count") {
			t.Errorf("%s is exported, and no alert or panel asks for it", m)
		}
	}
}

// alarm is an alarm of the log service, in the words of its API: CreateAlarm of 2020-10-16.
type alarm struct {
	Name         string
	AlarmTargets []struct {
		LogsetId, TopicId, Query                           string
		Number, StartTimeOffset, EndTimeOffset, SyntaxRule int
	}
	MonitorTime struct {
		Type string
		Time int
	}
	Condition       string
	TriggerCount    int
	AlarmPeriod     int
	AlarmLevel      int
	AlarmNoticeIds  []string
	MessageTemplate string
}

func alarms(t *testing.T) []alarm {
	t.Helper()
	var all []alarm
	dec := json.NewDecoder(strings.NewReader(read(t, "cls.json")))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// alertNames are those of the rules and of the alarms.
func alertNames(t *testing.T) []string {
	t.Helper()
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Labels      struct{ Severity string }
				Annotations struct{ Summary, Runbook string }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "prometheus.yaml")), &rules); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			names = append(names, r.Alert)
			if r.Annotations.Summary == "" || r.Annotations.Runbook != "infra/docs/operations.md#"+strings.ToLower(r.Alert) || !slices.Contains([]string{"page", "ticket"}, r.Labels.Severity) {
				t.Errorf("%s: %+v, %+v", r.Alert, r.Labels, r.Annotations)
			}
		}
	}
	for _, a := range alarms(t) {
		name := strings.TrimPrefix(a.Name, "recon3d-")
		if names = append(names, name); !strings.HasSuffix(a.MessageTemplate, "\ninfra/docs/operations.md#"+strings.ToLower(name)) {
			t.Errorf("%s: %s", a.Name, a.MessageTemplate)
		}
	}
	return names
}

func TestEveryAlertHasItsRunbook(t *testing.T) {
	names := alertNames(t)
	_, section, ok := strings.Cut(read(t, runbooks), "\n## The alerts\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !ok {
		t.Fatal("operations.md has no section of alerts")
	}
	var told []string
	for _, m := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(section, -1) {
		told = append(told, m[1])
	}
	for _, n := range names {
		if !slices.Contains(told, n) {
			t.Errorf("operations.md does not say what to do about %s", n)
		}
	}
	for _, n := range told {
		if !slices.Contains(names, n) {
			t.Errorf("operations.md has a section on %s, which is no alert", n)
		}
	}
	if len(told) != len(names) {
		t.Errorf("%d alerts and %d sections: one is there twice", len(names), len(told))
	}
}

// sources are the Go programs and what they share.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range []string{"functions", "shared"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
				return fs.SkipDir
			case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			b, err := os.ReadFile(path)
			all.Write(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// index is the log service's index of fields: CreateIndex of 2020-10-16.
func index(t *testing.T) map[string]string {
	t.Helper()
	var i struct {
		Rule struct {
			KeyValue struct {
				KeyValues []struct {
					Key   string
					Value struct {
						Type    string
						SqlFlag bool
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(read(t, "cls-index.json")), &i); err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	for _, k := range i.Rule.KeyValue.KeyValues {
		if fields[k.Key] != "" || !k.Value.SqlFlag || !slices.Contains([]string{"text", "long", "double"}, k.Value.Type) {
			t.Errorf("index: %+v", k)
		}
		fields[k.Key] = k.Value.Type
	}
	return fields
}

func TestTheIndexIsOfFieldsThatAreLogged(t *testing.T) {
	code := sources(t)
	written := []string{"msg", "level", "function", "SCF_FunctionName"} // by slog, the local host, the platform
	for name := range index(t) {
		if !slices.Contains(written, name) && !strings.Contains(code, `"`+name+`"`) {
			t.Errorf("no line has the field %s", name)
		}
	}
}

var (
	phrase  = regexp.MustCompile(`(\w+):"([^"]*)"`)
	literal = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	word    = regexp.MustCompile(`[A-Za-z_]\w*`)
	alias   = regexp.MustCompile(`AS (\w+)`)
	result  = regexp.MustCompile(`\$1\.(\w+)`)
)

// keywords are what statements are made of beside fields.
var keywords = strings.Fields("AND OR NOT SELECT AS GROUP BY ORDER DESC LIMIT count count_if max sum avg approx_percentile histogram cast timestamp interval minute __TIMESTAMP__")

// checkQuery holds a statement against the log lines that there are. Fields that are compared or computed with are numbers.
func checkQuery(t *testing.T, name, query, code string, fields map[string]string) {
	t.Helper()
	for _, m := range phrase.FindAllStringSubmatch(query, -1) {
		if field, value := m[1], m[2]; !strings.Contains(code, `"`+value+`"`) || fields[field] == "" {
			t.Errorf("%s: no line has %s %q, or it is not in the index", name, field, value)
		}
	}
	var aliases []string
	for _, m := range alias.FindAllStringSubmatch(query, -1) {
		aliases = append(aliases, m[1])
	}
	for _, w := range word.FindAllString(literal.ReplaceAllString(query, ""), -1) {
		if fields[w] == "" && !slices.Contains(keywords, w) && !slices.Contains(aliases, w) {
			t.Errorf("%s: %s is not in the index", name, w)
		}
	}
	for _, m := range regexp.MustCompile(`(?:max|sum|avg|approx_percentile)\((\w+)`).FindAllStringSubmatch(query, -1) {
		if fields[m[1]] == "text" {
			t.Errorf("%s: %s is no number", name, m[1])
		}
	}
}

func TestAlarms(t *testing.T) {
	code, fields := sources(t), index(t)
	for _, a := range alarms(t) {
		if len(a.AlarmTargets) != 1 || a.MonitorTime.Type != "Period" || a.MonitorTime.Time < 1 || a.TriggerCount < 1 || a.AlarmPeriod > 1440 ||
			a.AlarmLevel != 0 && a.AlarmLevel != 2 || !slices.Equal(a.AlarmNoticeIds, []string{"${CLS_NOTICE}"}) {
			t.Errorf("%+v", a)
			continue
		}
		target := a.AlarmTargets[0]
		if target.TopicId != "${CLS_TOPIC}" || target.LogsetId != "${CLS_LOGSET}" || target.StartTimeOffset >= target.EndTimeOffset || target.Number != 1 || target.SyntaxRule != 1 {
			t.Errorf("%s: %+v", a.Name, target)
		}
		checkQuery(t, a.Name, target.Query, code, fields)
		for _, m := range result.FindAllStringSubmatch(a.Condition, -1) {
			if !strings.Contains(target.Query, " AS "+m[1]) {
				t.Errorf("%s: its statement does not tell %s", a.Name, m[1])
			}
		}
	}
}

func TestCharts(t *testing.T) {
	var all []struct{ Title, Query string }
	if err := yaml.Unmarshal([]byte(read(t, charts)), &all); err != nil {
		t.Fatal(err)
	}
	code, fields := sources(t), index(t)
	for _, c := range all {
		checkQuery(t, c.Title, c.Query, code, fields)
	}
	if len(all) == 0 {
		t.Error("there are none")
	}
}
