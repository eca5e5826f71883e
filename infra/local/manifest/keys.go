package manifest

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// What the framework reads, by where it stands. It takes any other key in silence.
var (
	fileKeys     = strings.Fields("app stage component name inputs")
	inputKeys    = strings.Fields("src region namespace runtime functions triggers")
	functionKeys = strings.Fields("name type handler description memorySize timeout initTimeout role vpcConfig environments instanceConcurrencyConfig tags publicAccess cls")
	triggerKeys  = strings.Fields("type function parameters")
	httpKeys     = strings.Fields("name authType netConfig qualifier enable")
	timerKeys    = strings.Fields("name cronExpression enable argument qualifier")
)

// elsewhere says of keys that the framework knows, or is thought to, why they can't stand where they do.
var elsewhere = map[string]string{
	"inputs role":         "is not handed on to the functions by every version of the component: write it in each of them",
	"inputs vpc":          "is not handed on to the functions by every version of the component: write vpcConfig in each of them",
	"inputs vpcConfig":    "is not handed on to the functions by every version of the component: write it in each of them",
	"inputs memorySize":   "is not handed on to the functions by every version of the component: write it in each of them",
	"inputs timeout":      "is not handed on to the functions by every version of the component: write it in each of them",
	"inputs type":         "is not handed on to the functions by every version of the component: write it in each of them",
	"inputs environments": "is replaced by each function's own list: write the variable in each of them",
	"inputs environment":  "is wiped by the framework; write environments: [{key, value}] in each function",

	"function environment": "is wiped by the framework; write environments: [{key, value}]",
	"function vpc":         "is not read by every version of the component: call it vpcConfig",
	"function src":         "packs the function's folder anew and can lose the executable bit: leave it to the one src of all",
	"function namespace":   "is where the framework does not look for the function when it sets its trigger: take it away",
	"function runtime":     "stands beside the functions: take it away",
	"http corsConfig":      "has the platform answer for CORS beside the functions, which do it themselves (CORS_ORIGINS): take it away",
}

// checkKeys tells of every key that would have no effect, or another than it seems to have.
func checkKeys(document *yaml.Node, wrong *problems) {
	if len(document.Content) == 0 {
		return
	}
	file := document.Content[0]
	known(file, "file", "", fileKeys, wrong)
	inputs := child(file, "inputs")
	known(inputs, "inputs", "inputs.", inputKeys, wrong)
	if n := child(inputs, "namespace"); n != nil && n.Value != "default" {
		wrong.add(n.Line, "namespace must be default: in another one the framework does not find the functions when it sets their triggers; stages differ by name")
	}
	functions := child(inputs, "functions")
	for i := 0; functions != nil && i+1 < len(functions.Content); i += 2 {
		name, f := functions.Content[i].Value, functions.Content[i+1]
		known(f, "function", "function "+name+": ", functionKeys, wrong)
		if tags := child(f, "tags"); tags != nil && tags.Kind != yaml.SequenceNode {
			wrong.add(tags.Line, "function %s: tags must be a list: [{key, value}]", name)
		}
		environments := child(f, "environments")
		if environments != nil && environments.Kind != yaml.SequenceNode {
			wrong.add(environments.Line, "function %s: environments must be a list: [{key, value}]", name)
		}
	}
	triggers := child(inputs, "triggers")
	for i := 0; triggers != nil && i < len(triggers.Content); i++ {
		t := triggers.Content[i]
		known(t, "trigger", "trigger: ", triggerKeys, wrong)
		if kind := child(t, "type"); kind != nil && kind.Value == "http" {
			known(child(t, "parameters"), "http", "http trigger: ", httpKeys, wrong)
		} else if kind != nil && kind.Value == "timer" {
			known(child(t, "parameters"), "timer", "timer trigger: ", timerKeys, wrong)
		}
	}
}

// known tells of every key of a mapping that is none of keys.
func known(mapping *yaml.Node, place, prefix string, keys []string, wrong *problems) {
	if mapping == nil {
		return
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key := mapping.Content[i]
		if slices.Contains(keys, key.Value) {
			continue
		}
		if why, ok := elsewhere[place+" "+key.Value]; ok {
			wrong.add(key.Line, "%s%s %s", prefix, key.Value, why)
		} else if near := Nearest(key.Value, keys); near != "" {
			wrong.add(key.Line, "%sthe framework does not know %s and says nothing: is it %s?", prefix, key.Value, near)
		} else {
			wrong.add(key.Line, "%sthe framework does not know %s and says nothing: take it away", prefix, key.Value)
		}
	}
}

// keyLine is the line of a key of a mapping that has it.
func keyLine(mapping *yaml.Node, key string) int {
	i := slices.IndexFunc(mapping.Content, func(n *yaml.Node) bool { return n.Value == key })
	return mapping.Content[i].Line
}

// child is the value of a key of a mapping, or nil.
func child(mapping *yaml.Node, key string) *yaml.Node {
	if mapping == nil {
		return nil
	}
	if mapping.Kind == yaml.AliasNode {
		return child(mapping.Alias, key)
	}
	for i := 0; mapping.Kind == yaml.MappingNode && i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// orNearest asks whether another function was meant.
func orNearest(name string, functions []string) string {
	if near := Nearest(name, functions); near != "" {
		return ": is it " + near + "?"
	}
	return ": it is none of serverless.yml's"
}
