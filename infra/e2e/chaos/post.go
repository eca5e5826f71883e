package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// post carries the workers' callbacks to the backend. It writes down each of them and its answer, and while it is told to, it behaves
// like the worst of networks: delivers twice, late, out of turn, or again what was said long ago. It has no secret: what it sends is what
// was signed.
type post struct {
	backend string // the gateway's address
	client  *http.Client
	sender  func(host string) string // which worker calls by that address
	ledger  *ledger
	mood    atomic.Pointer[Fault] // nil: it passes on what comes
	under   sync.WaitGroup        // what is to be delivered later

	mu   sync.Mutex
	rng  *rand.Rand
	kept []letter // what was delivered, of those that change something
}

// letter is a callback.
type letter struct {
	path   string
	header http.Header
	body   []byte
	call   Call // what is known before it is answered
}

const (
	// longestKept is how large a letter may be that is kept for a replay, in bytes.
	longestKept = 128 << 10
	// mostKept is how many are.
	mostKept = 4000
)

func newPost(backend string, seed uint64, l *ledger, sender func(string) string) *post {
	return &post{
		backend: "http://" + backend, ledger: l, sender: sender, rng: rand.New(rand.NewPCG(seed, 2)),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 5 * time.Second}, Timeout: 30 * time.Second},
	}
}

func (p *post) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // it broke off: nothing was said
	}
	l := letter{path: r.URL.Path, header: r.Header, body: body, call: read(r, body)}
	l.call.Worker = p.sender(r.Host)
	m := p.mood.Load()
	if m == nil || !p.chance() {
		m = &Fault{}
	}
	switch m.Kind {
	case "callbacks twice":
		p.under.Go(func() { p.deliver(context.WithoutCancel(r.Context()), l.copied()) })
	case "callbacks out of turn", "callbacks too late":
		p.later(l, p.upTo(time.Duration(m.Amount)*time.Millisecond, m.Kind == "callbacks too late"))
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case "answers lost":
		p.deliver(r.Context(), l)
		panic(http.ErrAbortHandler)
	}
	status, header, answer := p.deliver(r.Context(), l)
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	for _, name := range []string{"Content-Type", "Retry-After"} {
		if v := header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer) // the worker may have left
}

// copied is a letter that its worker did not send (just now).
func (l letter) copied() letter {
	l.call.Copy = true
	return l
}

// later delivers a copy when some time has passed.
func (p *post) later(l letter, after time.Duration) {
	p.under.Go(func() {
		<-time.After(after)
		p.deliver(context.Background(), l.copied())
	})
}

// replay delivers n old letters again, those first whose attempt is over.
func (p *post) replay(n int) {
	p.mu.Lock()
	kept := slices.Clone(p.kept)
	p.rng.Shuffle(len(kept), func(i, j int) { kept[i], kept[j] = kept[j], kept[i] })
	p.mu.Unlock()
	newest := map[string]int{}
	for _, l := range kept {
		newest[l.call.TaskID] = max(newest[l.call.TaskID], l.call.Attempt)
	}
	slices.SortStableFunc(kept, func(a, b letter) int {
		return newest[a.call.TaskID] - a.call.Attempt - (newest[b.call.TaskID] - b.call.Attempt)
	})
	slices.Reverse(kept)
	for _, l := range kept[:min(n, len(kept))] {
		p.under.Go(func() { p.deliver(context.Background(), l.copied()) })
	}
}

// deliver sends a letter to the backend; status 0 where there is no answer.
func (p *post) deliver(ctx context.Context, l letter) (status int, header http.Header, answer []byte) {
	c := l.call
	c.At = time.Now()
	defer func() {
		c.Status = status
		var said struct {
			Code      string
			Duplicate bool
		}
		_ = json.Unmarshal(answer, &said) // what a proxy answers says neither
		c.Code, c.Duplicate = said.Code, said.Duplicate
		p.ledger.call(c)
		if status == http.StatusOK && !c.Copy {
			p.ledger.works(c.Worker)
		}
	}()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.backend+l.path, bytes.NewReader(l.body))
	if err != nil {
		return 0, nil, nil
	}
	for _, name := range []string{"Content-Type", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		r.Header.Set(name, l.header.Get(name))
	}
	p.keep(l)
	res, err := p.client.Do(r)
	if err != nil {
		return 0, nil, nil
	}
	answer, err = io.ReadAll(res.Body)
	_ = res.Body.Close() // it was read
	if err != nil {
		return 0, nil, nil
	}
	return res.StatusCode, res.Header, answer
}

func (p *post) keep(l letter) {
	if l.call.Copy || l.call.Word == "processing" && l.call.Attempt%2 == 0 || len(l.body) > longestKept {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) == mostKept {
		p.kept = p.kept[1:]
	}
	p.kept = append(p.kept, l)
}

func (p *post) chance() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rng.IntN(2) == 0
}

// upTo is some time up to most; at least half of it where it has to be late.
func (p *post) upTo(most time.Duration, late bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if late {
		return between(p.rng, most/2, most)
	}
	return between(p.rng, 0, most)
}

// read tells what a callback says.
func read(r *http.Request, body []byte) Call {
	c := Call{ID: r.Header.Get("Webhook-Id")}
	if parts := strings.Split(c.ID, ":"); len(parts) == 4 {
		c.Kind, c.TaskID = parts[0], parts[1]
		c.Attempt, _ = strconv.Atoi(parts[2]) // 0 where it is none
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return c
	}
	if kind == "application/json" {
		var said struct{ Name, SHA256, Status string }
		if json.Unmarshal(body, &said) == nil {
			c.Name, c.SHA256, c.Word = said.Name, said.SHA256, said.Status
		}
		return c
	}
	form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := form.NextPart()
		if err != nil {
			return c
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return c
		}
		switch part.FormName() {
		case "name":
			c.Name = string(content)
		case "file":
			c.SHA256 = checksum(content)
		}
	}
}
