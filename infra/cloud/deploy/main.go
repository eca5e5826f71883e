// Deploy brings a stage of recon3d to Tencent Cloud, takes it away again, and tries out a deployed address.
//
//	deploy [-dry-run] [-env FILE] up STAGE
//	deploy [-dry-run] [-env FILE] [-yes] down STAGE
//	deploy [-wait 15m] smoke STAGE|URL
//
// It is run at the repository's root. Whatever it does it can do again: what is there and as it should be is left alone.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

const (
	ymlFile     = "serverless.yml"
	routesFile  = "infra/cloud/routes.yaml"
	exampleFile = "infra/cloud/env.example"
)

const usage = `usage: deploy [flags] up STAGE          checks, packages, deploys, sets the domain and the bucket, tries it out
       deploy [flags] down STAGE        takes functions and domain away; objects and Redis stay
       deploy [flags] smoke STAGE|URL   runs one small picture through a deployed address

STAGE is a name such as prod; its variables are in infra/cloud/STAGE.env, made from infra/cloud/env.example. The account is in the environment:
TENCENT_SECRET_ID, TENCENT_SECRET_KEY, TENCENT_TOKEN; so are CERTIFICATE_ID of the domain, at first, and SMOKE_TOKEN where JWT_SECRET is empty.
`

// longestSmoke is how long the smoke test waits for the address to answer, and then for the model.
const longestSmoke = 15 * time.Minute

func main() {
	// A second Ctrl-C changes nothing: shells and make may send one of them twice.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	dryRun bool
	yes    bool
	env    string
	wait   time.Duration

	transport http.RoundTripper // instead of the network
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	return runThrough(ctx, nil, args, in, out)
}

// runThrough runs the command line args with transport for the network, unless that is nil.
func runThrough(ctx context.Context, transport http.RoundTripper, args []string, in io.Reader, out io.Writer) error {
	o := options{transport: transport}
	flags := flag.NewFlagSet("deploy", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.BoolVar(&o.dryRun, "dry-run", false, "run the checks, print every other command and call of a first deployment, and make none")
	flags.BoolVar(&o.yes, "yes", false, "down: do not ask")
	flags.StringVar(&o.env, "env", "", "the stage's variables, instead of infra/cloud/STAGE.env")
	flags.DurationVar(&o.wait, "wait", longestSmoke, "how long the smoke test waits, for the address and for the model")
	flags.Usage = func() {
		_, _ = fmt.Fprint(out, usage, "\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	verb, target := flags.Arg(0), flags.Arg(1)
	if flags.NArg() != 2 || target == "" {
		flags.Usage()
		return errors.New("say which stage: make deploy STAGE=name")
	}
	if verb == "smoke" && strings.Contains(target, "://") {
		return smokeURL(ctx, target, o.wait, out)
	}
	l, err := open(target, o, out)
	if err != nil {
		return err
	}
	switch verb {
	case "up":
		return l.up(ctx)
	case "down":
		return l.down(ctx, in)
	case "smoke":
		return l.plan("smoke test of stage "+target, step{"smoke", "one picture through " + l.base.String(), l.smoke}).run(ctx)
	}
	return fmt.Errorf("deploy knows up, down and smoke, not %q", verb)
}

// open reads all that is known of a stage before anything is called.
func open(name string, o options, out io.Writer) (*launch, error) {
	if o.env == "" {
		o.env = filepath.Join("infra", "cloud", name+".env")
		if _, err := os.Stat(o.env); o.dryRun && errors.Is(err, fs.ErrNotExist) {
			o.env = exampleFile
		}
	}
	s, err := readStage(name, o.env, os.Getenv, !o.dryRun)
	if err != nil {
		return nil, err
	}
	if s.file == exampleFile {
		_, _ = fmt.Fprintf(out, "with the values of %s, which stand in for a stage of its own\n", exampleFile)
	}
	d, err := manifest.ReadDeployment(ymlFile)
	if err != nil {
		return nil, err
	}
	routes, err := manifest.ReadRoutes(routesFile, d)
	if err != nil {
		return nil, err
	}
	return newLaunch(d.Expand(s.vars), routes, s, o, out)
}
