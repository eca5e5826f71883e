package crowd

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is a server that sends each client of a path the numbers that it lists, then keeps the stream open, or ends it where
// the last one is 0.
type script struct {
	*httptest.Server
	mu      sync.Mutex
	numbers map[string][]int
	asked   []string // paths with the last event id, in the order of the requests
}

func serve(t *testing.T, numbers map[string][]int) *script {
	s := &script{numbers: numbers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		list, known := s.numbers[r.URL.Path]
		s.asked = append(s.asked, r.URL.Path+" "+r.Header.Get("Last-Event-ID"))
		s.mu.Unlock()
		if !known {
			http.NotFound(w, r)
			return
		}
		flush := http.NewResponseController(w).Flush
		for _, n := range list {
			if n == 0 {
				return
			}
			fmt.Fprintf(w, "id: %d\ndata: x\n\n", n)
			if flush() != nil {
				return
			}
		}
		fmt.Fprint(w, ":\n\n")
		if flush() != nil {
			return
		}
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	return s
}

// visit starts a crowd that watches topic i of a server by the path /i.
func (s *script) visit(t *testing.T, size int, change func(*Config)) *Crowd {
	t.Helper()
	cfg := Config{
		Address: strings.TrimPrefix(s.URL, "http://"), Size: size, Topic: func(client int) int { return client },
		Request: func(client int, lastID string) []byte {
			return fmt.Appendf(nil, "GET /%d HTTP/1.1\r\nHost: x\r\nLast-Event-ID: %s\r\n\r\n", client, lastID)
		},
	}
	if change != nil {
		change(&cfg)
	}
	c, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func tally(t *testing.T, c *Crowd) Tally {
	t.Helper()
	got, err := c.Tally()
	must(t, err)
	return got
}

func TestLossAndDoublingAreSeen(t *testing.T) {
	for name, c := range map[string]struct {
		numbers                        []int
		fresh                          int64
		lost, doubled, missing, excess int64
	}{
		"all":            {[]int{1, 2, 3, 4, 5}, 5, 0, 0, 0, 0},
		"one lost":       {[]int{1, 2, 4, 5}, 4, 1, 0, 0, 0},
		"the first lost": {[]int{3, 4, 5}, 3, 2, 0, 0, 0},
		"the last lost":  {[]int{1, 2, 3}, 3, 0, 0, 2, 0},
		"one doubled":    {[]int{1, 2, 2, 3, 4, 5}, 5, 0, 1, 0, 0},
		"out of order":   {[]int{1, 3, 2, 4, 5}, 4, 1, 1, 0, 0},
		"begun anew":     {[]int{1, 2, 3, 1, 2, 3, 4, 5}, 5, 0, 3, 0, 0},
		"one too many":   {[]int{1, 2, 3, 4, 5, 6}, 6, 0, 0, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			crowd := serve(t, map[string][]int{"/0": c.numbers, "/1": {1, 2, 3, 4, 5}}).visit(t, 2, nil)
			must(t, crowd.Connect(soon(t)))
			must(t, crowd.Delivered(soon(t), c.fresh+5))
			must(t, crowd.await(soon(t), func() bool { return crowd.loop.tally.Comments == 2 })) // which comes last
			got := tally(t, crowd)
			missing, excess, err := crowd.Missing(func(int) int64 { return 5 })
			must(t, err)
			if got.Lost != c.lost || got.Doubled != c.doubled || missing != c.missing || excess != c.excess || got.Open != 2 || got.Delivered != int64(len(c.numbers))+5 {
				t.Errorf("%+v, missing %d, in excess %d", got, missing, excess)
			}
		})
	}
}

func TestWhoDropsGoesOnFromItsLastEvent(t *testing.T) {
	s := serve(t, map[string][]int{"/0": {1, 2}, "/1": {1, 2, 3}})
	c := s.visit(t, 2, nil)
	must(t, c.Connect(soon(t)))
	must(t, c.Delivered(soon(t), 5))
	must(t, c.Drop())
	if got := tally(t, c); got.Open != 0 || got.Cut != 0 {
		t.Errorf("after dropping: %+v", got)
	}
	s.mu.Lock()
	s.numbers = map[string][]int{"/0": {3, 4, 5}, "/1": {3, 4, 5}} // the second is sent one that it has
	s.mu.Unlock()
	must(t, c.Connect(soon(t)))
	must(t, c.Delivered(soon(t), 10))
	if got := tally(t, c); got.Open != 2 || got.Lost != 0 || got.Doubled != 1 || got.Delivered != 11 {
		t.Errorf("after coming back: %+v", got)
	}
	slices.Sort(s.asked)
	if want := []string{"/0 ", "/0 2", "/1 ", "/1 3"}; !slices.Equal(s.asked, want) {
		t.Errorf("asked %q, want %q", s.asked, want)
	}
}

func TestStreamsThatEndAreCut(t *testing.T) {
	c := serve(t, map[string][]int{"/0": {1, 0}, "/1": {1}}).visit(t, 2, nil)
	must(t, c.Connect(soon(t)))
	must(t, c.await(soon(t), func() bool { return c.loop.tally.Cut == 1 }))
	if got := tally(t, c); got.Open != 1 || got.Failed != 0 {
		t.Errorf("%+v", got)
	}
}

func TestWhoGetsNoStreamFails(t *testing.T) {
	c := serve(t, map[string][]int{"/0": {1}}).visit(t, 2, nil)
	if err := c.Connect(soon(t)); err == nil || !strings.Contains(err.Error(), "1 of 2 clients got no stream: answered HTTP/1.1 404") {
		t.Errorf("connected: %v", err)
	}
	nobody := serve(t, nil)
	nobody.Close()
	if err := nobody.visit(t, 1, nil).Connect(soon(t)); err == nil {
		t.Error("connected to nothing")
	}
}

func TestWaitingEnds(t *testing.T) {
	c := serve(t, map[string][]int{"/0": {1}}).visit(t, 1, nil)
	must(t, c.Connect(soon(t)))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Delivered(ctx, 2); err == nil || !strings.Contains(err.Error(), "of 2 events delivered") {
		t.Errorf("waited for what does not come: %v", err)
	}
	c.Close()
	if err := c.Delivered(soon(t), 2); err == nil {
		t.Error("a closed crowd delivers")
	}
	c.Close() // again
}

func TestMuteClientsReadNothing(t *testing.T) {
	// More than what the buffers of both ends take, which are small where the client asks for it.
	const many = 100_000
	numbers := make([]int, many)
	for i := range numbers {
		numbers[i] = i + 1
	}
	s := serve(t, map[string][]int{"/0": numbers, "/1": numbers})
	c := s.visit(t, 2, func(cfg *Config) { cfg.Mute = func(client int) bool { return client == 0 } })
	must(t, c.Connect(soon(t)))
	must(t, c.await(soon(t), func() bool { return c.loop.clients[1].last == many }))
	missing, _, err := c.Missing(func(int) int64 { return many })
	must(t, err)
	if got := tally(t, c); got.Delivered > many+muteBite || missing != 0 || got.Open != 2 {
		t.Errorf("%+v, missing %d", got, missing)
	}
}

func TestEventsAreTimed(t *testing.T) {
	clock := NewClock(2, 4)
	clock.Stamp(0, 2)
	clock.Stamp(1, 3)
	began := time.Now()
	c := serve(t, map[string][]int{"/0": {1, 2, 3}, "/1": {1, 2, 3}}).visit(t, 2, func(cfg *Config) { cfg.Sent = clock })
	must(t, c.Connect(soon(t)))
	must(t, c.Delivered(soon(t), 6))
	delays, err := c.Delays()
	must(t, err)
	if most := time.Since(began) + time.Second; delays.Count() != 2 || delays.Percentile(100) <= 0 || delays.Percentile(100) > most {
		t.Errorf("%d timed, the longest %v", delays.Count(), delays.Percentile(100))
	}
	must(t, c.Forget())
	if delays, err = c.Delays(); err != nil || delays.Count() != 0 {
		t.Errorf("%d timed after forgetting, %v", delays.Count(), err)
	}
}
