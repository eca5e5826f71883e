// Licences reads software bills of materials (CycloneDX 1.4 and later, JSON).
//
//	licences judge FILE...         lists the licences of what is shipped; fails where one is not among the allowed
//	licences keep REQUIREMENTS     of a bill on the standard input, passes on what that requirements.txt pins
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	switch {
	case len(args) > 1 && args[0] == "judge":
		return judge(args[1:], out)
	case len(args) == 2 && args[0] == "keep":
		return keep(args[1], in, out)
	}
	return errors.New("usage: licences judge FILE... | licences keep REQUIREMENTS")
}

// component is a part of a product.
type component struct {
	Name     string
	Version  string
	Licenses []choice // as its maker says
	Evidence struct {
		Licenses []choice // as a tool found in its files
	}
}

// choice is a licence: an SPDX id, a name, or an SPDX expression.
type choice struct {
	Expression string
	License    struct{ ID, Name string }
}

func (c choice) text() string {
	switch {
	case c.Expression != "":
		return c.Expression
	case c.License.ID != "":
		return c.License.ID
	}
	return c.License.Name
}

// judge reads bills and lists their licences with who has them.
func judge(files []string, out io.Writer) error {
	var wrong []error
	holders := map[string]map[string]bool{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := private(content); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", file, err))
		}
		var bill struct {
			BOMFormat  string
			Components []component
		}
		if err := json.Unmarshal(content, &bill); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if bill.BOMFormat != "CycloneDX" || len(bill.Components) == 0 {
			return fmt.Errorf("%s is no bill of materials, or an empty one", file)
		}
		for _, c := range bill.Components {
			licence, err := c.licence()
			if err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %s %s: %w", filepath.Base(file), c.Name, c.Version, err))
				continue
			}
			if holders[licence] == nil {
				holders[licence] = map[string]bool{}
			}
			holders[licence][c.Name+" "+c.Version] = true
		}
	}
	for _, licence := range slices.Sorted(maps.Keys(holders)) {
		fmt.Fprintf(out, "%s (%d)\n", licence, len(holders[licence]))
		for _, holder := range slices.Sorted(maps.Keys(holders[licence])) {
			fmt.Fprintf(out, "  %s\n", holder)
		}
	}
	return errors.Join(wrong...)
}

// private finds what a list that is given away must not tell: folders and names of the machine that made it, and where it got things.
func private(content []byte) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	home := os.Getenv("HOME")
	for _, secret := range []string{"file://", dir, home + "/", `"` + host + `"`, "pypi.org", "pythonhosted", "://registry.", "://proxy."} {
		if len(secret) > 3 && strings.Contains(string(content), secret) {
			return fmt.Errorf("tells of the machine that made it: %s", secret)
		}
	}
	return nil
}

// licence is what a component may be used under. The error says why it may not be shipped.
func (c component) licence() (string, error) {
	choices := c.Licenses
	if len(choices) == 0 {
		choices = c.Evidence.Licenses
	}
	if known, ok := unsaid[c.Name]; ok && len(choices) == 0 {
		return known, nil
	}
	if len(choices) == 0 {
		return "", errors.New("says no licence: read it, and add what it is to infra/audit/licences/allowed.go")
	}
	var names []string
	for _, choice := range choices { // several are to be kept all
		name := choice.text()
		if spdx, ok := classifiers[name]; ok {
			if len(choices) > 1 {
				continue // it repeats what is said exactly beside it
			}
			name = spdx
		}
		if !permits(name) {
			return "", fmt.Errorf("is under %q, which is not among those that may be shipped (infra/audit/licences/allowed.go)", name)
		}
		names = append(names, name)
	}
	return strings.Join(slices.Compact(names), " AND "), nil
}

// permits evaluates an SPDX expression (without nested parentheses) over the allowed licences.
func permits(expression string) bool {
	expression = strings.NewReplacer("(", "", ")", "").Replace(expression)
	for all := range strings.SplitSeq(expression, " AND ") {
		if !slices.ContainsFunc(strings.Split(all, " OR "), func(one string) bool { return allowed[strings.TrimSpace(one)] }) {
			return false
		}
	}
	return true
}

// keep passes on a bill with only those components that a requirements.txt pins. An error names one that is not there.
func keep(requirements string, in io.Reader, out io.Writer) error {
	content, err := os.ReadFile(requirements)
	if err != nil {
		return err
	}
	missing := map[string]bool{}
	for line := range strings.Lines(string(content)) {
		if name, version, ok := strings.Cut(strings.Fields(line + " .")[0], "=="); ok {
			missing[normal(name)+" "+version] = true
		}
	}
	var bill map[string]any
	if err := json.NewDecoder(in).Decode(&bill); err != nil {
		return fmt.Errorf("read the bill of materials: %w", err)
	}
	refs := map[any]bool{}
	all, _ := bill["components"].([]any)
	bill["components"] = slices.DeleteFunc(all, func(c any) bool {
		about, _ := c.(map[string]any)
		key := normal(fmt.Sprint(about["name"])) + " " + fmt.Sprint(about["version"])
		kept := missing[key]
		delete(missing, key)
		refs[about["bom-ref"]] = kept
		return !kept
	})
	if graph, ok := bill["dependencies"].([]any); ok {
		bill["dependencies"] = slices.DeleteFunc(graph, func(d any) bool {
			about, _ := d.(map[string]any)
			kept, known := refs[about["ref"]]
			return known && !kept
		})
	}
	withoutSources(bill)
	if len(missing) > 0 {
		return fmt.Errorf("the worker's environment lacks %s: run make worker", strings.Join(slices.Sorted(maps.Keys(missing)), ", "))
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(bill)
}

// withoutSources takes away where things were downloaded from.
func withoutSources(value any) {
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			withoutSources(one)
		}
	case map[string]any:
		if refs, ok := v["externalReferences"].([]any); ok {
			v["externalReferences"] = slices.DeleteFunc(refs, func(ref any) bool {
				about, _ := ref.(map[string]any)
				return about["type"] == "distribution"
			})
		}
		for _, one := range v {
			withoutSources(one)
		}
	}
}

// normal is a package's name as PyPI compares it (PEP 503).
func normal(name string) string {
	return strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
}
