// Check tells everything that can be known before a deployment: what is wrong in serverless.yml, in the domain's routes and in the
// stage's variables, each with file, line and remedy, all at once.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

const usage = `usage: check [-env FILE] [-bin FOLDER]

Tells what is wrong in serverless.yml, infra/cloud/routes.yaml and the stage's variables, before anything is deployed.
Run it in the root of the repository, with the functions built (make build). Exit code 1: something is wrong; 2: it could not be told.

`

func main() {
	var files tree
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.StringVar(&files.env, "env", "", "the stage's `FILE` of NAME=value lines, as infra/cloud/env.example; without it this process's environment is the stage")
	flag.StringVar(&files.bin, "bin", ".build/bin", "the `FOLDER` of the functions' binaries")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	files.root = "."
	wrong, warnings, err := check(files)
	if err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(2)
	}
	for _, w := range warnings {
		fmt.Println("warning:", w)
	}
	for _, p := range wrong {
		fmt.Println(p)
	}
	if len(wrong) > 0 {
		fmt.Fprintf(os.Stderr, "%s to mend before a deployment\n", count(len(wrong), "thing"))
		os.Exit(1)
	}
	fmt.Println("nothing to mend before a deployment")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// tree is where everything is.
type tree struct {
	root string // of the repository
	env  string // the stage's file; "": this process's environment
	bin  string // the functions' binaries
}

const (
	ymlFile     = "serverless.yml"
	routesFile  = "infra/cloud/routes.yaml"
	exampleFile = "infra/cloud/env.example"
	openapiFile = "infra/docs/openapi.yaml"
	guideFile   = "infra/docs/operations.md"
	cloudFolder = "infra/cloud"
	rolesFolder = cloudFolder + "/roles"
)

// check runs every rule. The error is why it could not be told.
func check(files tree) (wrong, warnings manifest.Problems, err error) {
	s, err := open(files)
	if err != nil {
		return nil, nil, err
	}
	if len(s.wrong) > 0 && (len(s.deployment.Functions) == 0 || len(s.routes) == 0 || len(s.stage.values) == 0) {
		return s.wrong, nil, nil // a file can't be read at all: whatever else would be told follows from that
	}
	for _, rule := range rules {
		if err := rule(s); err != nil {
			return nil, nil, err
		}
	}
	s.wrong.Sort()
	s.warnings.Sort()
	return s.wrong, s.warnings, nil
}

// rules are all that is checked beside what manifest refuses, each in the file of its name.
var rules = []func(*subject) error{
	checkNames,
	checkNetwork,
	checkLogs,
	checkRoles,
	checkReferences,
	checkEnvironment,
	checkSameness,
	checkStart,
	checkSecrets,
	checkValues,
	checkTimes,
	checkPaths,
}

// subject is what is checked, and what was found.
type subject struct {
	tree
	deployment manifest.Deployment // as it stands in the file
	filled     manifest.Deployment // with the stage's variables
	routes     manifest.Routes
	stage      stage
	sources    sources // what the functions' programs read and answer

	wrong, warnings manifest.Problems
}

func (s *subject) add(file string, line int, format string, args ...any) {
	s.wrong = append(s.wrong, manifest.Problem{File: file, Line: line, Text: fmt.Sprintf(format, args...)})
}

func (s *subject) warn(file string, line int, format string, args ...any) {
	s.warnings = append(s.warnings, manifest.Problem{File: file, Line: line, Text: fmt.Sprintf(format, args...)})
}

// take keeps problems as findings. Any other error is passed on.
func (s *subject) take(err error) error {
	var problems manifest.Problems
	if !errors.As(err, &problems) {
		return err
	}
	for _, p := range problems {
		p.File = s.relative(p.File)
		s.wrong = append(s.wrong, p)
	}
	return nil
}
