// Package manifest reads what is deployed from the files that deploy it: serverless.yml (functions and their timers) and
// infra/cloud/routes.yaml (the domain's paths), so that the local host and the cloud can't disagree.
//
// It refuses, naming the line, what the framework would take in silence and the platform would then do differently.
package manifest

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Kind is how the platform talks to a function; fixed at its creation.
type Kind string

// The kinds of functions.
const (
	Web   Kind = "web"   // raw HTTP to its port
	Event Kind = "event" // one RPC an event
)

// Function is one function of serverless.yml with the limits that the platform holds it to.
type Function struct {
	Name    string
	Kind    Kind
	Memory  int64         // bytes
	Timeout time.Duration // of one request or event; an open stream ends with it

	// Environment is what the cloud gives it, as it stands in the file: `${env:NAME}` is filled in at deployment. The local host
	// chooses its own.
	Environment map[string]string
}

// Timer is a timer trigger of an event function.
type Timer struct {
	Name     string
	Function string
	Cron     string // 7 fields: sec min hour day month week year
	Message  string // the trigger's own argument
}

// Deployment is what serverless.yml deploys. Functions are sorted by name.
type Deployment struct {
	Functions []Function
	Timers    []Timer
}

// Function finds a function by its name in the file.
func (d Deployment) Function(name string) (Function, bool) {
	i := slices.IndexFunc(d.Functions, func(f Function) bool { return f.Name == name })
	if i < 0 {
		return Function{}, false
	}
	return d.Functions[i], true
}

// Without is d without that function and its timers.
func (d Deployment) Without(function string) Deployment {
	return Deployment{
		Functions: slices.DeleteFunc(slices.Clone(d.Functions), func(f Function) bool { return f.Name == function }),
		Timers:    slices.DeleteFunc(slices.Clone(d.Timers), func(t Timer) bool { return t.Function == function }),
	}
}

// ReadDeployment reads a serverless.yml of `component: multi-scf`. The error has a line for each thing that is wrong.
func ReadDeployment(path string) (Deployment, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Deployment{}, fmt.Errorf("read deployment: %w", err)
	}
	var file struct {
		Component string
		Inputs    struct {
			Functions map[string]function
			Triggers  []trigger
		}
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return Deployment{}, fmt.Errorf("%s: %w", path, err)
	}
	d, wrong := Deployment{}, problems{file: path}
	if file.Component != "multi-scf" {
		wrong.add(1, "component must be multi-scf")
	}
	if len(file.Inputs.Functions) == 0 {
		wrong.add(1, "inputs.functions names no function")
	}
	for _, name := range slices.Sorted(maps.Keys(file.Inputs.Functions)) {
		f := file.Inputs.Functions[name]
		f.check(name, &wrong)
		d.Functions = append(d.Functions, Function{
			Name: name, Kind: f.Type, Memory: f.MemorySize << 20, Timeout: time.Duration(f.Timeout) * time.Second, Environment: f.environment(),
		})
	}
	reached := map[string]bool{}
	for _, t := range file.Inputs.Triggers {
		t.check(file.Inputs.Functions, &wrong)
		reached[t.Function] = true
		if t.Type == "timer" {
			d.Timers = append(d.Timers, Timer{Name: t.Parameters.Name, Function: t.Function, Cron: t.Parameters.CronExpression, Message: t.Parameters.Argument})
		}
	}
	for _, f := range d.Functions {
		if !reached[f.Name] {
			wrong.add(file.Inputs.Functions[f.Name].line, "function %s has no trigger: nothing would ever call it", f.Name)
		}
	}
	return d, wrong.err()
}

type function struct {
	Type         Kind
	MemorySize   int64 `yaml:"memorySize"` // MB
	Timeout      int64 // seconds
	Environment  yaml.Node
	Environments []struct{ Key, Value string }
	Concurrency  *struct {
		Enable         bool
		MaxConcurrency int `yaml:"maxConcurrency"`
	} `yaml:"instanceConcurrencyConfig"`
	line int
}

func (f *function) UnmarshalYAML(n *yaml.Node) error {
	type plain function
	f.line = n.Line
	return n.Decode((*plain)(f))
}

func (f *function) environment() map[string]string {
	env := map[string]string{}
	for _, e := range f.Environments {
		env[e.Key] = e.Value
	}
	return env
}

func (f *function) check(name string, wrong *problems) {
	if f.Type != Web && f.Type != Event {
		wrong.add(f.line, "function %s: type must be web or event, for it can't be changed later", name)
	}
	if f.MemorySize != 64 && (f.MemorySize < 128 || f.MemorySize > 3072 || f.MemorySize%128 != 0) {
		wrong.add(f.line, "function %s: memorySize must be 64, or a multiple of 128 up to 3072 (MB), not %d", name, f.MemorySize)
	}
	if f.Timeout < 1 || f.Timeout > 900 {
		wrong.add(f.line, "function %s: timeout must be set, 1 to 900 (s); the platform's own is 3", name)
	}
	if !f.Environment.IsZero() {
		wrong.add(f.Environment.Line, "function %s: environment is wiped by the framework; write environments: [{key, value}]", name)
	}
	for _, e := range f.Environments {
		for _, reserved := range []string{"SCF_", "QCLOUD_", "TENCENTCLOUD_"} {
			if strings.HasPrefix(e.Key, reserved) {
				wrong.add(f.line, "function %s: %s has a prefix that the platform keeps for itself", name, e.Key)
			}
		}
	}
	if c := f.Concurrency; c != nil && c.Enable && (f.Type != Web || c.MaxConcurrency < 2 || c.MaxConcurrency > 100) {
		wrong.add(f.line, "function %s: instanceConcurrencyConfig is for web functions, maxConcurrency 2 to 100", name)
	}
}

type trigger struct {
	Type       string
	Function   string
	Parameters struct {
		Name           string
		CronExpression string `yaml:"cronExpression"`
		Enable         bool
		Argument       string
		NetConfig      struct {
			EnableExtranet bool `yaml:"enableExtranet"`
		} `yaml:"netConfig"`
	}
	line int
}

func (t *trigger) UnmarshalYAML(n *yaml.Node) error {
	type plain trigger
	t.line = n.Line
	return n.Decode((*plain)(t))
}

func (t *trigger) check(functions map[string]function, wrong *problems) {
	f, known := functions[t.Function]
	switch {
	case !known:
		wrong.add(t.line, "trigger of the unknown function %q", t.Function)
	case t.Type == "http" && f.Type != Web:
		wrong.add(t.line, "http trigger of %s, which is no web function: multipart bodies would be damaged", t.Function)
	case t.Type == "http" && !t.Parameters.NetConfig.EnableExtranet:
		wrong.add(t.line, "http trigger of %s needs netConfig: {enableExtranet: true}", t.Function)
	case t.Type == "timer" && f.Type != Event:
		wrong.add(t.line, "timer trigger of %s, which is no event function", t.Function)
	case t.Type == "timer" && !t.Parameters.Enable:
		wrong.add(t.line, "timer trigger of %s needs enable: true", t.Function)
	case t.Type == "timer" && len(strings.Fields(t.Parameters.CronExpression)) != 7:
		wrong.add(t.line, "timer trigger of %s needs a cronExpression of 7 fields: sec min hour day month week year", t.Function)
	case t.Type != "http" && t.Type != "timer":
		wrong.add(t.line, "trigger type %q is none of http and timer", t.Type)
	}
}

// problems collects what is wrong with a file, each with its line.
type problems struct {
	file string
	all  []error
}

func (p *problems) add(line int, format string, args ...any) {
	p.all = append(p.all, fmt.Errorf("%s:%d: %s", p.file, line, fmt.Sprintf(format, args...)))
}

func (p *problems) err() error { return errors.Join(p.all...) }
