// Package timer is the platform's timer trigger on this machine: it calls an event function with timer events, in the RPC
// that its library scf-go-lib speaks (net/rpc: Function.Ping, Function.Invoke).
package timer

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/rpc"
	"time"

	"github.com/google/uuid"
	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"
)

// Function is an event function that runs on this machine.
type Function struct {
	Name    string
	Address string        // host:port of its RPC
	Memory  int64         // bytes, which it is told
	Timeout time.Duration // of one event

	// Environment is what the platform sets anew at each event: the credentials of the function's role.
	Environment map[string]string
}

// Failure is what the function itself answered: that it failed.
type Failure struct{ Type, Message string }

func (e *Failure) Error() string { return e.Type + ": " + e.Message }

// Ping asks whether the function answers.
func (f Function) Ping(ctx context.Context) error {
	return f.call(ctx, "Function.Ping", &messages.PingRequest{}, &messages.PingResponse{})
}

// Invoke calls the function with an event and tells its answer. The error is a *Failure where the function said that it
// failed, and wraps context.DeadlineExceeded where it took longer than its time limit.
func (f Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	environment, err := json.Marshal(f.Environment)
	if err != nil {
		panic(fmt.Errorf("marshal an environment: %w", err)) // texts always marshal
	}
	req := &messages.InvokeRequest{
		Payload: event, RequestId: uuid.NewString(), FunctionName: f.Name, FunctionVersion: "$LATEST", Namespace: "default",
		Deadline:        messages.InvokeRequest_Timestamp{Seconds: deadline.Unix(), Nanos: int64(deadline.Nanosecond())},
		MemoryLimitInMb: int32(f.Memory >> 20), TimeLimitInMs: int32(f.Timeout.Milliseconds()), Environment: string(environment),
	}
	var res messages.InvokeResponse
	if err := f.call(ctx, "Function.Invoke", req, &res); err != nil {
		return nil, err
	}
	if e := res.Error; e != nil {
		return nil, &Failure{Type: e.Type, Message: e.Message}
	}
	return res.Payload, nil
}

// call makes one call on a connection of its own, for net/rpc knows no contexts: closing it is the only way to give up.
func (f Function) call(ctx context.Context, method string, args, reply any) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", f.Address)
	if err != nil {
		return fmt.Errorf("call %s: %w", f.Name, err)
	}
	client := rpc.NewClient(conn)
	defer func() { _ = client.Close() }()
	done := client.Go(method, args, reply, make(chan *rpc.Call, 1)).Done
	select {
	case c := <-done:
		if c.Error != nil {
			return fmt.Errorf("call %s: %w", f.Name, c.Error)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("call %s: no answer in time: %w", f.Name, ctx.Err())
	}
}
