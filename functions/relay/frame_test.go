package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/task"
)

// What is appended by hand is what encoding/json makes of the same fields, whatever texts and numbers are in them.
func TestFramesAreTheJSONOfTheirFields(t *testing.T) {
	type status struct {
		TaskID  string      `json:"taskId"`
		Status  task.Status `json:"status"`
		Attempt int         `json:"attempt"`
		Error   *task.Error `json:"error,omitempty"`
		At      string      `json:"at"`
	}
	type result struct {
		TaskID      string  `json:"taskId"`
		Attempt     int     `json:"attempt"`
		Name        string  `json:"name"`
		URL         *string `json:"url"`
		Size        int64   `json:"size"`
		SHA256      string  `json:"sha256"`
		ContentType string  `json:"contentType"`
		At          string  `json:"at"`
	}
	type progress struct {
		TaskID        string   `json:"taskId"`
		Progress      int      `json:"progress"`
		Stage         string   `json:"stage"`
		QueuePosition *int     `json:"queuePosition,omitempty"`
		ETASeconds    *float64 `json:"etaSeconds,omitempty"`
		At            string   `json:"at"`
	}
	random := rand.New(rand.NewPCG(1, 2))
	// Some texts need escaping, and some are none.
	text := func() string {
		pieces := []string{"a", "Mesh 1/2", "?x=1&y=<2>", `"`, `\`, "\n", "\x00", "\x7f", "网格", "\u2028", "\xff", "🙂"}
		var b strings.Builder
		for range random.IntN(4) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		return b.String()
	}
	maybe := func() bool { return random.IntN(2) == 0 }
	for range 20_000 {
		e := task.Event{
			Kind: []string{task.StatusEvent, task.ResultEvent, task.ProgressEvent}[random.IntN(3)], TaskID: text(),
			Attempt: random.Int(), At: time.UnixMilli(random.Int64N(1e14)),
		}
		at := e.At.UTC().Format(timeFormat)
		var url *string
		var data any
		switch e.Kind {
		case task.StatusEvent:
			e.Number, e.Status = random.Int64(), task.Status(text())
			if maybe() {
				e.Error = &task.Error{Code: text(), Message: text()}
			}
			data = status{e.TaskID, e.Status, e.Attempt, e.Error, at}
		case task.ResultEvent:
			r := &task.Result{Name: text(), Size: random.Int64(), SHA256: text(), ContentType: text()}
			e.Number, e.Result = random.Int64(), r
			if maybe() {
				url = new(text())
			}
			data = result{e.TaskID, e.Attempt, r.Name, url, r.Size, r.SHA256, r.ContentType, at}
		case task.ProgressEvent:
			e.Progress, e.Stage = random.Int(), text()
			if maybe() {
				e.QueuePosition, e.ETASeconds = new(random.Int()), new(random.ExpFloat64()*1e5)
			}
			data = progress{e.TaskID, e.Progress, e.Stage, e.QueuePosition, e.ETASeconds, at}
		}
		var want bytes.Buffer
		if e.Number > 0 {
			fmt.Fprintf(&want, "id: %d\n", e.Number)
		}
		fmt.Fprintf(&want, "event: %s\ndata: ", e.Kind)
		j := json.NewEncoder(&want)
		j.SetEscapeHTML(false)
		if err := j.Encode(data); err != nil {
			t.Fatal(err)
		}
		want.WriteByte('\n')
		if got := encode(e, url); !bytes.Equal(got, chunk(want.Bytes())) {
			t.Fatalf("framed\n%q, want\n%q", got, chunk(want.Bytes()))
		}
	}
}

func TestWhatIsNoNumberIsNotTold(t *testing.T) {
	for _, seconds := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		frame := encode(task.Event{Kind: task.ProgressEvent, ETASeconds: &seconds}, nil)
		if bytes.Contains(frame, []byte("etaSeconds")) {
			t.Errorf("framed %q", frame)
		}
	}
}
