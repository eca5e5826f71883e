package cosstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/shared/fault"
)

const (
	tries = 3
	// pause is the longest wait before the second try; before the third it is four times that.
	pause = 200 * time.Millisecond
	// quick bounds one try of a request that moves no data to speak of.
	quick = 5 * time.Second
	// perMiB is added for each MiB that a try moves.
	perMiB = time.Second
	// copying bounds one try of a server-side copy, of some hundred MiB.
	copying = 60 * time.Second
)

// retry calls do until it succeeds or going on is of no use, with a time limit for each try, and tells the last error in
// this package's terms. Every operation here can be repeated without harm.
func retry(ctx context.Context, limit time.Duration, what, key string, do func(context.Context) error) error {
	var err error
	for try := range tries {
		if try > 0 {
			select {
			case <-time.After(rand.N(pause << (2 * (try - 1)))):
			case <-ctx.Done():
				return fmt.Errorf("%s %s: %w", what, key, ctx.Err())
			}
		}
		one, cancel := context.WithTimeout(ctx, limit)
		err = unwrap(do(one))
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s %s: %w", what, key, ctx.Err())
		}
		if status, _ := answered(err); status != 0 && status < 500 || errors.Is(err, errNoCredentials) {
			break
		}
	}
	return fmt.Errorf("%s %s: %w", what, key, translate(err))
}

// unwrap takes the errors out of the SDK's RetryError, which hides them from package errors.
func unwrap(err error) error {
	var hidden *cos.RetryError
	if errors.As(err, &hidden) {
		return errors.Join(hidden.Errs...)
	}
	return err
}

// translate turns an error of the SDK into one of this package.
func translate(err error) error {
	status, code := answered(err)
	switch {
	case notFound(err):
		return ErrNotFound
	case code == "PreconditionFailed" || status == http.StatusPreconditionFailed:
		return ErrChanged
	}
	return fault.Away("The object storage", err)
}

const codeNotFound = "NoSuchKey"

// notFound tells whether COS answered that there is no such object. The answer to HEAD has no body to name a code; a
// bucket that is not there is 404 with another code.
func notFound(err error) bool {
	status, code := answered(err)
	return code == codeNotFound || status == http.StatusNotFound && code == ""
}

// answered tells COS's answer, if err is one: its status, and the code in its body. A copy may fail after its status 200
// was sent; that counts as 500.
func answered(err error) (status int, code string) {
	var e *cos.ErrorResponse
	if !errors.As(err, &e) || e.Response == nil {
		return 0, ""
	}
	if e.Response.StatusCode == http.StatusOK {
		return http.StatusInternalServerError, e.Code
	}
	return e.Response.StatusCode, e.Code
}
