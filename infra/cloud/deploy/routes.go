package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// qualifier is the version that the domain's paths lead to: what was deployed last, as in the vendor's own examples.
const qualifier = "$LATEST"

// domain is a custom domain of SCF. https://cloud.tencent.com/document/api/583/111926
type domain struct {
	Domain          string
	Protocol        string // HTTP or HTTPS
	EndpointsConfig []endpoint
	CertConfig      *certConfig `json:",omitempty"`
}

type certConfig struct{ CertificateId string } //nolint:revive // the vendor's name

// endpoint is where one path leads to.
type endpoint struct {
	Namespace    string
	FunctionName string
	Qualifier    string
	PathMatch    string
	PathRewrite  []rewrite `json:",omitempty"` // ours has none; one that was made by hand is taken away
}

type rewrite struct{ Path, Type, Rewrite string }

// wanted is the domain as routes.yaml has it. Where no certificate is named it keeps the one that it has.
func (l *launch) wanted(have *domain) domain {
	d := domain{Domain: l.base.Hostname(), Protocol: "HTTP"}
	if l.base.Scheme == "https" {
		d.Protocol = "HTTPS"
		if id := l.stage.vars[certificate]; id != "" {
			d.CertConfig = &certConfig{id}
		} else if have != nil {
			d.CertConfig = have.CertConfig
		}
	}
	for _, r := range l.routes {
		f, _ := l.deployment.Function(r.Function) // ReadRoutes has seen that it is there
		d.EndpointsConfig = append(d.EndpointsConfig, endpoint{
			Namespace: l.deployment.Namespace, FunctionName: f.Deployed, Qualifier: qualifier, PathMatch: r.Path,
		})
	}
	return d.normal()
}

// normal is d in the one form in which equal ones are equal.
func (d domain) normal() domain {
	d.EndpointsConfig = slices.Clone(d.EndpointsConfig)
	slices.SortFunc(d.EndpointsConfig, func(a, b endpoint) int { return cmp.Compare(a.PathMatch, b.PathMatch) })
	for i := range d.EndpointsConfig {
		if len(d.EndpointsConfig[i].PathRewrite) == 0 {
			d.EndpointsConfig[i].PathRewrite = nil
		}
	}
	if d.CertConfig != nil && d.CertConfig.CertificateId == "" {
		d.CertConfig = nil
	}
	return d
}

// present tells the domain as the platform has it, or nil. It is looked for in the list: by which code the platform says that one does
// not exist is documented nowhere.
func (l *launch) present(ctx context.Context, name string) (*domain, error) {
	for offset := 0; ; {
		var page struct {
			Total   int
			Domains []domain
		}
		if err := l.api.call(ctx, "ListCustomDomains", map[string]any{"Offset": offset, "Limit": pageSize}, &page); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(page.Domains, func(d domain) bool { return d.Domain == name }) {
			var d domain
			if err := l.api.call(ctx, "GetCustomDomain", map[string]string{"Domain": name}, &d); err != nil {
				return nil, err
			}
			d = d.normal()
			return &d, nil
		}
		offset += len(page.Domains)
		if len(page.Domains) == 0 || offset >= page.Total {
			return nil, nil
		}
	}
}

// foreign refuses a domain that leads to functions which are not of this stage: somebody else's would be cut off.
func (l *launch) foreign(d domain) error {
	for _, e := range d.EndpointsConfig {
		if e.Namespace != l.deployment.Namespace || !l.owns(e.FunctionName) {
			return remedy(fmt.Errorf("%s%s leads to %s of namespace %s, which is not of this stage", d.Domain, e.PathMatch, e.FunctionName, e.Namespace),
				"Take another PUBLIC_BASE_URL, or remove that path by hand at https://console.cloud.tencent.com/scf/custom-domain.")
		}
	}
	return nil
}

// setRoutes makes the domain what routes.yaml says: created, updated, or left alone.
func (l *launch) setRoutes(ctx context.Context) (string, error) {
	have, err := l.present(ctx, l.base.Hostname())
	if err != nil {
		return "", err
	}
	want := l.wanted(have)
	action, did := "CreateCustomDomain", "created"
	if have != nil {
		if reflect.DeepEqual(*have, want) {
			return fmt.Sprintf("%s has its %d paths", want.Domain, len(want.EndpointsConfig)), nil
		}
		if err := l.foreign(*have); err != nil {
			return "", err
		}
		action, did = "UpdateCustomDomain", "updated"
	}
	if err := l.api.call(ctx, action, want, nil); err != nil {
		return "", remedy(err, "A domain must be registered for services in mainland China (ICP), and its certificate be issued. Its DNS record is %s", l.dns())
	}
	err = until(ctx, longest, func() error {
		have, err := l.present(ctx, want.Domain)
		switch {
		case err != nil:
			return err
		case have == nil || !reflect.DeepEqual(*have, want):
			return pending{errors.New("the platform does not have the paths yet")}
		}
		return nil
	})
	return fmt.Sprintf("%s %s, %d paths", want.Domain, did, len(want.EndpointsConfig)), err
}

// dropRoutes removes the domain from the platform, if it is this stage's.
func (l *launch) dropRoutes(ctx context.Context) (string, error) {
	name := l.base.Hostname()
	have, err := l.present(ctx, name)
	if err != nil {
		return "", err
	}
	if have == nil {
		return name + " is not there", nil
	}
	if err := l.foreign(*have); err != nil {
		return "", err
	}
	if err := l.api.call(ctx, "DeleteCustomDomain", map[string]string{"Domain": name}, nil); err != nil {
		return "", err
	}
	return name + " leads nowhere any more", nil
}

// dns says which record the domain needs. The bucket's name ends in the account's AppId.
func (l *launch) dns() string {
	return fmt.Sprintf("%s CNAME %s.%s.tencentscf.com", l.base.Hostname(), l.appID(), l.deployment.Region)
}
