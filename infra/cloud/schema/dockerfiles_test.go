package schema

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// image is a Dockerfile as BuildKit reads it.
type image struct {
	path   string
	stages []instructions.Stage
}

func dockerfile(t *testing.T, path string) image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	parsed, err := parser.Parse(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for _, w := range parsed.Warnings {
		t.Errorf("%s: %s", path, w.Short)
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return image{path, stages}
}

// stage finds a stage by its name; "" is the last.
func (i image) stage(name string) *instructions.Stage {
	if name == "" {
		return &i.stages[len(i.stages)-1]
	}
	if at, ok := instructions.HasStage(i.stages, name); ok {
		return &i.stages[at]
	}
	return nil
}

// command finds the last instruction of a type in a stage.
func command[C instructions.Command](s *instructions.Stage) (found C, ok bool) {
	for _, c := range s.Commands {
		if one, is := c.(C); is {
			found, ok = one, true
		}
	}
	return found, ok
}

// context tells whether a file of the repository gets to the builder: the .dockerignore of the same name keeps most from it.
func (i image) context(t *testing.T, path string) bool {
	t.Helper()
	f, err := os.Open(i.path + ".dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	patterns, err := ignorefile.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	m, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := m.MatchesOrParentMatches(path)
	if err != nil {
		t.Fatal(err)
	}
	return !ignored
}

func images(t *testing.T) map[string]image {
	t.Helper()
	paths, err := filepath.Glob(root + "/infra/cloud/images/*.Dockerfile")
	if err != nil || len(paths) < 3 {
		t.Fatalf("found %v, %v", paths, err)
	}
	all := map[string]image{}
	for _, path := range paths {
		all[strings.TrimSuffix(filepath.Base(path), ".Dockerfile")] = dockerfile(t, path)
	}
	return all
}

// What an image copies is in the repository and is sent to the builder; what a stage copies from another one comes from one before it.
func TestImagesCopyWhatIsThere(t *testing.T) {
	for name, i := range images(t) {
		for at, s := range i.stages {
			for _, c := range s.Commands {
				copied, ok := c.(*instructions.CopyCommand)
				if !ok {
					continue
				}
				if copied.From != "" {
					if from, ok := instructions.HasStage(i.stages, copied.From); !ok || from >= at {
						t.Errorf("%s: %s copies from %s, which is no stage before it", name, s.Name, copied.From)
					}
					continue
				}
				for _, source := range copied.SourcePaths {
					if _, err := os.Stat(filepath.Join(root, source)); err != nil {
						t.Errorf("%s copies %s, which is not there", name, source)
					}
					if !i.context(t, source) {
						t.Errorf("%s copies %s, which its .dockerignore keeps back", name, source)
					}
				}
			}
		}
		for _, kept := range []string{".git/config", ".data/secrets.json", "functions/web/node_modules/vue/index.js", "infra/cloud/compose/.env", "infra/cloud/prod.env", "functions/worker/.venv/bin/python"} {
			if i.context(t, kept) {
				t.Errorf("%s sends %s to the builder", name, kept)
			}
		}
	}
}

// step is a script of the repository that an image runs, as it is called there.
var step = regexp.MustCompile(`^(/setup/\w+)|\./(infra/\S+)|make (\w+)`)

// The steps of images are those of make: scripts and programs of the repository, and targets of the Makefile.
func TestImagesAreMadeByTheStepsOfMake(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for name, i := range images(t) {
		steps := 0
		for _, s := range i.stages {
			for _, c := range s.Commands {
				run, ok := c.(*instructions.RunCommand)
				if !ok {
					continue
				}
				for _, m := range step.FindAllStringSubmatch(strings.Join(run.CmdLine, " "), -1) {
					steps++
					switch {
					case m[1] != "":
						script := filepath.Join(root, "infra", "local", "setup", filepath.Base(m[1]))
						if info, err := os.Stat(script); err != nil || info.Mode()&0o111 == 0 {
							t.Errorf("%s runs %s, which is no script of infra/local/setup", name, m[1])
						}
						if !bytes.Contains(makefile, []byte("infra/local/setup/"+filepath.Base(m[1]))) {
							t.Errorf("%s runs %s, and make does not", name, m[1])
						}
					case m[2] != "":
						if _, err := os.Stat(filepath.Join(root, m[2], "main.go")); err != nil {
							t.Errorf("%s builds or runs %s, which is no program", name, m[2])
						}
					default:
						if !bytes.Contains(makefile, []byte("\n"+m[3]+":")) {
							t.Errorf("%s makes %s, which the Makefile does not know", name, m[3])
						}
					}
				}
			}
		}
		if steps == 0 && name != "worker-cuda" { // its engine has packages of its own
			t.Errorf("%s runs no step of this repository", name)
		}
	}
}

// What runs is nobody's root, says how it is, and listens where the image says.
func TestImagesRun(t *testing.T) {
	for name, row := range map[string]struct{ stage, user, ports string }{
		"functions":      {"functions", "65532:65532", "[9000]"},
		"functions host": {"host", "65532:65532", "[8080 8081]"},
		"worker":         {"", "worker", "[8000]"},
		"worker-cuda":    {"", "worker", "[8000]"},
	} {
		file, _, _ := strings.Cut(name, " ")
		s := images(t)[file].stage(row.stage)
		user, ok := command[*instructions.UserCommand](s)
		if !ok || user.User != row.user {
			t.Errorf("%s runs as %v", name, user)
		}
		if ports, ok := command[*instructions.ExposeCommand](s); !ok || fmt.Sprint(ports.Ports) != row.ports {
			t.Errorf("%s exposes %v", name, ports)
		}
		health, ok := command[*instructions.HealthCheckCommand](s)
		if !ok || len(health.Health.Test) < 2 || health.Health.Test[0] != "CMD" {
			t.Errorf("%s does not say how it is: %v", name, health)
		}
		entry, ok := command[*instructions.EntrypointCommand](s)
		if !ok || entry.PrependShell {
			t.Errorf("%s starts nothing, or a shell, which would not pass SIGTERM on", name)
		}
		for _, program := range []string{health.Health.Test[1], entry.CmdLine[0]} {
			if filepath.IsAbs(program) && !madeIn(s, program) {
				t.Errorf("%s runs %s, which nothing copies there", name, program)
			}
		}
	}
}

// madeIn tells whether a stage copies a program to where it is run, itself or its folder.
func madeIn(s *instructions.Stage, program string) bool {
	return slices.ContainsFunc(s.Commands, func(c instructions.Command) bool {
		copied, ok := c.(*instructions.CopyCommand)
		return ok && (copied.DestPath == program || strings.HasPrefix(program, strings.TrimSuffix(copied.DestPath, "/")+"/"))
	})
}

// Every base is of a version.
func TestBasesAreOfAVersion(t *testing.T) {
	for name, i := range images(t) {
		for _, s := range i.stages {
			if _, tag, ok := strings.Cut(s.BaseName, ":"); s.BaseName != "scratch" && (!ok || tag == "latest") {
				if _, stage := instructions.HasStage(i.stages, s.BaseName); !stage {
					t.Errorf("%s is from %s of whatever version", name, s.BaseName)
				}
			}
		}
	}
}
