package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

const (
	pageSize  = 20              // of lists, the platform's own
	pollEvery = 3 * time.Second // while something is not yet as it should be
	longest   = 3 * time.Minute // until it has to be
)

// types are the platform's words for the kinds of functions.
var types = map[manifest.Kind]string{manifest.Web: "HTTP", manifest.Event: "Event"}

// deployed is a function as the platform lists it.
type deployed struct {
	FunctionName string
	Type         string // HTTP or Event
	Status       string // Active, or what is being done to it, or has failed
	StatusDesc   string
}

// list tells which functions of the deployment are on the platform, by name.
func (l *launch) list(ctx context.Context) (map[string]deployed, error) {
	found := map[string]deployed{}
	for offset := 0; ; {
		var page struct {
			Functions  []deployed
			TotalCount int
		}
		err := l.api.call(ctx, "ListFunctions", map[string]any{
			"Namespace": l.deployment.Namespace, "SearchKey": l.deployment.Name + "-" + l.stage.name + "-", "Offset": offset, "Limit": pageSize,
		}, &page)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Functions {
			if l.owns(f.FunctionName) {
				found[f.FunctionName] = f
			}
		}
		offset += len(page.Functions)
		if len(page.Functions) == 0 || offset >= page.TotalCount {
			return found, nil
		}
	}
}

// settle waits until every function is there, of its kind, and can be called. The scf CLI ends well when the last function was handed
// over, and not when the platform has taken them into use.
func (l *launch) settle(ctx context.Context) (string, error) {
	err := until(ctx, longest, func() error {
		there, err := l.list(ctx)
		if err != nil {
			return err
		}
		var missing []error
		for _, want := range l.deployment.Functions {
			f, ok := there[want.Deployed]
			switch {
			case !ok:
				missing = append(missing, fmt.Errorf("%s is not there", want.Deployed))
			case f.Type != types[want.Kind]:
				return remedy(fmt.Errorf("%s is a function of type %s, and should be %s", f.FunctionName, f.Type, types[want.Kind]),
					"The type is fixed at creation: delete that function in the console, then deploy again.")
			case strings.HasSuffix(f.Status, "Failed"):
				return remedy(fmt.Errorf("%s is %s: %s", f.FunctionName, f.Status, f.StatusDesc),
					"tccli scf GetFunction --region %s --FunctionName %s tells why.", l.deployment.Region, f.FunctionName)
			case f.Status != "Active":
				missing = append(missing, fmt.Errorf("%s is still %s", f.FunctionName, f.Status))
			}
		}
		if len(missing) == 0 {
			return nil
		}
		return pending{errors.Join(missing...)}
	})
	return fmt.Sprintf("%d functions can be called", len(l.deployment.Functions)), err
}

// gone waits until none of the deployment's functions is left.
func (l *launch) gone(ctx context.Context) error {
	return until(ctx, longest, func() error {
		there, err := l.list(ctx)
		if err != nil || len(there) == 0 {
			return err
		}
		return pending{fmt.Errorf("still there: %s", strings.Join(slices.Sorted(maps.Keys(there)), ", "))}
	})
}

// pending is what is not yet so, and may be soon.
type pending struct{ error }

// until asks again and again while what it is told is pending, and no longer than patience.
func until(ctx context.Context, patience time.Duration, so func() error) error {
	for deadline := time.Now().Add(patience); ; {
		err := so()
		if !errors.As(err, &pending{}) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v: %w", patience, err)
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}
