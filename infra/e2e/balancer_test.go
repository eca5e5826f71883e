package e2e

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// Relays need no sticky balancer: whichever a client comes back to goes on after the event that the client has. Each request goes
// to the next relay in turn, and one of them is killed on the way.
func TestRelaysBehindABalancer(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	// A relay in a container has credentials of its own: no request brings those of a role.
	environ := with(s.environ(t, "relay"), "COS_SECRET_ID="+s.cosID, "COS_SECRET_KEY="+s.cosKey)
	var turn atomic.Int64
	var processes []*os.Process
	var relays []*httputil.ReverseProxy
	var served [3]atomic.Int64
	for range served {
		port := ownPort(t)
		processes = append(processes, launch(t, "relay", with(environ, "PORT="+port)).Process)
		eventually(t, "it listens", func() bool {
			conn, err := net.Dial("tcp", "127.0.0.1:"+port)
			if err == nil {
				_ = conn.Close()
			}
			return err == nil
		})
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "127.0.0.1:" + port})
		proxy.FlushInterval = -1 // at once
		proxy.ErrorLog = log.New(io.Discard, "", 0)
		relays = append(relays, proxy)
	}
	balancer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(turn.Add(1)) % len(relays)
		served[n].Add(1)
		relays[n].ServeHTTP(w, r)
	}))
	t.Cleanup(balancer.Close)

	o := s.orderUnheard(t, taken)
	o.job.next(t)
	through := *s
	base, err := url.Parse(balancer.URL)
	if err != nil {
		t.Fatal(err)
	}
	through.base, through.http = base, http.DefaultClient // a balancer's 502 is no answer of ours
	const results = 40
	var all sync.WaitGroup
	for range 7 {
		all.Go(func() {
			events := through.follow(t, o.SseURL, true)
			if len(events) != results+len(required())+3 || events[len(events)-1].read(t).Status != "COMPLETED" {
				t.Errorf("%d events", len(events))
			}
		})
	}
	for i := range results {
		if i == results/2 {
			if err := processes[2].Kill(); err != nil {
				t.Fatal(err)
			}
		}
		o.file(1, "part-"+strconv.Itoa(i), []byte{byte(i)}).want(t, http.StatusOK)
	}
	o.finish(1)
	all.Wait()
	if counts := []int64{served[0].Load(), served[1].Load(), served[2].Load()}; slices.Min(counts) < 7 {
		t.Errorf("the relays were asked %v times", counts)
	}
}
