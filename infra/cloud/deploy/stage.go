package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

// What only a deployment needs, and no function. It comes from the environment, where pipelines keep such things, and not from the
// stage's file, of which everything goes to functions. The account's three are named as the scf CLI reads them.
const (
	secretID    = "TENCENT_SECRET_ID"
	secretKey   = "TENCENT_SECRET_KEY" //nolint:gosec // a name
	token       = "TENCENT_TOKEN"      //nolint:gosec // a name; of temporary credentials
	certificate = "CERTIFICATE_ID"     // of the domain, in the vendor's SSL service; by default the one that the domain has
	smokeToken  = "SMOKE_TOKEN"        // a bearer token for the smoke test, where JWT_SECRET can't sign one
)

var own = []string{secretID, secretKey, token, certificate, smokeToken}

// stage is one deployment's variables: those of its file and our own. What else a shell happens to have never reaches a stage.
type stage struct {
	name string
	file string
	vars map[string]string
}

// readStage reads the file of a stage, which must hold what serverless.yml asks for and nothing else. Where calls will be made the credentials must
// be there, and the file be no copy of the example under its own name: a rehearsal takes that for any stage. The error has a line for each
// thing that is wrong.
func readStage(name, file string, environ func(string) string, calls bool) (stage, error) {
	s := stage{name: name, file: file, vars: map[string]string{}}
	if !manifest.StageForm.MatchString(name) {
		return s, fmt.Errorf("stage %q: must be a name of small letters, digits and dashes, 30 at most", name)
	}
	variables, err := manifest.ReadStage(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%s does not exist: copy infra/cloud/env.example there and fill it in", file)
	}
	yml, unread := os.ReadFile(ymlFile)
	wrong := []error{err, unread}
	needed := manifest.References(string(yml))
	for _, v := range variables {
		switch {
		case slices.Contains(own, v.Name):
			wrong = append(wrong, fmt.Errorf("%s:%d: %s belongs into the environment: what stands here goes to functions", file, v.Line, v.Name))
		case !slices.Contains(needed, v.Name):
			wrong = append(wrong, fmt.Errorf("%s:%d: %s is no variable of a stage%s; infra/cloud/env.example has them all", file, v.Line, v.Name, meant(v.Name, needed)))
		case strings.Contains(v.Value, "${"):
			wrong = append(wrong, fmt.Errorf("%s:%d: %s: the scf CLI would fill in what stands as ${…}; write the value itself", file, v.Line, v.Name))
		}
	}
	s.vars = variables.Map()
	if isExample(file) {
		s.vars["STAGE"] = name
		if calls {
			wrong = append(wrong, fmt.Errorf("%s is committed, and everybody knows its secrets: copy it to infra/cloud/%s.env, and fill that in", file, name))
		}
	}
	slices.Sort(needed)
	for _, key := range slices.Compact(needed) {
		if _, ok := s.vars[key]; !ok {
			wrong = append(wrong, fmt.Errorf("%s: %s is missing; write %s= where there is none", file, key, key))
		}
	}
	if said, ok := s.vars["STAGE"]; ok && said != name {
		wrong = append(wrong, fmt.Errorf("%s: is of stage %s, and you asked for %s", file, said, name))
	}
	for _, key := range own {
		if value := environ(key); value != "" {
			s.vars[key] = value
		} else if calls && (key == secretID || key == secretKey) {
			wrong = append(wrong, fmt.Errorf("%s is not in the environment: a key of https://console.cloud.tencent.com/cam/capi", key))
		}
	}
	return s, errors.Join(wrong...)
}

func isExample(file string) bool {
	one, err := os.Stat(file)
	example, unread := os.Stat(exampleFile)
	return err == nil && unread == nil && os.SameFile(one, example)
}

func meant(name string, candidates []string) string {
	if near := manifest.Nearest(name, candidates); near != "" {
		return " (is it " + near + "?)"
	}
	return ""
}

// keyless is the environment that commands inherit, without what only a deployment needs: npm runs programs of others.
func keyless() []string {
	return slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains(own, name)
	})
}

// environ is the stage and its account, for the scf CLI, after what it inherits.
func (s stage) environ() []string {
	list := os.Environ()
	for _, key := range slices.Sorted(maps.Keys(s.vars)) {
		list = append(list, key+"="+s.vars[key])
	}
	return list
}

// secretName is how variables are called whose values nobody may read.
var secretName = regexp.MustCompile(`SECRETS?$|_KEY$|TOKEN$|^REDIS_URL$|^TENCENT_SECRET_ID$`)

// mask replaces what is secret of the stage.
func (s stage) mask() *strings.Replacer {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(s.vars)) {
		if secretName.MatchString(key) {
			for _, secret := range strings.Fields(s.vars[key]) {
				pairs = append(pairs, secret, "***")
			}
		}
	}
	return strings.NewReplacer(pairs...)
}
