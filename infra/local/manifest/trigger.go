package manifest

import (
	"maps"
	"slices"

	"gopkg.in/yaml.v3"
)

// trigger is one item of inputs.triggers.
type trigger struct {
	Type       string
	Function   string
	Parameters struct {
		Name           string
		CronExpression string `yaml:"cronExpression"`
		Enable         *bool
		Argument       string
		AuthType       string `yaml:"authType"`
		Qualifier      string
		NetConfig      struct {
			EnableExtranet bool `yaml:"enableExtranet"`
		} `yaml:"netConfig"`
	}
	line, cron int  // lines of the item and of its cronExpression
	aliased    bool // its parameters are those of another, which is checked
}

func (t *trigger) UnmarshalYAML(n *yaml.Node) error {
	type plain trigger
	t.line, t.cron = n.Line, n.Line
	if parameters := child(n, "parameters"); parameters != nil {
		t.aliased = parameters.Kind == yaml.AliasNode
		if at := child(parameters, "cronExpression"); at != nil {
			t.cron = at.Line
		}
	}
	return n.Decode((*plain)(t))
}

func (t *trigger) check(functions map[string]function, wrong *problems) {
	f, known := functions[t.Function]
	switch {
	case !known:
		wrong.add(t.line, "trigger of the unknown function %q%s", t.Function, orNearest(t.Function, slices.Sorted(maps.Keys(functions))))
	case t.Type == "http" && f.Type != Web:
		wrong.add(t.line, "http trigger of %s, which is no web function: multipart bodies would be damaged", t.Function)
	case t.Type == "http" && t.aliased:
	case t.Type == "http" && !t.Parameters.NetConfig.EnableExtranet:
		wrong.add(t.line, "http trigger of %s needs netConfig: {enableExtranet: true}: nobody would reach its URL", t.Function)
	case t.Type == "http" && t.Parameters.AuthType != "NONE":
		wrong.add(t.line, "http trigger of %s needs authType: NONE: the platform would refuse callers that each function lets in by itself", t.Function)
	case t.Type == "http" && t.Parameters.Qualifier != "$DEFAULT":
		wrong.add(t.line, "http trigger of %s needs qualifier: $DEFAULT: the second deployment would not find it, and fail", t.Function)
	case t.Type == "http" && t.Parameters.Enable != nil && !*t.Parameters.Enable:
		wrong.add(t.line, "http trigger of %s is off: take enable: false away", t.Function)
	case t.Type == "timer" && f.Type != Event:
		wrong.add(t.line, "timer trigger of %s, which is no event function", t.Function)
	case t.Type == "timer" && (t.Parameters.Enable == nil || !*t.Parameters.Enable):
		wrong.add(t.line, "timer trigger of %s needs enable: true: it would be made and stay off", t.Function)
	case t.Type == "timer":
		if err := checkCron(t.Parameters.CronExpression); err != nil {
			wrong.add(t.cron, "timer trigger of %s: %v", t.Function, err)
		}
	case t.Type != "http":
		wrong.add(t.line, "trigger type %q is none of http and timer", t.Type)
	}
}
