package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"
)

// sweeper calls a sweeper as the platform does.
type sweeper struct {
	address     string
	credentials string // of its role, see system.credentials
}

func (s sweeper) run(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return err
	}
	client := rpc.NewClient(conn)
	defer func() { _ = client.Close() }()
	var res messages.InvokeResponse
	deadline := time.Now().Add(time.Minute)
	err = client.Call("Function.Invoke", &messages.InvokeRequest{
		Payload:   []byte(`{"Type":"Timer","TriggerName":"sweep","Time":"2026-02-21T11:49:00Z","Message":""}`),
		RequestId: token(), FunctionName: "sweeper", Deadline: messages.InvokeRequest_Timestamp{Seconds: deadline.Unix()}, TimeLimitInMs: 60000, MemoryLimitInMb: 128, Environment: s.credentials,
	}, &res)
	if err == nil && res.Error != nil {
		err = errors.New(res.Error.Message)
	}
	return err
}

// Sweepers overlap: two processes, each called by several timers at once. No attempt is handed over twice.
func TestSweepersAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, 2, "SWEEP_INTERVAL", "100ms", "HEARTBEAT_TIMEOUT", "2s", "MAX_ATTEMPTS", "10")
	environ := s.environ(t, "sweeper")
	var sweepers []sweeper
	for _, v := range environ {
		if port, found := strings.CutPrefix(v, "_LAMBDA_SERVER_PORT="); found {
			sweepers = append(sweepers, sweeper{"127.0.0.1:" + port, s.credentials()})
		}
	}
	port := ownPort(t)
	launch(t, "sweeper", with(environ, "_LAMBDA_SERVER_PORT="+port))
	sweepers = append(sweepers, sweeper{"127.0.0.1:" + port, s.credentials()})
	if len(sweepers) != 2 {
		t.Fatal("the sweeper's port is not in its environment")
	}
	eventually(t, "the second sweeper answers", func() bool { return sweepers[1].run(t.Context()) == nil })

	const tasks = 12
	var orders []*order
	for i := range tasks {
		first := always(says(500, "{}"))
		if i%2 == 0 {
			first = takenWithHeartbeats // and is never heard of again
		}
		orders = append(orders, s.orderUnheard(t, inTurn(first, first, taken)))
	}
	var calm atomic.Bool
	var timers sync.WaitGroup
	for i := range 6 {
		timers.Go(func() {
			for !calm.Load() {
				if err := sweepers[i%2].run(t.Context()); err != nil {
					t.Errorf("sweep: %v", err)
					return
				}
			}
		})
	}
	for _, o := range orders {
		for n := 1; n <= 3; n++ {
			if d := o.job.next(t); d.fields["attempt"] != fmt.Sprint(n) || d.fields["task_id"] != o.TaskID {
				t.Errorf("hand-over %d is attempt %s", n, d.fields["attempt"])
			}
		}
		o.finish(3)
	}
	calm.Store(true)
	timers.Wait()
	for _, o := range orders {
		if doc := o.document(); doc.Status != "COMPLETED" || doc.Attempt != 3 || len(o.job.dispatches) != 0 {
			t.Errorf("%+v, and %d more hand-overs", doc, len(o.job.dispatches))
		}
		if all := s.listen(t, o.document().SseURL, "").until(t, "COMPLETED"); all[len(all)-1].id != fmt.Sprint(len(all)) {
			t.Errorf("events: %+v", all)
		}
	}
}
