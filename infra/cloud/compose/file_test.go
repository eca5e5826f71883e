package compose

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

const root = "../../.."

// file is what the tests read of compose.yaml, with its variables filled in. That it is right as a compose file, infra/cloud/schema
// tests.
type file struct {
	Services map[string]service
	Configs  map[string]struct{ Content string }
}

type service struct {
	Image       string
	Restart     string
	Build       struct{ Context, Dockerfile, Target string }
	Command     []string
	Entrypoint  []string
	Environment map[string]string
	Ports       []string
	Profiles    []string
	Networks    map[string]struct{ Aliases []string }
	Healthcheck struct{ Test []string }
}

// read reads compose.yaml with the variables of env.
func read(t *testing.T, env map[string]string) file {
	t.Helper()
	data, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := interpolate(string(data), env)
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := yaml.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// reference is one of the forms that compose.yaml uses: ${NAME:?}, which has to be there, ${NAME:-preset} and ${NAME-preset}.
var reference = regexp.MustCompile(`\$\{([A-Z_]+)(:\?|:-|-)([^}]*)\}|\$`)

func interpolate(text string, env map[string]string) (string, error) {
	var wrong error
	text = reference.ReplaceAllStringFunc(text, func(match string) string {
		m := reference.FindStringSubmatch(match)
		value, set := env[m[1]]
		switch {
		case m[1] == "":
			wrong = fmt.Errorf("compose.yaml has a $ of another form")
		case m[2] == ":?" && value == "":
			wrong = fmt.Errorf("compose.yaml needs %s, which env.example does not set", m[1])
		case m[2] == ":-" && value == "", m[2] == "-" && !set:
			return m[3]
		}
		return value
	})
	return text, wrong
}

func example(t *testing.T) map[string]string {
	t.Helper()
	stage, err := manifest.ReadStage("env.example")
	if err != nil {
		t.Fatal(err)
	}
	return stage.Map()
}

func TestEveryVariableOfTheExampleIsUsed(t *testing.T) {
	data, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	env := example(t)
	for name := range env {
		if !strings.Contains(string(data), "${"+name) && name != "COMPOSE_PROFILES" { // that one compose itself reads
			t.Errorf("compose.yaml has no use for %s of env.example", name)
		}
	}
	for _, m := range reference.FindAllStringSubmatch(string(data), -1) {
		if _, set := env[m[1]]; !set {
			t.Errorf("env.example does not set %s", m[1])
		}
	}
}

// What a function gets here and not on the platform: there its role has the keys, and the routes of the domain lead workers back.
var here = map[string]bool{"COS_SECRET_ID": true, "COS_SECRET_KEY": true, "CALLBACK_BASE_URL": true, "RELAY_LEAN": true, "_LAMBDA_SERVER_PORT": true, "OTEL_BSP_SCHEDULE_DELAY": true}

// Each function of serverless.yml is a service, with the variables that it has there, which are held against what its program reads, and
// with those that stand for the platform here.
func TestFunctionsAreThoseOfTheCloud(t *testing.T) {
	d, err := manifest.ReadDeployment(filepath.Join(root, "serverless.yml"))
	if err != nil {
		t.Fatal(err)
	}
	services := read(t, example(t)).Services
	for _, f := range d.Functions {
		s, ok := services[f.Name]
		if !ok {
			t.Errorf("compose.yaml has no %s", f.Name)
			continue
		}
		for _, v := range f.Environment {
			if got, given := s.Environment[v.Name]; !given {
				t.Errorf("%s lacks %s", f.Name, v.Name)
			} else if (v.Name == "FUNCTION" || v.Name == "RUN_MODE") && got != v.Value {
				t.Errorf("%s has %s=%s, and on the platform %s", f.Name, v.Name, got, v.Value)
			}
		}
		for name := range s.Environment {
			if _, given := f.Variable(name); !given && !here[name] {
				t.Errorf("%s gets %s, and not on the platform", f.Name, name)
			}
		}
		_, bucket := s.Environment["COS_BUCKET_URL"]
		_, keys := s.Environment["COS_SECRET_KEY"]
		if keys != (bucket && f.Role != "") {
			t.Errorf("%s: has keys of the bucket: %v; has a role on the platform: %v", f.Name, keys, f.Role != "")
		}
	}
}

// Only the gateway and the bucket can be reached from outside of the containers' network, and where the file says no more, from this host alone.
func TestWhatIsPublished(t *testing.T) {
	published := map[string]string{"gateway": "8080", "cos": "8081"}
	env := example(t)
	delete(env, "BIND")
	for name, s := range read(t, env).Services {
		want := []string{}
		if port := published[name]; port != "" {
			want = []string{"127.0.0.1:" + port + ":" + port}
		}
		if fmt.Sprint(s.Ports) != fmt.Sprint(want) {
			t.Errorf("%s publishes %v, not %v", name, s.Ports, want)
		}
	}
}
