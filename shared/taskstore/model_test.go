package taskstore

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/task"
)

// book is the model of a store: what package taskstore promises, in plain Go, without what Redis asks of it. Each change is a method
// that makes it and tells what the script answers. TestEveryInterleaving holds the scripts against it, step by step.
//
// All tasks are of one user and so of one partition. Times are in ms. What Redis forgets by itself (an Idempotency-Key after a day, an op of
// a deletion after a minute) the model never forgets: its hours pass in no time.
type book struct {
	policy Policy
	now    int64
	lives  map[string]*life
	trash  map[string]int64  // when to delete, by `1 key` and `2 key`
	active map[string]int64  // when a reservation lapses; never, where it became a task that lives
	orders map[string]*order // by Idempotency-Key
	full   int64             // when the bucket of creates would be full again (GCRA's theoretical arrival time)
	gone   map[string]string // what deletions answered, by op
	rung   []task.Event      // durable events since they were taken last
}

// life is a recorded task.
type life struct {
	task.Task
	events []task.Event

	results map[string]*kept

	// The hand-over.
	claim, firstClaim string // nonce of who may record what came of it, "" if nobody
	claimUntil        int64
	unknown           bool // its fate is: what follows is another attempt
	tries, nextWorker int

	nextTry, pendingSince int64
	silentSince           int64 // since when no worker answered, 0 if the last one did

	// The work.
	reached          map[int]bool // attempts that were PROCESSING
	beats            bool         // the worker of this attempt promised heartbeats, or sent one
	lease            int64        // when it last told of itself
	ran, runSince    int64        // time that counts for TASK_TIMEOUT: until now, and since when (0: it does not)
	finished         int64
	lastOp, lastSaid string
}

// kept is a result that is stored, or whose name is reserved.
type kept struct {
	task.Result
	stored bool
	until  int64 // of a reserved one
	event  int64 // of a stored one
}

// order is what is known of an Idempotency-Key.
type order struct {
	id, body, op string
	until        int64
	done         bool
}

const never = math.MaxInt64

func newBook(p Policy, now int64) *book {
	return &book{
		policy: p, now: now, lives: map[string]*life{}, trash: map[string]int64{}, active: map[string]int64{}, orders: map[string]*order{}, gone: map[string]string{},
	}
}

func said(words ...any) string {
	text := make([]string, len(words))
	for i, w := range words {
		text[i] = fmt.Sprint(w)
	}
	return strings.Join(text, separator)
}

func refused(code fault.Code, with ...any) string {
	return said(append([]any{"fault", code}, with...)...)
}

func (b *book) time() time.Time { return time.UnixMilli(b.now).UTC() }

// change is a change of one recorded task, nil where there is none. The rerun of the last one that was saved answers as it did.
func (b *book) change(op, id string, do func(*life) (reply string, save bool)) string {
	l := b.lives[id]
	if l != nil && l.lastOp == op {
		return l.lastSaid
	}
	reply, save := do(l)
	if save {
		l.lastOp, l.lastSaid = op, reply
	}
	return reply
}

// Creating.

func (b *book) reserve(op, id string, o Order, copied string, pictured bool) string {
	k := b.orders[o.Key]
	if k != nil && !k.done && b.now > k.until+reservation.Milliseconds() {
		k = nil // its copy is about to be deleted
	}
	switch {
	case k == nil:
	case k.body != o.BodyHash:
		return refused(fault.IdempotencyConflict)
	case k.done:
		if l := b.lives[k.id]; l != nil && l.firstClaim != "" && l.firstClaim == l.claim && l.claimUntil > b.now {
			return refused(fault.IdempotencyInProgress, l.claimUntil-b.now) // the create is still being answered
		}
		return said(append([]any{"done", k.id}, b.usage(o.Limits)...)...)
	case k.op != op && k.until > b.now:
		return refused(fault.IdempotencyInProgress, k.until-b.now)
	}
	if !pictured {
		return refused(fault.PictureNotFound)
	}
	if k != nil {
		id = k.id
	} else if _, again := b.active[id]; !again {
		maps.DeleteFunc(b.active, func(_ string, lapses int64) bool { return lapses <= b.now })
		if o.Limits.Active > 0 && len(b.active) >= o.Limits.Active {
			return refused(fault.TooManyActiveTasks, b.usage(o.Limits)...)
		}
		if step := b.step(o.Limits); step > 0 {
			full := max(b.full, b.now) + step
			if over := full - b.now - o.Limits.Period.Milliseconds(); over > 0 {
				return refused(fault.RateLimited, append([]any{over}, b.usage(o.Limits)...)...)
			}
			b.full = full
		}
	}
	copied = fmt.Sprintf(copied, id)
	b.active[id] = b.now + reservation.Milliseconds()
	if o.Key != "" {
		b.orders[o.Key] = &order{id: id, body: o.BodyHash, op: op, until: b.active[id]}
	}
	lapse := b.now + 4*reservation.Milliseconds()
	b.trash["1 "+copied], b.trash["2 "+copied] = lapse, lapse+urlLife.Milliseconds()
	return said(append([]any{"ok", id, "a.png", "image/png", 7, "s", "pictures/a.png", copied}, b.usage(o.Limits)...)...)
}

// usage is how the user stands to the limits that are on: when the bucket is full again, and how many tasks are active.
func (b *book) usage(l Limits) []any {
	refill, active := int64(0), 0
	if l.Burst > 0 {
		refill = max(b.full-b.now, 0)
	}
	if l.Active > 0 {
		for _, lapses := range b.active {
			if lapses > b.now {
				active++
			}
		}
	}
	return []any{refill, active}
}

// step is how long the bucket takes for one create.
func (b *book) step(l Limits) int64 {
	if l.Burst == 0 {
		return 0
	}
	return l.Period.Milliseconds() / int64(l.Burst)
}

func (b *book) unreserve(r Reservation) string {
	_, reserved := b.active[r.ID]
	if b.lives[r.ID] != nil || !reserved {
		return said("ok")
	}
	delete(b.active, r.ID)
	if k := b.orders[r.Order.Key]; k != nil && k.id == r.ID {
		delete(b.orders, r.Order.Key)
	}
	if b.full > b.now {
		b.full -= b.step(r.Order.Limits)
	}
	b.discard(r.Input.Key)
	return said("ok")
}

func (b *book) create(op string, r Reservation, nonce string, length int64, worker int) string {
	return b.change(op, r.ID, func(l *life) (string, bool) {
		if l != nil {
			return said("ok", 0, l.Attempt, l.Status), false // a retry was faster
		}
		if b.active[r.ID] <= b.now {
			return refused(fault.Unavailable), false
		}
		l = &life{Task: task.Task{ID: r.ID, User: user, ImageID: r.Order.ImageID, Input: r.Input, CreatedAt: b.time()}, nextWorker: worker}
		l.results, l.reached = map[string]*kept{}, map[int]bool{}
		b.lives[r.ID], b.active[r.ID] = l, never
		delete(b.trash, "1 "+r.Input.Key)
		delete(b.trash, "2 "+r.Input.Key)
		if k := b.orders[r.Order.Key]; k != nil {
			k.done = true
		}
		b.move(l, task.Pending)
		claimed := 0
		if length > 0 {
			b.handOver(l, nonce, length)
			l.firstClaim, claimed = nonce, 1
		}
		reply := said("ok", claimed, l.Attempt, l.Status)
		l.lastOp, l.lastSaid = op, reply
		return reply, false // there was no life to save it in
	})
}

// The hand-over.

func (b *book) claim(op, id, nonce string, length int64) string {
	return b.change(op, id, func(l *life) (string, bool) {
		if l == nil || l.Status != task.Pending || l.claimUntil > b.now || l.nextTry > b.now {
			return "no", false
		}
		worker := b.handOver(l, nonce, length)
		in := l.Input
		return said("ok", l.Attempt, worker, l.tries, user, in.Key, in.ContentType, in.Size, in.SHA256, in.Name, "", ""), true
	})
}

// handOver gives the hand-over to one dispatcher. Until it records what came of it, its fate is unknown.
func (b *book) handOver(l *life, nonce string, length int64) (worker int) {
	switch {
	case l.Attempt == 0:
		l.Attempt = 1
	case l.unknown:
		l.Attempt++
		b.discardResults(l)
		l.Progress, l.Stage, l.QueuePosition, l.ETASeconds, l.Worker = 0, "", nil, nil, ""
		l.ran, l.runSince, l.beats = 0, 0, false
	}
	l.claim, l.claimUntil, l.unknown = nonce, b.now+length, true
	l.tries++
	if l.silentSince == 0 {
		l.silentSince = b.now
	}
	worker = l.nextWorker
	l.nextWorker++
	return worker
}

func (b *book) record(op, id, nonce string, o Outcome) string {
	return b.change(op, id, func(l *life) (string, bool) {
		if l == nil {
			return said("lost", ""), false
		}
		if l.claim != nonce {
			return said("lost", l.Status), false
		}
		l.claim, l.claimUntil, l.nextWorker = "", 0, o.Next
		resumed := millisOf(o.Resumed)
		switch {
		case o.Fate == Accepted:
			l.Worker = o.Worker
			if l.Status == task.Pending {
				b.move(l, task.Processing)
			}
			if o.Beats {
				l.beats, l.lease = true, b.now
			}
		case l.Status == task.Processing: // a callback came first: the worker has it, whatever its answer was
			l.Worker = o.Worker
		case o.Fate == Rejected:
			b.end(l, task.Failed, &task.Error{Code: task.ImageRejected, Message: o.Message})
		case o.Fate == Busy || o.Fate == Waiting:
			pause := o.Pause.Milliseconds()
			if o.Fate == Busy {
				pause = 0
			}
			l.unknown, l.silentSince = false, 0
			b.tryAgain(l, pause, max(l.pendingSince, resumed)+b.policy.QueueDeadline.Milliseconds(), allBusy)
		default:
			l.unknown = o.Fate == Unknown
			if l.unknown {
				l.Worker = o.Worker
			}
			b.tryAgain(l, o.Pause.Milliseconds(), max(l.silentSince, resumed)+b.policy.DispatchDeadline.Milliseconds(), noWorker)
		}
		return said("ok", l.Status), true
	})
}

const (
	allBusy  = "All workers were busy for too long. Please try again later."
	noWorker = "No worker could be reached. Please try again later."
	silent   = "The workers that had this task stopped answering. Please try again."
	tooLong  = "The reconstruction took too long and was stopped. Please try again, perhaps with a simpler picture."
)

// tryAgain has a task tried again after the pause, at the deadline at the latest.
func (b *book) tryAgain(l *life, pause, deadline int64, message string) {
	if b.now >= deadline {
		b.end(l, task.Failed, &task.Error{Code: task.WorkerUnavailable, Message: message})
	} else {
		l.nextTry = min(b.now+pause, deadline)
	}
}

// What workers say.

// judge tells why a callback of that attempt (0: its worker knows none) is refused, "" where it is taken.
func (b *book) judge(l *life, attempt int) string {
	switch attempt = max(attempt, 1); {
	case l == nil:
		return refused(fault.TaskNotFound)
	case l.Status.Final():
		return refused(fault.TaskFinished, l.Status)
	case attempt < l.Attempt:
		return refused(fault.AttemptSuperseded)
	case attempt > l.Attempt:
		return refused(fault.ValidationFailed, "attempt", "has not begun")
	}
	return ""
}

// takes is what every accepted callback does: it renews the lease, and stands in for a lost 202.
func (b *book) takes(l *life) {
	if l.Status == task.Pending {
		b.move(l, task.Processing)
	}
	l.lease, l.UpdatedAt = b.now, b.time()
}

func (b *book) report(op string, r Report) string {
	return b.change(op, r.TaskID, func(l *life) (string, bool) {
		if no := b.judge(l, numberOf(r.Attempt)); no != "" {
			return no, false
		}
		b.takes(l)
		if r.Stage != "" {
			if l.Stage = r.Stage; r.Stage == "queued" {
				b.stopClock(l)
			} else if l.runSince == 0 {
				l.runSince = b.now
			}
		}
		if r.Progress != nil {
			l.Progress = *r.Progress
		}
		l.QueuePosition, l.ETASeconds, l.beats = r.QueuePosition, r.ETASeconds, true
		return said("ok", task.Processing, 0), true
	})
}

func (b *book) verdict(op string, r Report) string {
	becomes := map[string]task.Status{"completed": task.Completed, "failed": task.Failed}[r.Said]
	return b.change(op, r.TaskID, func(l *life) (string, bool) {
		if l != nil && l.Status == becomes && (r.Attempt == nil || *r.Attempt == l.Attempt) {
			return said("ok", becomes, 1), false
		}
		if no := b.judge(l, numberOf(r.Attempt)); no != "" {
			return no, false
		}
		var missing []any
		for _, name := range r.Required {
			if k := l.results[name]; k == nil || !k.stored {
				missing = append(missing, name)
			}
		}
		if len(missing) > 0 {
			return refused(fault.ResultsMissing, missing...), false
		}
		if l.Status == task.Pending {
			b.move(l, task.Processing)
		}
		if becomes == task.Failed {
			b.end(l, becomes, &r.Error)
		} else {
			b.end(l, becomes, nil)
		}
		return said("ok", becomes, 0), true
	})
}

func (b *book) release(op string, r Report) string {
	return b.change(op, r.TaskID, func(l *life) (string, bool) {
		switch no := b.judge(l, numberOf(r.Attempt)); {
		case no != "":
			return no, false
		case l.Status == task.Processing:
			b.lose(l)
			return said("ok", l.Status, 0), true
		case l.claim == "":
			return said("ok", task.Pending, 1), false
		}
		l.claim, l.claimUntil, l.unknown, l.nextTry = "", 0, true, b.now // its 202 changes nothing any more
		return said("ok", task.Pending, 1), true
	})
}

// Results.

// offer tells what is known of an offered result, and why it is refused ("": it is taken).
func (b *book) offer(l *life, o Offer) (known *kept, no string) {
	if l != nil {
		if known = l.results[o.Name]; known != nil && known.Attempt != o.Number() {
			known = nil
		}
	}
	if known != nil && known.stored && known.SHA256 == o.SHA256 {
		return known, said("duplicate", known.Size)
	}
	if no = b.judge(l, numberOf(o.Attempt)); no == "" && known != nil && known.SHA256 != o.SHA256 && (known.stored || known.until > b.now) {
		no = refused(fault.ResultConflict)
	}
	return known, no
}

func (b *book) hold(op string, o Offer, key, step string) string {
	return b.change(op, o.TaskID, func(l *life) (string, bool) {
		known, no := b.offer(l, o)
		if step == "release" {
			if known != nil && !known.stored && known.SHA256 == o.SHA256 {
				known.until = 0 // another writer of the same bytes may be about to write there
			}
			return "ok", false
		}
		if no != "" {
			return no, false
		}
		if step == "reserve" {
			l.results[o.Name] = &kept{Result: task.Result{Attempt: o.Number(), SHA256: o.SHA256, Key: key}, until: b.now + ResultReservation.Milliseconds()}
		}
		return "ok", false
	})
}

func (b *book) allow(op string, o Offer, staging string, open time.Duration) string {
	return b.change(op, o.TaskID, func(l *life) (string, bool) {
		if _, no := b.offer(l, o); no != "" {
			return no, false
		}
		b.trash["2 "+staging] = b.now + open.Milliseconds() + urlLife.Milliseconds()
		b.takes(l)
		return "ok", true
	})
}

func (b *book) store(op string, o Offer, key string) string {
	return b.change(op, o.TaskID, func(l *life) (string, bool) {
		known, no := b.offer(l, o)
		if no != "" {
			if strings.HasPrefix(no, "fault") && no != refused(fault.ResultConflict) {
				b.discard(key) // it was written for a task that ended, was taken over or was deleted meanwhile
				if known != nil {
					delete(l.results, o.Name)
				}
			}
			return no, false
		}
		b.takes(l)
		r := task.Result{Name: o.Name, Attempt: o.Number(), Key: key, Size: o.Size, SHA256: o.SHA256, ContentType: o.ContentType, CreatedAt: b.time()}
		b.append(l, task.Event{Kind: task.ResultEvent, Result: &r})
		l.results[o.Name] = &kept{Result: r, stored: true, event: int64(len(l.events))}
		return "ok", true
	})
}

// What users and the sweeper do.

func (b *book) cancel(op, who, id string) string {
	return b.change(op, id, func(l *life) (string, bool) {
		switch {
		case l == nil || who != user:
			return refused(fault.TaskNotFound), false
		case l.Status == task.Cancelled:
			return said("ok", "", 0), false
		case l.Status.Final():
			return refused(fault.TaskFinished, l.Status), false
		}
		b.end(l, task.Cancelled, nil)
		return said("ok", l.Worker, l.Attempt), true
	})
}

func (b *book) remove(op, who, id string) string {
	if reply, ok := b.gone[op]; ok {
		return reply
	}
	return b.change(op, id, func(l *life) (string, bool) {
		if l == nil || who != user {
			return refused(fault.TaskNotFound), false
		}
		reply := said("ok", "", 0)
		if !l.Status.Final() {
			reply = said("ok", l.Worker, l.Attempt)
			b.end(l, task.Cancelled, nil)
		}
		b.erase(l)
		b.gone[op] = reply
		return reply, false
	})
}

func (b *book) look(op, id string, run Run) string {
	return b.change(op, id, func(l *life) (string, bool) {
		resumed := millisOf(run.Resumed)
		switch {
		case l == nil:
			return "gone", false
		case l.Status == task.Pending:
			if l.silentSince == 0 && b.now >= max(l.pendingSince, resumed)+b.policy.QueueDeadline.Milliseconds() {
				b.end(l, task.Failed, &task.Error{Code: task.WorkerUnavailable, Message: allBusy})
				return "unavailable", true
			}
			if b.due(l) <= b.now {
				return "pending", false
			}
			return "later", false
		case l.Status.Final():
			if l.finished+b.policy.Retention.Milliseconds() <= b.now {
				b.erase(l)
				return "expired", false
			}
			return "later", false
		case l.runSince > 0 && l.ran+b.now-l.runSince >= b.policy.TaskTimeout.Milliseconds():
			b.end(l, task.Failed, &task.Error{Code: task.Timeout, Message: tooLong})
			return said("timeout", l.Worker, l.Attempt), true
		}
		l.lease = max(l.lease, resumed) // an outage of ours is not the worker's fault
		if l.beats && l.lease+b.policy.HeartbeatTimeout.Milliseconds() <= b.now {
			b.lose(l)
			return said("lost", l.Status), true
		}
		return "later", true
	})
}

// due is when the sweeper has to look at a living task again.
func (b *book) due(l *life) int64 {
	if l.Status == task.Pending {
		return max(l.nextTry, l.claimUntil)
	}
	at := int64(never)
	if l.beats {
		at = l.lease + b.policy.HeartbeatTimeout.Milliseconds()
	}
	if l.runSince > 0 {
		at = min(at, l.runSince+b.policy.TaskTimeout.Milliseconds()-l.ran)
	}
	return at
}

// empty forgets the trash that is ripe, and tells which objects are deleted.
func (b *book) empty() (keys []string) {
	for _, member := range slices.Sorted(maps.Keys(b.trash)) {
		if b.trash[member] <= b.now {
			delete(b.trash, member)
			keys = append(keys, member[2:])
		}
	}
	return keys
}

// Moves.

// move changes the status to a living one and tells of it.
func (b *book) move(l *life, to task.Status) {
	b.enter(l, to)
	if to == task.Processing {
		if l.StartedAt.IsZero() {
			l.StartedAt = b.time()
		}
		l.reached[l.Attempt] = true
		l.unknown, l.silentSince, l.tries, l.lease = false, 0, 0, b.now
		if l.Stage != "queued" {
			l.runSince = b.now
		}
	} else {
		l.pendingSince, l.nextTry, l.unknown = b.now, b.now, l.Attempt > 0
	}
	b.append(l, task.Event{Kind: task.StatusEvent, Status: to})
}

func (b *book) enter(l *life, to task.Status) {
	b.stopClock(l)
	l.Status, l.UpdatedAt = to, b.time()
}

func (b *book) stopClock(l *life) {
	if l.runSince > 0 {
		l.ran, l.runSince = l.ran+b.now-l.runSince, 0
	}
}

// lose takes a task from a worker that fell silent or gave it back.
func (b *book) lose(l *life) {
	if len(l.reached) >= b.policy.MaxAttempts {
		b.end(l, task.Failed, &task.Error{Code: task.WorkerLost, Message: silent})
	} else {
		l.claim, l.claimUntil = "", 0 // its 202 changes nothing any more
		b.move(l, task.Pending)
	}
}

func (b *book) end(l *life, status task.Status, why *task.Error) {
	b.enter(l, status)
	l.FinishedAt, l.finished, l.Error = b.time(), b.now, why
	l.claim, l.claimUntil = "", 0
	if status == task.Completed {
		l.Progress = 100
	}
	delete(b.active, l.ID)
	b.append(l, task.Event{Kind: task.StatusEvent, Status: status, Error: why})
}

func (b *book) append(l *life, e task.Event) {
	e.Number, e.TaskID, e.Attempt, e.At = int64(len(l.events))+1, l.ID, l.Attempt, b.time()
	l.events = append(l.events, e)
	b.rung = append(b.rung, e)
}

// erase removes a task: all that is left of it is trash.
func (b *book) erase(l *life) {
	b.discard(l.Input.Key)
	b.discardResults(l)
	delete(b.lives, l.ID)
}

func (b *book) discardResults(l *life) {
	for _, k := range l.results {
		b.discard(k.Key)
	}
	clear(l.results)
}

// discard has an object deleted now, and again when the last URL to it has run out.
func (b *book) discard(key string) {
	b.trash["1 "+key], b.trash["2 "+key] = b.now, b.now+urlLife.Milliseconds()
}

// numberOf is the attempt of a message, 0 where its worker knows none.
func numberOf(attempt *int) int {
	if attempt == nil {
		return 0
	}
	return *attempt
}

func millisOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
