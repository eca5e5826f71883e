// Package manifest reads what is deployed from the files that deploy it: serverless.yml (functions and their triggers) and
// infra/cloud/routes.yaml (the domain's paths), so that the local host and the cloud can't disagree.
//
// It refuses, naming the line, what the framework would take in silence and the platform would then do differently.
package manifest

import (
	"slices"
	"strings"
	"time"
)

// Kind is how the platform talks to a function; fixed at its creation.
type Kind string

// The kinds of functions.
const (
	Web   Kind = "web"   // raw HTTP to its port
	Event Kind = "event" // one RPC an event
)

// Function is one function of serverless.yml with the limits that the platform holds it to. Texts are as they stand in the file:
// `${env:NAME}` is filled in at deployment (Expand).
type Function struct {
	Name     string // its key in the file
	Deployed string // its name on the platform
	Kind     Kind
	Handler  string
	Role     string        // whose credentials it gets; "": none
	Memory   int64         // bytes
	Timeout  time.Duration // of one request or event; an open stream ends with it
	InVPC    bool          // whether it can reach what is in the private network
	Log      Topic         // where its lines go
	Line     int

	// Environment is what the cloud gives it. The local host chooses its own.
	Environment []Variable
}

// Topic is one of the log service. The zero Topic is the platform's own.
type Topic struct {
	Logset string `yaml:"logsetId"`
	ID     string `yaml:"topicId"`
}

// Variable is one of the environment that a function gets.
type Variable struct {
	Name, Value string
	Line        int // where the function is given it
	ValueLine   int // where its value stands, which other functions may be given too
}

// Variable finds a variable by its name.
func (f Function) Variable(name string) (Variable, bool) {
	i := slices.IndexFunc(f.Environment, func(v Variable) bool { return v.Name == name })
	if i < 0 {
		return Variable{}, false
	}
	return f.Environment[i], true
}

// Timer is a timer trigger of an event function.
type Timer struct {
	Name     string
	Function string
	Cron     string // 7 fields: sec min hour day month week year
	Message  string // the trigger's own argument
	Line     int
}

// Deployment is what serverless.yml deploys. Functions are sorted by name.
type Deployment struct {
	App, Name, Stage  string // Stage and Region as they stand in the file
	Region, Namespace string
	Functions         []Function
	Timers            []Timer
}

// Function finds a function by its name in the file.
func (d Deployment) Function(name string) (Function, bool) {
	i := slices.IndexFunc(d.Functions, func(f Function) bool { return f.Name == name })
	if i < 0 {
		return Function{}, false
	}
	return d.Functions[i], true
}

// names are its functions' names.
func (d Deployment) names() []string {
	names := make([]string, len(d.Functions))
	for i, f := range d.Functions {
		names[i] = f.Name
	}
	return names
}

// Without is d without that function and its timers.
func (d Deployment) Without(function string) Deployment {
	d.Functions = slices.DeleteFunc(slices.Clone(d.Functions), func(f Function) bool { return f.Name == function })
	d.Timers = slices.DeleteFunc(slices.Clone(d.Timers), func(t Timer) bool { return t.Function == function })
	return d
}

// ReadDeployment reads a serverless.yml of `component: multi-scf`. Where something in it is wrong the error is of type Problems, and
// what could be read is returned beside it.
func ReadDeployment(path string) (Deployment, error) {
	var file struct {
		App, Name, Stage string
		Inputs           struct {
			Region, Namespace string
			Functions         map[string]function
			Triggers          []trigger
		}
	}
	document, err := decode(path, &file)
	if err != nil {
		return Deployment{}, err
	}
	wrong := problems{file: path}
	if len(file.Inputs.Functions) == 0 {
		wrong.add(1, "inputs.functions names no function")
		return Deployment{}, wrong.err()
	}
	checkKeys(document.Content[0], &wrong)

	d := Deployment{
		App: file.App, Name: file.Name, Stage: file.Stage, Region: file.Inputs.Region, Namespace: file.Inputs.Namespace,
	}
	for name, f := range file.Inputs.Functions {
		f.line = keyLine(child(child(document.Content[0], "inputs"), "functions"), name)
		f.check(name, &wrong)
		d.Functions = append(d.Functions, f.as(name))
	}
	slices.SortFunc(d.Functions, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	reached := map[string]int{}
	for _, t := range file.Inputs.Triggers {
		told := len(wrong.all)
		t.check(file.Inputs.Functions, &wrong)
		if before := reached[t.Function]; before != 0 {
			wrong.add(t.line, "%s is called by the trigger of line %d already: take one of them away", t.Function, before)
		}
		reached[t.Function] = t.line
		if t.Type == "timer" && len(wrong.all) == told {
			d.Timers = append(d.Timers, Timer{Name: t.Parameters.Name, Function: t.Function, Cron: t.Parameters.CronExpression, Message: t.Parameters.Argument, Line: t.line})
		}
	}
	for _, f := range d.Functions {
		if reached[f.Name] == 0 {
			kind := "an http"
			if f.Kind == Event {
				kind = "a timer"
			}
			wrong.add(f.Line, "function %s has no trigger, nothing would ever call it: add %s trigger for it", f.Name, kind)
		}
	}
	return d, wrong.err()
}
