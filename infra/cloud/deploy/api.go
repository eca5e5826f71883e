package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tcerr "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"
)

const (
	apiVersion = "2018-04-16"
	apiTries   = 6                // with pauses of 1, 2, 4, 8 and 16 s
	apiTimeout = 60 * time.Second // of one request
)

// passing are the codes after which a call is made again, all of them safe to repeat: too many calls, the platform's own trouble, and a
// function that is still being changed. They are those of the vendor's SDK (scf/v20180416/errors.go).
var passing = []string{"RequestLimitExceeded", "InternalError", "FailedOperation.OperationConflict", "FailedOperation.FunctionStatusError"}

// api is the vendor's API of SCF (https://cloud.tencent.com/document/api/583). The vendor's SDK signs, sends and reads errors; its
// package of SCF's own types is not published as a Go module that can be fetched, so that the few that are needed are here.
type api struct {
	client *common.Client
	say    func(format string, args ...any)
}

// newAPI calls as the stage's account through transport.
func newAPI(s stage, region string, transport http.RoundTripper, say func(string, ...any)) *api {
	p := profile.NewClientProfile()
	p.Language = "en-US"
	p.HttpProfile.ReqTimeout = int(apiTimeout.Seconds())
	credentials := common.NewTokenCredential(s.vars[secretID], s.vars[secretKey], s.vars[token])
	return &api{client: common.NewCommonClient(credentials, region, p).WithHttpTransport(transport), say: say}
}

// call makes one call and reads its answer into result, unless that is nil. Passing trouble is waited out. The error names the call, the
// platform's code and the id of the request.
func (a *api) call(ctx context.Context, action string, params, result any) error {
	wait := time.Second
	for try := 1; ; try++ {
		err := a.once(ctx, action, params, result)
		if err == nil || ctx.Err() != nil || try == apiTries || !passes(err) {
			return err
		}
		a.say("  %v; again in %v", err, wait)
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait *= 2
	}
}

func (a *api) once(ctx context.Context, action string, params, result any) error {
	body, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	request := tchttp.NewCommonRequest("scf", apiVersion, action)
	request.SetContext(ctx)
	if err := request.SetActionParameters(body); err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	response := tchttp.NewCommonResponse()
	if err := a.client.Send(request, response); err != nil {
		var refused *tcerr.TencentCloudSDKError
		if errors.As(err, &refused) && refused.RequestId != "" {
			return &refusal{action: action, TencentCloudSDKError: refused}
		}
		return fmt.Errorf("%s: %w", action, err)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(response.GetBody(), &struct{ Response any }{result}); err != nil {
		return fmt.Errorf("%s: the answer is not understood: %w", action, err)
	}
	return nil
}

// refusal is an error of the API, for a person.
type refusal struct {
	action string
	*tcerr.TencentCloudSDKError
}

func (e *refusal) Error() string {
	return fmt.Sprintf("%s: %s (%s, request %s)", e.action, e.Message, e.Code, e.RequestId)
}

func (e *refusal) Unwrap() error { return e.TencentCloudSDKError }

// passes tells whether the same call may well succeed later.
func passes(err error) bool {
	var refused *tcerr.TencentCloudSDKError
	if errors.As(err, &refused) && slices.ContainsFunc(passing, func(code string) bool {
		return refused.Code == code || strings.HasPrefix(refused.Code, code+".")
	}) {
		return true
	}
	var network net.Error
	return errors.As(err, &network)
}
