package scf

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"strconv"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-lambda-go/lambdaurl"
)

// serveLambda answers the requests of a Lambda function URL. The library ends the process itself where the runtime's API is gone.
func serveLambda(ctx context.Context, _ hosting, handler http.Handler) error {
	var running invocations
	go lambdaurl.Start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, end := running.begin(r.Context())
		defer end()
		r = r.WithContext(ctx)
		completeRequest(r)
		hidePlatformHeaders(r.Header)
		setRequestID(r.Header, lambdaRequestID(ctx))
		// The library reads the header that it is given while the handler runs on, so it gets one of its own.
		answer := newResponse(r, w, func(status int, header http.Header) {
			maps.Copy(w.Header(), header)
			w.WriteHeader(status)
		})
		// An aborted answer ends where it is: the library has no way to tell its reader that more was to come.
		if err := serveUnlessAborted(handler, answer, r); err != nil {
			slog.Warn("answer aborted", "requestId", lambdaRequestID(ctx), "error", err)
			answer.WriteHeader(http.StatusInternalServerError)
		}
		answer.end()
	}))
	running.drain(ctx)
	return nil
}

// timeLambda runs f at each event, whatever is in it.
func timeLambda(ctx context.Context, _ hosting, f func(context.Context) error) error {
	var running invocations
	go lambda.Start(func(ctx context.Context, _ json.RawMessage) error {
		ctx, end := running.begin(ctx)
		defer end()
		err := f(ctx)
		if err != nil {
			slog.Error("run failed", "requestId", lambdaRequestID(ctx), "error", err)
		}
		return err
	})
	running.drain(ctx)
	return nil
}

// completeRequest adds what the library leaves out and net/http's server has.
func completeRequest(r *http.Request) {
	r.RequestURI = r.URL.RequestURI()
	r.ContentLength = -1
	switch e, ok := lambdaurl.RequestFromContext(r.Context()); {
	case ok && e.Body == "":
		r.Body, r.ContentLength = http.NoBody, 0
	case ok && !e.IsBase64Encoded:
		r.ContentLength = int64(len(e.Body))
	case ok:
		if n, err := strconv.ParseInt(r.Header.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
			r.ContentLength = n
		}
	}
}

func lambdaRequestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}
