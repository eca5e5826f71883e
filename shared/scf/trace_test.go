package scf

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/recon3d/recon3d/shared/telemetry"
	"github.com/recon3d/recon3d/shared/telemetry/telemetrytest"
)

func TestSpansAreOutBeforeTheAnswerEnds(t *testing.T) {
	to := telemetrytest.Start(t)
	tracer := telemetry.New(telemetry.Config{Endpoint: to.URL, Timeout: 60_000, Ratio: 1})
	defer tracer.Close()
	server := httptest.NewServer(traceHandler(tracer, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, s := telemetry.Start(r.Context(), telemetry.Server, "GET")
		defer s.End()
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusNoContent)
	})))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // a cut connection that was used before is tried again
	for i, path := range []string{"/", "/abort"} {
		res, err := client.Get(server.URL + path)
		if (err != nil) != (path == "/abort") {
			t.Fatal(err)
		}
		if err == nil {
			res.Body.Close()
		}
		if n := len(to.Spans()); n != i+1 {
			t.Errorf("%s: %d spans had been exported", path, n)
		}
	}
}

func TestSpansOfARunAreOutAtItsEnd(t *testing.T) {
	to := telemetrytest.Start(t)
	tracer := telemetry.New(telemetry.Config{Endpoint: to.URL, Timeout: 60_000, Ratio: 1})
	defer tracer.Close()
	failed := errors.New("failed")
	run := traceTimer(tracer, func(ctx context.Context) error {
		_, s := telemetry.Start(ctx, telemetry.Internal, "sweep")
		s.End()
		return failed
	})
	if err := run(t.Context()); !errors.Is(err, failed) || len(to.Spans()) != 1 {
		t.Errorf("%v, %v", err, to.Spans())
	}
}

type draining struct {
	http.Handler
	drained bool
}

func (d *draining) Drain(context.Context) { d.drained = true }

func TestAHandlerThatDrainsDoes(t *testing.T) {
	h := &draining{Handler: http.NotFoundHandler()}
	if d, ok := traceHandler(nil, h).(drainer); !ok {
		t.Error("it is no drainer any more")
	} else if d.Drain(t.Context()); !h.drained {
		t.Error("it was not drained")
	}
	traceHandler(nil, http.NotFoundHandler()).(drainer).Drain(t.Context()) // has nothing to drain
}
