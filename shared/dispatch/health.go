package dispatch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/recon3d/recon3d/shared/taskstore"
)

// workers is the workers of WORKER_URLS, and what they last said of themselves. It is safe for many goroutines.
type workers struct {
	urls   []string
	client *http.Client

	mu    sync.Mutex // held while they are asked: who comes meanwhile waits for the same answers
	heard []health   // in the order of urls
}

// health is what a worker says by GET /health, and for how long that is taken for the present.
type health struct {
	word  word
	tasks int // of a roomy one: what it computes and has queued, with what we handed over since
	until time.Time
}

// word is a worker's answer in short, the most welcome first.
type word int

const (
	roomy   word = iota // takes tasks, and says how many it has
	healthy             // takes tasks, and says no more
	closed              // would refuse: its queue is full, or it is unhealthy
	silent              // no answer in time, or none that can be read
)

const (
	// askLimit bounds the asking: a quarter of a second is long for a worker that is well, and short beside the 2 s that a browser
	// waits for the first hand-over.
	askLimit = 250 * time.Millisecond
	// freshFor is how long an answer counts, so that a burst of tasks asks once.
	freshFor = time.Second
	// silentFor is how long a worker that did not answer is not asked again: only one hand-over in that time waits askLimit for it.
	silentFor = 10 * time.Second
)

// order lists the indexes of all workers, in the order in which they are to be offered a task: least loaded first, those that say
// nothing last, and from index first on where they are equal. It takes askLimit at most. A single worker is not asked.
func (w *workers) order(ctx context.Context, first int) []int {
	n := len(w.urls)
	order := make([]int, n)
	for i := range order {
		order[i] = (first + i) % n
	}
	if n == 1 {
		return order
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ask(ctx)
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(w.heard[a].word, w.heard[b].word), cmp.Compare(w.heard[a].tasks, w.heard[b].tasks))
	})
	return order
}

// met corrects what a worker said by what it did, until it is asked again.
func (w *workers) met(index int, f taskstore.Fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch h := &w.heard[index]; f {
	case taskstore.Accepted:
		if h.word == roomy {
			h.tasks++
		}
	case taskstore.Busy, taskstore.Refused:
		h.word, h.tasks = closed, 0
	case taskstore.Unknown:
		h.word, h.tasks = silent, 0
	}
}

// ask asks those at the same time whose answers are no longer fresh. The answers are not only for the caller, so that its
// leaving does not end the asking.
func (w *workers) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askLimit)
	defer cancel()
	var asking sync.WaitGroup
	for i, url := range w.urls {
		if time.Now().Before(w.heard[i].until) {
			continue
		}
		asking.Go(func() {
			h, err := w.healthOf(ctx, url)
			if err != nil {
				h.word = silent // what ails it shows when it is offered something
			}
			h.until = time.Now().Add(freshFor)
			if h.word == silent {
				h.until = time.Now().Add(silentFor)
			}
			w.heard[i] = h
		})
	}
	asking.Wait()
}

var errNoHealth = errors.New("the answer to GET /health is of an unknown form")

// healthOf asks one worker.
func (w *workers) healthOf(ctx context.Context, url string) (_ health, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/health", nil)
	if err != nil {
		return health{}, err
	}
	res, err := w.client.Do(req)
	if err != nil {
		return health{}, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return health{}, err
	}
	return judgeHealth(res.StatusCode, body)
}

// judgeHealth reads an answer to GET /health, by the contract; `queue` is what our own worker adds to it.
func judgeHealth(status int, body []byte) (health, error) {
	var said struct {
		Status string `json:"status"`
		Queue  *struct {
			Running int `json:"running"`
			Queued  int `json:"queued"`
			Limit   int `json:"limit"` // of queued
		} `json:"queue"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return health{}, err
	}
	switch q := said.Queue; {
	case status == http.StatusServiceUnavailable && said.Status == "unhealthy":
		return health{word: closed}, nil
	case status != http.StatusOK || said.Status != "healthy" || q != nil && (q.Running < 0 || q.Queued < 0):
		return health{}, errNoHealth
	case q == nil:
		return health{word: healthy}, nil
	case q.Limit > 0 && q.Queued >= q.Limit:
		return health{word: closed}, nil
	default:
		return health{word: roomy, tasks: q.Running + q.Queued}, nil
	}
}
