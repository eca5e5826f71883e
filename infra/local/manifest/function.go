package manifest

import (
	"regexp"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// function is one entry of inputs.functions.
type function struct {
	Name         string
	Type         Kind
	Handler      string
	Role         string
	MemorySize   number `yaml:"memorySize"` // MB
	Timeout      number // seconds
	Environments []variable
	Concurrency  *struct {
		Enable         bool
		Dynamic        bool   `yaml:"dynamicEnabled"`
		MaxConcurrency number `yaml:"maxConcurrency"`
	} `yaml:"instanceConcurrencyConfig"`
	VPC *struct {
		ID     string `yaml:"vpcId"`
		Subnet string `yaml:"subnetId"`
	} `yaml:"vpcConfig"`
	CLS   Topic
	line  int
	lines map[string]int // of its keys
}

func (f *function) UnmarshalYAML(n *yaml.Node) error {
	type plain function
	f.lines = map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f.lines[n.Content[i].Value] = n.Content[i].Line
	}
	if err := n.Decode((*plain)(f)); err != nil {
		return err
	}
	if list := child(n, "environments"); list != nil && list.Kind == yaml.SequenceNode {
		for i := range f.Environments {
			item := list.Content[i]
			f.Environments[i].line = item.Line
			if item.Kind == yaml.AliasNode {
				item = item.Alias
			}
			f.Environments[i].at = item.Line
		}
	}
	return nil
}

// at is the line of a key, or of the function where it lacks the key.
func (f *function) at(key string) int {
	if line, ok := f.lines[key]; ok {
		return line
	}
	return f.line
}

// variable is an item of environments.
type variable struct {
	Key, Value string
	line, at   int // where it is given to this function, and where its value stands: another line for an alias
}

func (f *function) as(name string) Function {
	found := Function{
		Name: name, Deployed: f.Name, Kind: f.Type, Handler: f.Handler, Role: f.Role, Line: f.line,
		Memory: int64(f.MemorySize) << 20, Timeout: time.Duration(f.Timeout) * time.Second, InVPC: f.VPC != nil, Log: f.CLS,
	}
	for _, v := range f.Environments {
		found.Environment = append(found.Environment, Variable{v.Key, v.Value, v.line, v.at})
	}
	return found
}

// variableName is what the platform takes as one.
var variableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

func (f *function) check(name string, wrong *problems) {
	if f.Type != Web && f.Type != Event {
		wrong.add(f.at("type"), "function %s: type must be web or event, for it can't be changed later", name)
	}
	if f.MemorySize != 64 && (f.MemorySize < 128 || f.MemorySize > 3072 || f.MemorySize%128 != 0) {
		wrong.add(f.at("memorySize"), "function %s: memorySize must be 64, or a multiple of 128 up to 3072 (MB), not %d", name, f.MemorySize)
	}
	if f.Timeout < 1 || f.Timeout > 900 {
		wrong.add(f.at("timeout"), "function %s: timeout must be set, 1 to 900 (s); the platform's own is 3", name)
	}
	if f.VPC != nil && (f.VPC.ID == "" || f.VPC.Subnet == "") {
		wrong.add(f.at("vpcConfig"), "function %s: vpcConfig needs both vpcId and subnetId", name)
	}
	lines := map[string]int{}
	for _, v := range f.Environments {
		if before, twice := lines[v.Key]; twice {
			wrong.add(v.line, "function %s: %s is in line %d already: take one of them away", name, v.Key, before)
		}
		lines[v.Key] = v.line
		if !variableName.MatchString(v.Key) {
			wrong.add(v.line, "function %s: %q is no name of a variable: letters, digits and _, a letter first", name, v.Key)
		}
		for _, reserved := range []string{"SCF_", "QCLOUD_", "TENCENTCLOUD_"} {
			if strings.HasPrefix(v.Key, reserved) {
				wrong.add(v.line, "function %s: %s has a prefix that the platform keeps for itself: call it otherwise", name, v.Key)
			}
		}
	}
	if c := f.Concurrency; c != nil && (!c.Enable || f.Type != Web || c.MaxConcurrency < 2 || c.MaxConcurrency > 100) {
		wrong.add(f.at("instanceConcurrencyConfig"), "function %s: instanceConcurrencyConfig is for web functions, with enable: true and maxConcurrency 2 to 100; else take it away", name)
	} else if c != nil && c.Dynamic {
		wrong.add(f.at("instanceConcurrencyConfig"), "function %s: dynamicEnabled must be false: with true the platform chooses how many requests an instance serves at once", name)
	}
}
