package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

// launch brings one stage up or takes it down.
type launch struct {
	deployment manifest.Deployment // filled in with the stage's variables
	routes     manifest.Routes
	stage      stage
	base       *url.URL // PUBLIC_BASE_URL
	api        *api
	bucket     *cos.Client
	transport  http.RoundTripper
	rehearsal  *rehearsal // instead of the network, of a dry run
	dryRun     bool
	yes        bool
	wait       time.Duration
	out        io.Writer
	mask       *strings.Replacer
}

func newLaunch(d manifest.Deployment, routes manifest.Routes, s stage, o options, out io.Writer) (*launch, error) {
	l := &launch{
		deployment: d, routes: routes, stage: s, dryRun: o.dryRun, yes: o.yes, wait: o.wait, out: out, mask: s.mask(), transport: http.DefaultTransport,
	}
	var err error
	if l.base, err = origin(s, "PUBLIC_BASE_URL"); err != nil {
		return nil, err
	}
	bucket, err := origin(s, "COS_BUCKET_URL")
	if err != nil {
		return nil, err
	}
	if o.dryRun {
		l.rehearsal = &rehearsal{launch: l, bucket: bucket}
		l.transport = l.rehearsal
	}
	if o.transport != nil {
		l.transport = o.transport
	}
	l.api = newAPI(s, d.Region, l.transport, l.say)
	l.bucket = newBucket(s, bucket, l.transport)
	return l, nil
}

// origin reads a variable that is a scheme and a host and nothing else.
func origin(s stage, name string) (*url.URL, error) {
	u, err := url.Parse(s.vars[name])
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, fmt.Errorf("%s: %s is no http(s) URL of a host alone", s.file, name)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

func (l *launch) say(format string, args ...any) {
	_, _ = l.mask.WriteString(l.out, fmt.Sprintf(format+"\n", args...))
}

func (l *launch) plan(title string, steps ...step) plan {
	if l.dryRun {
		title += "\nA dry run: the checks are made, all else is printed and not done. To read is answered as by an account with nothing of this stage but what was printed before."
	}
	return plan{title: title, steps: steps, say: l.say}
}

// ready tells all that would stop a deployment halfway.
func (l *launch) ready() error {
	if l.dryRun {
		return nil
	}
	_, noToken := l.bearer()
	return errors.Join(l.installed(), noToken)
}

// up deploys.
func (l *launch) up(ctx context.Context) error {
	if err := l.ready(); err != nil {
		return err
	}
	return l.plan(
		fmt.Sprintf("%s stage %s, region %s, at %s", l.deployment.Name, l.stage.name, l.deployment.Region, l.base),
		step{"account", "may it be used, and what is there", l.account},
		step{"checks", "all that can be known beforehand", l.check},
		step{"package", "what is deployed", l.pack},
		step{"functions", "created or updated, by the scf CLI", l.deploy},
		step{"state", "the platform takes them into use", l.settle},
		step{"routes", "of " + l.base.Hostname() + ", from infra/cloud/routes.yaml", l.setRoutes},
		step{"cors", "pages may put pictures into the bucket and read from it", l.setCORS},
		step{"lifecycle", "what nobody claims is removed from the bucket", l.setLifecycle},
		step{"smoke", "one picture through " + l.base.String(), l.smoke},
	).run(ctx)
}

// down takes away what up made, and tells what stays.
func (l *launch) down(ctx context.Context, in io.Reader) error {
	if err := l.installed(); err != nil {
		return err
	}
	if l.dryRun {
		l.rehearsal.deployed()
	} else if err := l.ask(in); err != nil {
		return err
	}
	err := l.plan(
		fmt.Sprintf("taking %s stage %s away, region %s", l.deployment.Name, l.stage.name, l.deployment.Region),
		step{"routes", "of " + l.base.Hostname(), l.dropRoutes},
		step{"functions", "removed, by the scf CLI", l.remove},
		step{"cors", "this stage's rule of the bucket", l.dropCORS},
	).run(ctx)
	if err != nil {
		return err
	}
	l.say(`What stays, and may cost:
  bucket   %s, with all objects and its lifecycle rules
  Redis    with all tasks and pictures' records
  roles    %s-%s-*, the private network, the certificate, the logs
  DNS      %s`, l.bucket.BaseURL.BucketURL.Host, l.deployment.Name, l.stage.name, l.dns())
	return nil
}

// ask wants the stage's name from a person.
func (l *launch) ask(in io.Reader) error {
	if l.yes {
		return nil
	}
	_, _ = fmt.Fprintf(l.out, "This stops %s for everybody. To go on type the stage's name: ", l.base)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	if strings.TrimSpace(answer) != l.stage.name {
		return fmt.Errorf("that is not %s; nothing was changed", l.stage.name)
	}
	return nil
}

// account makes calls that change nothing: what a key or a certificate lacks is told before the minutes that the package takes.
func (l *launch) account(ctx context.Context) (string, error) {
	there, err := l.list(ctx)
	if err != nil {
		return "", remedy(err, "Is the key in the environment right, and may it call scf:* and cos:*? https://console.cloud.tencent.com/cam")
	}
	have, err := l.present(ctx, l.base.Hostname())
	if err != nil {
		return "", err
	}
	if have != nil {
		if err := l.foreign(*have); err != nil {
			return "", err
		}
	}
	if want := l.wanted(have); want.Protocol == "HTTPS" && want.CertConfig == nil && !l.dryRun {
		return "", remedy(fmt.Errorf("%s is not in the environment, and %s has none yet: https needs a certificate", certificate, want.Domain),
			"Have one made or uploaded at https://console.cloud.tencent.com/ssl, and take its id.")
	}
	return fmt.Sprintf("%d of %d functions are there", len(there), len(l.deployment.Functions)), nil
}

// owns tells whether a function on the platform is one of this stage.
func (l *launch) owns(name string) bool {
	return slices.ContainsFunc(l.deployment.Functions, func(f manifest.Function) bool { return f.Deployed == name })
}

// appID is the account's number: the bucket's name ends in it.
func (l *launch) appID() string {
	bucket, _, _ := strings.Cut(l.bucket.BaseURL.BucketURL.Host, ".")
	return bucket[strings.LastIndex(bucket, "-")+1:]
}
