package manifest

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// What the framework reads, by where it stands. It takes any other key in silence.
var (
	fileKeys        = strings.Fields("app stage component name inputs")
	inputKeys       = strings.Fields("src region namespace runtime functions triggers")
	functionKeys    = strings.Fields("name type handler description memorySize timeout initTimeout role vpcConfig environments instanceConcurrencyConfig tags publicAccess cls")
	vpcKeys         = strings.Fields("vpcId subnetId")
	clsKeys         = strings.Fields("logsetId topicId")
	concurrencyKeys = strings.Fields("enable dynamicEnabled maxConcurrency")
	variableKeys    = strings.Fields("key value")
	triggerKeys     = strings.Fields("type function parameters")
	httpKeys        = strings.Fields("name authType netConfig qualifier enable")
	netKeys         = strings.Fields("enableExtranet enableIntranet")
	timerKeys       = strings.Fields("name cronExpression enable argument qualifier")
)

// fixed are the values of which there is no choice.
var fixed = []struct{ path, value, why string }{
	{"component", "multi-scf", "the one that takes many functions"},
	{"app", "recon3d", "the framework knows a deployment by it, and would leave what is there and make another beside it"},
	{"inputs namespace", "default", "in another one the framework does not find the functions when it sets their triggers; stages differ by name"},
	{"inputs runtime", "Go1", "the package has programs that need no other"},
	{"inputs src src", ".build/bundle", "that is what make package makes"},
}

// elsewhere says of keys that the framework knows, or is thought to, why they can't stand where they do.
var elsewhere = map[string]string{
	"inputs role":         "is not handed on to the functions by every version of the component: write it in each of them",
	"inputs vpc":          "is not handed on to the functions by every version of the component: write vpcConfig in each of them",
	"inputs vpcConfig":    "is not handed on to the functions by every version of the component: write it in each of them",
	"inputs cls":          "is not handed on to the functions by every version of the component: write it in each of them",
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
	"route method":         "is not known to the platform: each function tells methods apart itself, take it away",
	"http corsConfig":      "has the platform answer for CORS beside the functions, which do it themselves (CORS_ORIGINS): take it away",
}

// checkKeys tells of every key that would have no effect, or another than it seems to have.
func checkKeys(file *yaml.Node, wrong *problems) {
	for _, f := range fixed {
		n, at := file, file
		for key := range strings.FieldsSeq(f.path) {
			if n = child(n, key); n != nil {
				at = n
			}
		}
		if n == nil || n.Value != f.value {
			wrong.add(at.Line, "%s must be %s: %s", strings.ReplaceAll(f.path, " ", "."), f.value, f.why)
		}
	}
	if n := child(file, "name"); n == nil || n.Value == "" {
		wrong.add(1, "name is not set, and the framework would ask for it: it is recon3d")
	}
	known(file, "file", "", fileKeys, wrong)
	inputs := child(file, "inputs")
	known(inputs, "inputs", "inputs.", inputKeys, wrong)
	functions := child(inputs, "functions")
	for i := 0; functions != nil && i+1 < len(functions.Content); i += 2 {
		name, f := functions.Content[i].Value, functions.Content[i+1]
		known(f, "function", "function "+name+": ", functionKeys, wrong)
		if tags := child(f, "tags"); tags != nil && tags.Kind != yaml.SequenceNode {
			wrong.add(tags.Line, "function %s: tags must be a list: [{key, value}]", name)
		}
		known(own(f, "vpcConfig"), "vpc", "function "+name+": vpcConfig: ", vpcKeys, wrong)
		known(own(f, "cls"), "cls", "function "+name+": cls: ", clsKeys, wrong)
		known(own(f, "instanceConcurrencyConfig"), "concurrency", "function "+name+": instanceConcurrencyConfig: ", concurrencyKeys, wrong)
		checkVariables(name, child(f, "environments"), wrong)
	}
	triggers := child(inputs, "triggers")
	for i := 0; triggers != nil && i < len(triggers.Content); i++ {
		t := triggers.Content[i]
		known(t, "trigger", "trigger: ", triggerKeys, wrong)
		if kind := child(t, "type"); kind != nil && kind.Value == "http" {
			known(own(t, "parameters"), "http", "http trigger: ", httpKeys, wrong)
			known(own(own(t, "parameters"), "netConfig"), "net", "http trigger: netConfig: ", netKeys, wrong)
		} else if kind != nil && kind.Value == "timer" {
			known(child(t, "parameters"), "timer", "timer trigger: ", timerKeys, wrong)
		}
	}
}

// checkVariables tells of items of a function's environments that are none.
func checkVariables(function string, environments *yaml.Node, wrong *problems) {
	if environments == nil {
		return
	}
	if environments.Kind != yaml.SequenceNode {
		wrong.add(environments.Line, "function %s: environments must be a list: [{key, value}]", function)
		return
	}
	for _, item := range environments.Content {
		if item.Kind == yaml.AliasNode {
			continue // told where it is written
		}
		known(item, "variable", "function "+function+": environments: ", variableKeys, wrong)
		if child(item, "key") != nil && child(item, "value") == nil {
			wrong.add(item.Line, "function %s: %s has no value, and would be the text \"undefined\": write value: \"\" where it is to be empty", function, child(item, "key").Value)
		}
	}
}

// checkRouteKeys tells of every key of routes.yaml that nothing reads.
func checkRouteKeys(document yaml.Node, wrong *problems) {
	if len(document.Content) == 0 {
		return
	}
	known(document.Content[0], "file", "", []string{"routes"}, wrong)
	if routes := child(document.Content[0], "routes"); routes != nil {
		for _, r := range routes.Content {
			known(r, "route", "", []string{"path", "function"}, wrong)
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
			wrong.add(key.Line, "%s%s: nobody reads it, and nobody says so: is it %s?", prefix, key.Value, near)
		} else {
			wrong.add(key.Line, "%s%s: nobody reads it, and nobody says so: take it away; what is read is %s", prefix, key.Value, strings.Join(keys, ", "))
		}
	}
}

// keyLine is the line of a key of a mapping that has it.
func keyLine(mapping *yaml.Node, key string) int {
	i := slices.IndexFunc(mapping.Content, func(n *yaml.Node) bool { return n.Value == key })
	return mapping.Content[i].Line
}

// own is the value of a key where it is written, and nil where it is an alias: what is wrong with that is told once.
func own(mapping *yaml.Node, key string) *yaml.Node {
	if n := child(mapping, key); n != nil && n.Kind != yaml.AliasNode {
		return n
	}
	return nil
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
