package taskstore

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	goflag "flag"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
	"github.com/recon3d/recon3d/shared/task"
)

// Dispatchers, workers, users and sweepers act in any order, with knowledge of any age, and any command may come twice, the second time
// at any time: after each step the store in Redis has answered, told and kept what the model did (see book).
//
//	go test ./shared/taskstore -run TestEveryInterleaving -rapid.checks=10000 -rapid.seed=0
func TestEveryInterleaving(t *testing.T) {
	unlessSaid(t, "rapid.checks", "150")
	unlessSaid(t, "rapid.steps", "80")
	unlessSaid(t, "rapid.seed", "1") // the same each time: what is to be found by chance is found by longer runs
	rapid.Check(t, newSite(t, nil).play)
}

// unlessSaid sets a flag for this test, unless the command line did.
func unlessSaid(t *testing.T, name, value string) {
	t.Helper()
	said := false
	goflag.Visit(func(f *goflag.Flag) { said = said || f.Name == name })
	if !said {
		override(t, name, value)
	}
}

// override sets a flag for this test.
func override(t *testing.T, name, value string) {
	t.Helper()
	f := goflag.Lookup(name).Value
	before := f.String()
	if err := f.Set(value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Set(before) })
}

// site is where machines run: one Redis for all, in which each finds nothing. Its scripts take the time from a key, so that hours pass
// in no time, and to the ms.
type site struct {
	rdb   *redis.Client
	store *Store
	wire  *wire
	bells *redis.PubSub
}

// newSite starts a Redis. edit, where given, changes the scripts' text.
func newSite(t *testing.T, edit func(script, source string) string) *site {
	t.Helper()
	options, err := redis.ParseURL(redistest.Start(t, "--appendonly", "no").URL)
	if err != nil {
		t.Fatal(err)
	}
	options.ReadTimeout, options.WriteTimeout = time.Minute, time.Minute // the machine may have more to do
	rdb := redis.NewClient(options)
	t.Cleanup(func() { _ = rdb.Close() })
	s := &site{rdb: rdb, wire: &wire{}, store: New(rdb, modelled)}
	for script, compile := range s.store.scripts {
		made := compile()
		made.source = strings.ReplaceAll(made.source, "call('TIME')", "call('MGET', 'clock:s', 'clock:us')")
		if edit != nil {
			made.source = edit(script.name, made.source)
		}
		sum := sha1.Sum([]byte(made.source))
		made.hash = hex.EncodeToString(sum[:])
		s.store.scripts[script] = func() compiled { return made }
		if err := rdb.ScriptLoad(context.Background(), made.source).Err(); err != nil {
			t.Fatal(err)
		}
	}
	rdb.AddHook(s.wire)
	s.bells = rdb.PSubscribe(context.Background(), "recon:events:*")
	t.Cleanup(func() { _ = s.bells.Close() })
	if _, err := s.bells.Receive(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

// modelled is a policy of two attempts.
var modelled = Policy{
	HeartbeatTimeout: time.Minute, TaskTimeout: 15 * time.Minute, Retention: 24 * time.Hour,
	MaxAttempts: 2, QueueDeadline: 6 * time.Hour, DispatchDeadline: 10 * time.Minute,
}

// wire remembers the last script that was run, as it was sent, and its answer.
type wire struct{ last sent }

type sent struct {
	args  []any
	reply string
}

func (s sent) arg(i int) string { return fmt.Sprint(s.args[s.args[2].(int)+2+i]) } // as ARGV[i]
func (s sent) op() string       { return s.arg(1) }
func (s sent) id() string       { task := fmt.Sprint(s.args[3]); return task[len(task)-36:] }

func (w *wire) note(cmd redis.Cmder) {
	if c, ok := cmd.(*redis.Cmd); ok && c.Name() == "evalsha" {
		reply, err := c.Text()
		if err != nil {
			reply = err.Error()
		}
		w.last = sent{c.Args(), reply}
	}
}

// BeforeProcess implements redis.Hook.
func (w *wire) BeforeProcess(ctx context.Context, _ redis.Cmder) (context.Context, error) {
	return ctx, nil
}

// AfterProcess implements redis.Hook.
func (w *wire) AfterProcess(_ context.Context, cmd redis.Cmder) error {
	w.note(cmd)
	return nil
}

// BeforeProcessPipeline implements redis.Hook.
func (w *wire) BeforeProcessPipeline(ctx context.Context, _ []redis.Cmder) (context.Context, error) {
	return ctx, nil
}

// AfterProcessPipeline implements redis.Hook.
func (w *wire) AfterProcessPipeline(_ context.Context, cmds []redis.Cmder) error {
	for _, cmd := range cmds {
		w.note(cmd)
	}
	return nil
}

// machine is one run: the model, the store, and what everybody who acts remembers.
type machine struct {
	*site
	book   *book
	limits Limits

	ids      []string // of all tasks that there are or were
	orders   []Reservation
	claims   []*Claim
	writers  []writer
	history  []repeat
	resumed  time.Time // when the last outage ended
	objects  map[string]bool
	attempts map[string]int         // the highest that was seen, by id
	ends     map[string]task.Status // final ones that were seen
}

// writer has a result's name reserved and is about to write its object.
type writer struct {
	offer Offer
	key   string
	until int64
}

// repeat is a command that was sent, and what the model makes of it.
type repeat struct {
	what    string
	at      int64
	sent    sent
	predict func(sent) string
}

const begin = 1_767_225_600_000 // 2026-01-01

func (s *site) play(t *rapid.T) {
	if err := s.rdb.FlushAll(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	m := &machine{site: s, book: newBook(modelled, begin), objects: map[string]bool{}, attempts: map[string]int{}, ends: map[string]task.Status{}}
	if rapid.Bool().Draw(t, "limited") {
		m.limits = Limits{Active: 2, Burst: 3, Period: time.Minute}
	}
	m.wait(t, 0)
	m.bellsSince(t) // of the machine before, where that failed
	m.reserve(t)
	t.Repeat(map[string]func(*rapid.T){
		"":             m.check,
		"reserve":      m.reserve,
		"create":       m.create,
		"unreserve":    m.unreserve,
		"claim":        m.claim,
		"record":       m.record,
		"report":       m.report,
		"finish":       m.finish,
		"offer":        m.offer,
		"write":        m.write,
		"allow upload": m.allow,
		"end":          m.end,
		"sweep":        m.sweep,
		"empty trash":  m.empty,
		"time passes":  func(t *rapid.T) { m.wait(t, m.span(t)) },
		"outage": func(t *rapid.T) {
			m.wait(t, m.span(t))
			m.resumed = m.book.time()
		},
		"resend": m.resend,
	})
}

// do runs a change and holds its answer against the model's.
func (m *machine) do(t *rapid.T, what string, change func() error, predict func(sent) string) {
	m.wire.last = sent{}
	err := change()
	s := m.wire.last
	m.compare(t, what, s.reply, predict(s))
	if words := strings.Split(s.reply, separator); words[0] == "fault" && !fault.Is(err, fault.Code(words[1])) {
		t.Fatalf("%s: the script said %q, the store %v", what, s.reply, err)
	} else if words[0] != "fault" && err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	m.history = append(m.history, repeat{what, m.book.now, s, predict})
}

func (m *machine) compare(t *rapid.T, what, got, want string) {
	if got != want {
		t.Fatalf("%s: the store says %q, the model %q", what, got, want)
	}
}

// resend sends one of the last commands once more: the client had no answer, or a proxy held it back.
func (m *machine) resend(t *rapid.T) {
	if len(m.history) == 0 {
		t.Skip("nothing was sent")
	}
	back := rapid.IntRange(1, min(8, len(m.history))).Draw(t, "back")
	r := m.history[len(m.history)-back]
	if strings.HasPrefix(r.what, "reserve ") && (back > 1 || r.at < m.book.now) {
		t.Skip("who reserves waits for the answer, and copies the picture then")
	}
	reply, err := m.rdb.Do(context.Background(), r.sent.args...).Text()
	if err != nil {
		t.Fatal(err)
	}
	m.compare(t, r.what+" again", reply, r.predict(r.sent))
}

func pick[T any](t *rapid.T, what string, from []T) T {
	if len(from) == 0 {
		t.Skip("no " + what)
	}
	return from[rapid.IntRange(0, len(from)-1).Draw(t, what)]
}

// wait lets time pass, for the store's clock and the model's.
func (m *machine) wait(t *rapid.T, ms int64) {
	m.book.now += ms
	if err := m.rdb.MSet(context.Background(), "clock:s", m.book.now/1000, "clock:us", m.book.now%1000*1000).Err(); err != nil {
		t.Fatal(err)
	}
}

// span draws a time: until just before or at what is next due, or any.
func (m *machine) span(t *rapid.T) int64 {
	var spans []int64
	for _, id := range m.ids {
		if l := m.book.lives[id]; l != nil && !l.Status.Final() {
			if in := m.book.due(l) - m.book.now; in > 0 && in < never/2 {
				spans = append(spans, in-1, in, in, in)
			}
		}
	}
	for _, d := range []time.Duration{time.Millisecond, 5 * time.Second, reservation, time.Minute, ResultReservation, 10 * time.Minute, 6 * time.Hour, 24 * time.Hour} {
		spans = append(spans, d.Milliseconds())
	}
	return pick(t, "span (ms)", spans)
}

func (m *machine) reserve(t *rapid.T) {
	if len(m.orders) >= 6 {
		t.Skip("enough orders")
	}
	o := Order{
		User: user, ImageID: task.NewID(user), Key: pick(t, "Idempotency-Key", []string{"", "", "k1", "k2"}), Limits: m.limits,
		BodyHash: pick(t, "body", []string{"x", "x", "x", "y"}),
	}
	pictured := rapid.IntRange(0, 7).Draw(t, "picture") > 0
	ctx := context.Background()
	if pictured {
		err := m.rdb.HSet(ctx, PictureKey(o.ImageID), "user", user, "name", "a.png", "contentType", "image/png", "size", 7, "sha256", "s",
			"key", "pictures/a.png", "ext", "png", "state", "ready").Err()
		if err != nil {
			t.Fatal(err)
		}
	}
	var r Reservation
	var err error
	m.do(t, "reserve "+o.Key, func() error { r, err = m.store.Reserve(ctx, o); return err }, func(s sent) string {
		return m.book.reserve(s.op(), s.id(), o, CopyPrefix+"%s/original.png", pictured)
	})
	if err == nil && !r.Done {
		m.orders = append(m.orders, r)
		m.objects[r.Input.Key] = true // copied
		if !slices.Contains(m.ids, r.ID) {
			m.ids = append(m.ids, r.ID)
		}
	}
}

func (m *machine) create(t *rapid.T) {
	r := pick(t, "order", m.orders)
	length := pick(t, "claim for", []time.Duration{0, 7 * time.Second, 15 * time.Second})
	var c *Claim
	m.do(t, "create", func() (err error) {
		_, c, err = m.store.Create(context.Background(), r, length, 0)
		return err
	}, func(s sent) string { return m.book.create(s.op(), r, s.arg(10), length.Milliseconds(), 0) })
	if c != nil {
		m.claims = append(m.claims, c)
	}
}

func (m *machine) unreserve(t *rapid.T) {
	r := pick(t, "order", m.orders)
	m.do(t, "unreserve", func() error { return m.store.Unreserve(context.Background(), r) }, func(sent) string { return m.book.unreserve(r) })
}

func (m *machine) claim(t *rapid.T) {
	id := pick(t, "task", m.ids)
	length := pick(t, "claim for", []time.Duration{7 * time.Second, 15 * time.Second})
	var c *Claim
	m.do(t, "claim", func() (err error) {
		c, err = m.store.Claim(context.Background(), id, length)
		return err
	}, func(s sent) string { return m.book.claim(s.op(), id, s.arg(2), length.Milliseconds()) })
	if c != nil {
		m.claims = append(m.claims, c)
	}
}

func (m *machine) record(t *rapid.T) {
	c := pick(t, "claim", m.claims)
	o := Outcome{
		Fate: pick(t, "fate", []Fate{Accepted, Accepted, Rejected, Busy, Waiting, Refused, Unknown}), Worker: pick(t, "worker", []string{"http://w1", "http://w2"}),
		Next: rapid.IntRange(0, 1).Draw(t, "next worker"), Beats: rapid.Bool().Draw(t, "beats"), Message: "No.", Resumed: m.resumed,
		Pause: pick(t, "pause", []time.Duration{0, time.Second, time.Minute, time.Hour}),
	}
	m.do(t, "record "+string(o.Fate), func() error {
		_, _, err := m.store.Record(context.Background(), c, o)
		return err
	}, func(s sent) string { return m.book.record(s.op(), c.TaskID, c.Nonce, o) })
}

// attempt draws that of a callback, mostly the present one: nil is of a worker that knows none.
func (m *machine) attempt(t *rapid.T, id string) *int {
	switch n := rapid.IntRange(0, 9).Draw(t, "attempt"); {
	case n == 0:
		return nil
	case n > 3 && m.book.lives[id] != nil:
		return new(max(m.book.lives[id].Attempt, 1))
	default:
		return new((n-1)%3 + 1)
	}
}

func (m *machine) report(t *rapid.T) {
	id := pick(t, "task", m.ids)
	r := Report{TaskID: id, Attempt: m.attempt(t, id), Said: "processing", Stage: pick(t, "stage", []string{"", "queued", "mesh"})}
	if rapid.Bool().Draw(t, "tells progress") {
		r.Progress, r.QueuePosition, r.ETASeconds = new(rapid.IntRange(0, 100).Draw(t, "progress")), new(3), new(1.5)
	}
	m.say(t, r, m.book.report)
}

func (m *machine) finish(t *rapid.T) {
	id := pick(t, "task", m.ids)
	r := Report{TaskID: id, Attempt: m.attempt(t, id), Said: pick(t, "says", []string{"completed", "failed", "released", "released"})}
	predict := m.book.verdict
	switch r.Said {
	case "completed":
		r.Required = pick(t, "required", [][]string{nil, {"a"}, {"a", "b"}})
	case "failed":
		r.Error = task.Error{Code: task.WorkerFailed, Message: "It failed."}
	case "released":
		predict = m.book.release
	}
	m.say(t, r, predict)
}

func (m *machine) say(t *rapid.T, r Report, predict func(string, Report) string) {
	m.do(t, r.Said, func() error {
		_, _, err := m.store.Report(context.Background(), r)
		return err
	}, func(s sent) string { return predict(s.op(), r) })
}

// offer has a worker offer a result, and perhaps reserve its name, upon which its object is about to be written.
func (m *machine) offer(t *rapid.T) {
	o, key := m.draw(t)
	step := pick(t, "step", []string{"judge", "reserve", "reserve", "reserve"})
	var v Verdict
	var err error
	m.do(t, step, func() error {
		if step == "judge" {
			key = ""
			_, err = m.store.Judge(context.Background(), o)
			return err
		}
		v, err = m.store.ReserveResult(context.Background(), o, key)
		return err
	}, func(s sent) string { return m.book.hold(s.op(), o, key, step) })
	if step == "reserve" && err == nil && !v.Duplicate {
		m.writers = append(m.writers, writer{o, key, m.book.now + ResultReservation.Milliseconds()})
	}
}

func (m *machine) draw(t *rapid.T) (o Offer, key string) {
	id := pick(t, "task", m.ids)
	o = Offer{TaskID: id, Attempt: m.attempt(t, id), Name: pick(t, "name", []string{"a", "b"}), SHA256: pick(t, "sha256", []string{"x", "y"}), Size: 3, ContentType: "image/png"}
	return o, fmt.Sprintf("%s%s/%d/%s", CopyPrefix, o.TaskID, o.Number(), o.Name)
}

// write has who reserved a name write the object and record it, or die before, or give the name back. No function lives as long as a
// reservation does.
func (m *machine) write(t *rapid.T) {
	w := pick(t, "writer", slices.DeleteFunc(slices.Clone(m.writers), func(w writer) bool { return w.until <= m.book.now }))
	m.writers = slices.DeleteFunc(m.writers, func(other writer) bool { return other == w })
	switch pick(t, "fate", []string{"records", "records", "dies", "gives back"}) {
	case "records":
		m.objects[w.key] = true
		m.do(t, "record result", func() error {
			_, err := m.store.RecordResult(context.Background(), w.offer, w.key)
			return err
		}, func(s sent) string { return m.book.store(s.op(), w.offer, w.key) })
	case "dies":
		m.objects[w.key] = true
	case "gives back":
		m.do(t, "release result", func() error { return m.store.ReleaseResult(context.Background(), w.offer, w.key) },
			func(s sent) string { return m.book.hold(s.op(), w.offer, w.key, "release") })
	}
}

func (m *machine) allow(t *rapid.T) {
	o, _ := m.draw(t)
	staging := fmt.Sprintf("incoming/%s-%d-%s-%s", o.TaskID, o.Number(), o.SHA256, o.Name)
	var err error
	m.do(t, "allow upload", func() error {
		_, err = m.store.AllowUpload(context.Background(), o, staging, 30*time.Minute)
		return err
	}, func(s sent) string { return m.book.allow(s.op(), o, staging, 30*time.Minute) })
	if _, waits := m.book.trash["2 "+staging]; err == nil && waits {
		m.objects[staging] = true
	}
}

func (m *machine) end(t *rapid.T) {
	id, who := pick(t, "task", m.ids), pick(t, "who", []string{user, user, "bob"})
	if rapid.Bool().Draw(t, "deletes") {
		m.do(t, "delete", func() error { _, err := m.store.Delete(context.Background(), who, id); return err },
			func(s sent) string { return m.book.remove(s.op(), who, id) })
		return
	}
	m.do(t, "cancel", func() error { _, err := m.store.Cancel(context.Background(), who, id); return err },
		func(s sent) string { return m.book.cancel(s.op(), who, id) })
}

// sweep looks at one task, whether it is due or not: two sweepers may run at once.
func (m *machine) sweep(t *rapid.T) {
	id, run := pick(t, "task", m.ids), Run{Resumed: m.resumed}
	m.do(t, "look", func() error { _, err := m.store.Look(context.Background(), id, run); return err },
		func(s sent) string { return m.book.look(s.op(), id, run) })
}

func (m *machine) empty(t *rapid.T) {
	ctx, now := context.Background(), m.book.time()
	all, err := m.store.RipeTrash(ctx, now, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, trash := range all {
		keys = append(keys, trash.Keys...)
	}
	want := m.book.empty()
	slices.Sort(keys)
	slices.Sort(want)
	if d := cmp.Diff(want, keys); d != "" {
		t.Fatalf("objects to be deleted (-model +store)\n%s", d)
	}
	for _, key := range keys {
		delete(m.objects, key)
	}
	if err := m.store.Emptied(ctx, all, now); err != nil {
		t.Fatal(err)
	}
}

// check compares all that is kept and was told, and what has to be true of it whatever the model says.
func (m *machine) check(t *rapid.T) {
	living, ended, all := map[string]float64{}, map[string]float64{}, map[string]float64{}
	wanted, live := map[string]bool{}, []string{}
	for _, id := range m.ids {
		l := m.book.lives[id]
		if l == nil {
			continue
		}
		live, all[id] = append(live, id), 0
		if l.Status.Final() {
			ended[id] = float64(l.finished + modelled.Retention.Milliseconds())
		} else if living[id] = float64(m.book.due(l)); living[id] == never {
			living[id] = math.Inf(1)
		}
		wanted[l.Input.Key] = true
		for _, k := range l.results {
			if k.stored {
				wanted[k.Key] = true
			}
		}
	}
	m.same(t, "due", m.index(t, dueKey(task.PartitionOf(user))), living)
	m.same(t, "kept", m.index(t, keptKey(task.PartitionOf(user))), ended)
	m.same(t, "tasks", m.index(t, userTasksKey(user)), all)
	m.same(t, "active", m.index(t, userActiveKey(user)), scores(m.book.active))
	trash := m.index(t, TrashKey(task.PartitionOf(user)))
	m.same(t, "trash", trash, scores(m.book.trash))
	m.checkLives(t, live)
	m.checkBells(t)
	m.checkObjects(t, wanted, trash)
	m.checkKeys(t)
}

func scores(of map[string]int64) map[string]float64 {
	out := map[string]float64{}
	for member, at := range of {
		if out[member] = float64(at); at == never {
			out[member] = math.Inf(1)
		}
	}
	return out
}

func (m *machine) index(t *rapid.T, key string) map[string]float64 {
	members, err := m.rdb.ZRangeWithScores(context.Background(), key, 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, z := range members {
		out[z.Member.(string)] = z.Score
	}
	return out
}

func (m *machine) same(t *rapid.T, what string, got, want any) {
	if reflect.DeepEqual(got, want) { // almost always, and soon told
		return
	}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s (-model +store)\n%s", what, d)
	}
}

// checkLives compares the tasks and their events. Those move by the lifecycle only, no attempt falls, and no number is left out.
func (m *machine) checkLives(t *rapid.T, ids []string) {
	asks := make([]Ask, len(ids))
	got, err := m.store.read(context.Background(), ids)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		asks[i].TaskID = id
	}
	logs, err := m.store.ReadLogs(context.Background(), asks)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(ids) {
		t.Fatalf("%d tasks, the model has %d", len(got), len(ids))
	}
	for i, id := range ids {
		l := m.book.lives[id]
		want := l.Task
		if want.Status != task.Processing {
			want.QueuePosition, want.ETASeconds = nil, nil
		}
		for _, k := range slices.SortedFunc(maps.Values(l.results), func(a, b *kept) int { return int(a.event - b.event) }) {
			if k.stored {
				want.Results = append(want.Results, k.Result)
			}
		}
		m.same(t, "task", got[i], want)
		m.same(t, "events", logs[i].Events, l.events)
		m.checkHistory(t, id, logs[i])
	}
}

func (m *machine) checkHistory(t *rapid.T, id string, log Log) {
	var status task.Status
	attempt := 0
	for i, e := range log.Events {
		if e.Number != int64(i)+1 || e.Attempt < attempt {
			t.Fatalf("event %d of attempt %d follows attempt %d as number %d", e.Number, e.Attempt, attempt, i+1)
		}
		attempt = e.Attempt
		if e.Kind != task.StatusEvent {
			continue
		}
		if status != "" && !status.CanBecome(e.Status) {
			t.Fatalf("%s became %s", status, e.Status)
		}
		status = e.Status
	}
	if status != log.Status || log.Attempt < m.attempts[id] || m.ends[id] != "" && m.ends[id] != status {
		t.Fatalf("the task is %s of attempt %d, its events end in %s; it was %s of attempt %d", log.Status, log.Attempt, status, m.ends[id], m.attempts[id])
	}
	if m.attempts[id] = log.Attempt; status.Final() {
		m.ends[id] = status
	}
}

// checkBells takes all that was published: each durable event once, as it is stored.
func (m *machine) checkBells(t *rapid.T) {
	m.same(t, "bells", m.bellsSince(t), m.book.rung)
	m.book.rung = nil
}

// bellsSince takes the durable events that were published.
func (m *machine) bellsSince(t *rapid.T) (rung []task.Event) {
	ctx := context.Background()
	if err := m.bells.Ping(ctx, "all"); err != nil { // is answered behind what was published before
		t.Fatal(err)
	}
	for {
		told, err := m.bells.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		message, ok := told.(*redis.Message)
		if !ok {
			return rung
		}
		e, gone, err := ParseBell(strings.TrimPrefix(message.Channel, "recon:events:"), message.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if !gone && e.Number > 0 {
			rung = append(rung, e)
		}
	}
}

// checkObjects: what a task refers to is there and nobody is about to delete it; what nobody refers to, somebody deletes.
func (m *machine) checkObjects(t *rapid.T, wanted map[string]bool, trash map[string]float64) {
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		_, first := trash["1 "+key]
		_, second := trash["2 "+key]
		if first || second || !m.objects[key] {
			t.Fatalf("%s is of a task; in the trash: %v, %v; there: %v", key, first, second, m.objects[key])
		}
	}
	for _, l := range m.book.lives {
		for _, k := range l.results {
			wanted[k.Key] = true // reserved: goes with the task, or its attempt
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m.objects)) {
		if _, trashed := trash["2 "+key]; !trashed && !wanted[key] {
			t.Fatalf("nobody deletes %s", key)
		}
	}
}

// checkKeys: nothing is left of a task that is gone.
func (m *machine) checkKeys(t *rapid.T) {
	keys, err := m.rdb.Keys(context.Background(), "*:task:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		_, rest, _ := strings.Cut(key, ":task:")
		if m.book.lives[rest[:36]] == nil {
			t.Fatalf("%s is of a task that is gone", key)
		}
	}
}
