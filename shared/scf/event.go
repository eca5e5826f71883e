package scf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/tencentyun/scf-go-lib/cloudfunction"
	"github.com/tencentyun/scf-go-lib/functioncontext"
)

// rpcHandler is what scf-go-lib calls with each event.
type rpcHandler func(ctx context.Context, payload []byte) ([]byte, error)

// Invoke implements cloudfunction.Handler.
func (f rpcHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

// serveRPC answers the platform's calls until ctx is done. The library ends the process itself where it can't listen, and it listens on all
// addresses, HOST notwithstanding: that is fixed in it. On the platform nothing but the platform reaches an instance; elsewhere a
// firewall has to keep the port to this machine, for whoever reaches it can call the function and set its environment.
func serveRPC(ctx context.Context, how hosting, invoke rpcHandler) {
	var running invocations
	go cloudfunction.StartHandler(rpcHandler(func(ctx context.Context, payload []byte) ([]byte, error) {
		ctx, end := running.begin(ctx)
		defer end()
		return invoke(withEventCredentials(ctx), payload)
	}))
	slog.Info("listening", "port", how.RPCPort)
	running.drain(ctx)
}

// serveEvents turns events of API Gateway and of function URLs into requests.
//
// An answer leaves when it is whole, so a stream of events ends with what there is at its first flush: the handler is told that its
// client has left. An EventSource comes back after the time of `retry:` with the id of the last event that it has, and so gets all of them,
// later.
func serveEvents(ctx context.Context, how hosting, handler http.Handler) error {
	serveRPC(ctx, how, func(ctx context.Context, payload []byte) ([]byte, error) {
		var e event
		if err := json.Unmarshal(payload, &e); err != nil {
			return nil, fmt.Errorf("read event: %w", err)
		}
		ctx, leave := context.WithCancel(ctx)
		defer leave()
		r, err := e.request(ctx)
		if err != nil {
			return nil, fmt.Errorf("turn event into a request: %w", err)
		}
		hidePlatformHeaders(r.Header)
		setRequestID(r.Header, functionRequestID(ctx))
		var status int
		var header http.Header
		var body bytes.Buffer // leaves whole, when the handler has ended
		w := newResponse(r, &body, func(s int, h http.Header) { status, header = s, h })
		w.flushed = func() {
			if isEventStream(header) {
				leave()
			}
		}
		if err := serveUnlessAborted(handler, w, r); err != nil {
			return nil, err
		}
		w.end()
		return json.Marshal(newAnswer(status, header, body.Bytes()))
	})
	return nil
}

// timeEvents runs f at each event, whatever is in it: a timer's holds nothing that f needs.
func timeEvents(ctx context.Context, how hosting, f func(context.Context) error) error {
	serveRPC(ctx, how, func(ctx context.Context, _ []byte) ([]byte, error) {
		if err := f(ctx); err != nil {
			slog.Error("run failed", "requestId", functionRequestID(ctx), "error", err)
			return nil, err
		}
		return []byte("null"), nil
	})
	return nil
}

func functionRequestID(ctx context.Context) string {
	if fc, ok := functioncontext.FromContext(ctx); ok {
		return fc.RequestID
	}
	return ""
}

// setRequestID passes the platform's id on, unless the caller or a gateway gave the request one.
func setRequestID(h http.Header, id string) {
	if h.Get("X-Request-Id") == "" && id != "" {
		h.Set("X-Request-Id", id)
	}
}

var errAborted = errors.New("the handler gave its answer up")

// serveUnlessAborted turns the panic that net/http has for a handler which can't go on into an error; other ones pass.
func serveUnlessAborted(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = errAborted
		default:
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}
