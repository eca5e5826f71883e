package e2e

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/tencentyun/cos-go-sdk-v5"
	"gopkg.in/yaml.v3"
)

// operation is one of the API's, as infra/docs/openapi.yaml has it.
type operation struct {
	id      string
	schemes []string // any of which lets a caller in; none: everybody may call
	worker  bool     // a worker's own, not the backend's
}

// operations reads the API's document.
func operations(t *testing.T) []operation {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(os.Getenv(rootEnv), "infra", "docs", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	type security []map[string][]string
	var doc struct {
		Security security
		Paths    map[string]map[string]yaml.Node
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	var all []operation
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		item := doc.Paths[path]
		for _, method := range []string{"get", "put", "post", "delete", "patch", "options", "head", "trace"} {
			node, is := item[method]
			if !is {
				continue
			}
			var op struct {
				OperationID string `yaml:"operationId"`
				Security    *security
			}
			if err := node.Decode(&op); err != nil {
				t.Fatal(err)
			}
			lets := doc.Security
			if op.Security != nil {
				lets = *op.Security
			}
			o := operation{id: op.OperationID}
			_, o.worker = item["servers"]
			for _, one := range lets {
				o.schemes = append(o.schemes, slices.Sorted(maps.Keys(one))...)
			}
			all = append(all, o)
		}
	}
	return all
}

// call is a request of a user's that is right but for who sends it.
type call struct {
	method, path string
	mime         string
	body         []byte
	right        int    // what its user is answered
	foreign      string // the code for another user; "": it is about no one's thing but the caller's
}

// The matrix: each operation of the API with everything that must not open it. Nothing is changed by any.
func TestWhoMayCallWhat(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	ticketSecret := token() + token()
	s := start(t, 1, append(is.env(), "SWEEP_INTERVAL", "1h", "TICKET_SECRET", ticketSecret)...)
	ann, bob := s.browser, s.browser
	ann.token, bob.token = is.rs256(claims("ann")), hs256([]byte(is.secret), claims("bob"))

	data := drawing()
	s.fleet.expect(data, taken)
	pic, spare, theirs := ann.upload(t, data), ann.upload(t, data), bob.upload(t, data)
	put := func() string {
		var g grant
		ann.post(t, "/picture/upload-url", map[string]any{"name": "a.png", "contentType": "image/png", "size": len(data)}).want(t, http.StatusCreated).into(t, &g)
		g.put(t, data).want(t, http.StatusOK)
		return g.ID
	}
	direct := put()
	job, other, third, foreign := ann.create(t, pic.ID), ann.create(t, pic.ID), ann.create(t, pic.ID), bob.create(t, theirs.ID)
	upload, mime := form(part{"file", "photo.png", data})
	const asJSON, tasks = "application/json", "/api/reconstruction/"
	announcement := mustJSON(map[string]any{"name": "b.png", "contentType": "image/png", "size": len(data)})

	calls := map[string]call{
		"uploadPicture":   {http.MethodPost, "/picture/upload", mime, upload, 201, ""},
		"announcePicture": {http.MethodPost, "/picture/upload-url", asJSON, announcement, 201, ""},
		"completePicture": {http.MethodPost, "/picture/" + direct + "/complete", "", nil, 201, "picture_not_found"},
		"getPicture":      {http.MethodGet, "/picture/" + pic.ID, "", nil, 200, "picture_not_found"},
		"deletePicture":   {http.MethodDelete, "/picture/" + spare.ID, "", nil, 204, "picture_not_found"},
		"listPictures":    {http.MethodGet, "/picture/list/page", "", nil, 200, ""},
		"createTask":      {http.MethodPost, tasks + "create-from-image", asJSON, mustJSON(map[string]string{"imageId": pic.ID}), 202, "picture_not_found"},
		"streamEvents":    {http.MethodGet, tasks + "events/" + job.TaskID, "", nil, 200, "task_not_found"},
		"getTask":         {http.MethodGet, tasks + "status/" + job.TaskID, "", nil, 200, "task_not_found"},
		"deleteTask":      {http.MethodDelete, tasks + "status/" + other.TaskID, "", nil, 204, "task_not_found"},
		"listTasks":       {http.MethodGet, tasks + "list", "", nil, 200, ""},
		"cancelTask":      {http.MethodPost, tasks + "cancel/" + third.TaskID, "", nil, 200, "task_not_found"},
	}
	hooks := map[string]hook{
		"postResult":    fileHook(job.TaskID, 1, "a.png", []byte("a")),
		"postUploadUrl": directHook("upload", job.TaskID, 1, manifest("b.png", []byte("b"), 1)),
		"postStatus":    statusHook(job.TaskID, 1, "processing"),
	}
	tickets := map[string]string{"her other task's ticket": ticketOf(t, other), "another user's ticket": ticketOf(t, foreign)}
	right := ticketOf(t, job)
	badTickets := map[string]string{
		"an empty ticket": "", "a cut ticket": right[:len(right)-1], "a ticket in another case": strings.ToUpper(right), "a longer ticket": right + "A",
		"a token as ticket": ann.token, "the ticket's secret": ticketSecret, "an expired ticket": s.expiredTicket(t, ann, job),
	}
	maps.Copy(badTickets, tickets)
	workers := map[string][]byte{
		"the worker's secret": []byte(s.outbox.secret), "the worker's key": keyOf(t, s.outbox.secret), "the tickets' secret": []byte(ticketSecret),
		"the bucket's key": []byte(s.cosKey), "a ticket": []byte(right), "a signature": []byte(signature(t, s.outbox.secret, "x", time.Now(), nil)),
	}
	forged := is.forged(t, "ann", workers)
	forged["a worker's signature"] = workersHeaders(t, s.outbox.secret, hooks["postStatus"])
	secrets := map[string]string{"the users' secret": is.secret, "the tickets' secret": ticketSecret, "the bucket's key": s.cosKey}
	grants := map[string]string{"a user's token": ann.token, "the task's ticket": right}

	before := s.everything(t, pic.URL)
	tried := 0
	for _, op := range operations(t) {
		if op.worker {
			continue // TestWhoMayCallAWorker
		}
		c, isCall := calls[op.id]
		h, isHook := hooks[op.id]
		if isCall == isHook {
			t.Errorf("%s of infra/docs/openapi.yaml has no row here", op.id)
			continue
		}
		wantSchemes := []string{"bearer"}
		switch {
		case isHook:
			wantSchemes = []string{"webhookSignature"}
		case op.id == "streamEvents":
			wantSchemes = []string{"bearer", "ticket"}
		}
		if !slices.Equal(op.schemes, wantSchemes) {
			t.Errorf("%s is said to be open to %v, not %v", op.id, op.schemes, wantSchemes)
		}
		nobody := s.browser
		refused := func(what string, a answer, status int, code string) {
			t.Helper()
			tried++
			a.problemNamed(t, op.id+", "+what, status, code)
		}
		if isHook {
			for what, change := range misSigned(h, secrets, grants) {
				bad := h
				change(&bad)
				refused(what, s.outbox.send(t, bad), http.StatusUnauthorized, "signature_invalid")
			}
			continue
		}
		headers := func(more []string) []string {
			if c.mime == "" {
				return more
			}
			return append([]string{"Content-Type", c.mime}, more...)
		}
		for what, more := range forged {
			refused(what, nobody.call(t, c.method, c.path, c.body, headers(more)...), http.StatusUnauthorized, "unauthorized")
		}
		for what, query := range map[string]string{"a token in the address": "?access_token=" + ann.token + "&token=" + ann.token, "a ticket in a fragment's place": "?Ticket=" + right} {
			refused(what, nobody.call(t, c.method, c.path+query, c.body, headers(nil)...), http.StatusUnauthorized, "unauthorized")
		}
		if op.id == "streamEvents" {
			for what, ticket := range badTickets {
				path := c.path + "?ticket=" + url.QueryEscape(ticket)
				refused(what, nobody.call(t, c.method, path, nil), http.StatusUnauthorized, "unauthorized")
				refused(what+" beside a good token", ann.call(t, c.method, path, nil), http.StatusUnauthorized, "unauthorized")
			}
		} else {
			refused("a good ticket", nobody.call(t, c.method, c.path+"?ticket="+right, c.body, headers(nil)...), http.StatusUnauthorized, "unauthorized")
		}
		if c.foreign != "" {
			refused("another user", bob.call(t, c.method, c.path, c.body, headers(nil)...), http.StatusNotFound, c.foreign)
		}
	}
	for path, mine := range map[string]string{"/picture/list/page": theirs.ID, tasks + "list": foreign.TaskID} {
		if got := string(bob.get(t, path).want(t, http.StatusOK).body); !strings.Contains(got, mine) || strings.Contains(got, pic.ID) || strings.Contains(got, job.TaskID) {
			t.Errorf("%s shows another user's: %s", path, got)
		}
	}
	if n := is.asked.Load(); n > 0 {
		t.Errorf("a token's own address of keys was asked %d times", n)
	}
	after := s.everything(t, pic.URL)
	for key := range maps.Keys(after) {
		if after[key] != before[key] {
			t.Errorf("%s was changed or made", key)
		}
		delete(before, key)
	}
	for key, was := range before {
		var ends int64 // ms, -1: never
		if _, err := fmt.Sscan(was, &ends); err != nil || ends < 0 || ends > time.Now().UnixMilli() {
			t.Errorf("%s is gone", key)
		}
	}
	t.Logf("%d calls were refused", tried)

	// All that was refused is right when its own caller sends it.
	for id, c := range calls {
		ctx := t.Context()
		if id == "streamEvents" {
			ann.listen(t, c.path, "").until(t, "PROCESSING")
			s.listen(t, c.path+"?ticket="+right, "").until(t, "PROCESSING")
			continue
		}
		var more []string
		if c.mime != "" {
			more = []string{"Content-Type", c.mime}
		}
		if a, err := ann.do(ctx, c.method, c.path, c.body, more...); err != nil || a.status != c.right {
			t.Errorf("%s by its user: %d %s %v", id, a.status, a.body, err)
		}
	}
	for id, h := range hooks {
		if a := s.outbox.send(t, h); a.status != http.StatusOK {
			t.Errorf("%s by its worker: %d %s", id, a.status, a.body)
		}
	}
}

// problemNamed is problem for one of many calls, which goes on.
func (a answer) problemNamed(t *testing.T, what string, status int, code string) {
	t.Helper()
	if a.status != status || !strings.Contains(string(a.body), `"code":"`+code+`"`) {
		t.Errorf("%s: %d %s, not %d %s", what, a.status, clip(a.body), status, code)
	}
	if challenge := a.header.Get("WWW-Authenticate") != ""; challenge != (code == "unauthorized") {
		t.Errorf("%s: WWW-Authenticate %q", what, a.header.Get("WWW-Authenticate"))
	}
	if len(a.header.Values("Set-Cookie")) > 0 {
		t.Errorf("%s: a cookie is set", what)
	}
}

// TestWhoMayCallAWorker is the matrix of the worker's own operations.
func TestWhoMayCallAWorker(t *testing.T) {
	t.Parallel()
	s := start(t, 0, "WORKER_URLS", "")
	worker := &url.URL{Scheme: "http", Host: "127.0.0.1:" + variable(t, s.environ(t, "python"), "PORT")}
	at := func(method, path string, h hook) hook { // a message as it is sent to the worker
		before := h.alter
		h.alter = func(r *http.Request) {
			r.Method, r.URL = method, &url.URL{Scheme: worker.Scheme, Host: worker.Host, Path: path}
			if before != nil {
				before(r)
			}
		}
		return h
	}
	const taskID = "01890000-0000-7000-8000-000000000043"
	// The backend is away for this task, which it would say it doesn't know: the worker would stop by itself.
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	t.Cleanup(away.Close)
	order, mime := form(part{name: "task_id", data: []byte(taskID)}, part{name: "attempt", data: []byte("1")}, part{name: "callback_url", data: []byte(away.URL)},
		part{"image", "photo.png", drawing()})
	type row struct {
		method, path string
		hook         *hook // nil: everybody may call
		right        int
	}
	rows := map[string]row{
		"generate3d":       {http.MethodPost, "/generate3d", &hook{kind: "dispatch", taskID: taskID, attempt: 1, body: order, mime: mime}, 202},
		"stopTask":         {http.MethodDelete, "/generate3d/" + taskID, &hook{kind: "cancel", taskID: taskID, attempt: 1}, 202},
		"getWorkerHealth":  {http.MethodGet, "/health", nil, 200},
		"getWorkerMetrics": {http.MethodGet, "/metrics", nil, 200},
	}
	idle := func(what string) {
		t.Helper()
		var health struct {
			Queue  struct{ Running, Queued, Delivering int }
			Outbox struct{ Pending, Dead int }
		}
		b := browser{base: worker, http: s.http}
		if err := json.Unmarshal(b.get(t, "/health").want(t, http.StatusOK).body, &health); err != nil {
			t.Fatal(err)
		}
		if health.Queue != (struct{ Running, Queued, Delivering int }{}) || health.Outbox != (struct{ Pending, Dead int }{}) {
			t.Errorf("%s: the worker has %+v", what, health)
		}
	}
	var rest []string
	for _, op := range operations(t) {
		if !op.worker {
			continue
		}
		row, ok := rows[op.id]
		switch {
		case !ok:
			t.Errorf("%s of infra/docs/openapi.yaml has no row here", op.id)
			continue
		case row.hook == nil:
			if len(op.schemes) > 0 {
				t.Errorf("%s is said to be open to %v, not to everybody", op.id, op.schemes)
			}
			rest = append(rest, row.path)
			continue
		case !slices.Equal(op.schemes, []string{"webhookSignature"}):
			t.Errorf("%s is said to be open to %v", op.id, op.schemes)
		}
		for what, change := range misSigned(*row.hook, map[string]string{"another": token() + token()}, map[string]string{"a user's token": hs256([]byte("x"), claims("ann"))}) {
			bad := *row.hook
			change(&bad)
			if bad.body == nil && (what == "no body" || what == "a body in another case" || what == "another attempt's id") {
				continue // it has no body, and so none that names an attempt
			}
			s.outbox.send(t, at(row.method, row.path, bad)).problemNamed(t, op.id+", "+what, http.StatusUnauthorized, "signature_invalid")
		}
	}
	idle("after what was forged")
	for _, path := range rest {
		b := browser{base: worker, http: s.http}
		if got := string(b.get(t, path).want(t, http.StatusOK).body); strings.Contains(got, strings.TrimPrefix(s.outbox.secret, "whsec_")) {
			t.Errorf("%s tells the secret", path)
		}
	}
	for _, id := range []string{"generate3d", "stopTask"} {
		if a := s.outbox.send(t, at(rows[id].method, rows[id].path, *rows[id].hook)); a.status != rows[id].right {
			t.Errorf("%s by the backend: %d %s", id, a.status, a.body)
		}
	}
}

// variable is one of an environment's.
func variable(t *testing.T, environ []string, name string) string {
	t.Helper()
	for _, pair := range environ {
		if value, is := strings.CutPrefix(pair, name+"="); is {
			return value
		}
	}
	t.Fatalf("%s is not set", name)
	return ""
}

// workersHeaders are those of a worker's good message.
func workersHeaders(t *testing.T, secret string, h hook) []string {
	t.Helper()
	now, id := time.Now(), h.kind+":"+h.taskID+":1:x"
	return []string{"webhook-id", id, "webhook-timestamp", strconv.FormatInt(now.Unix(), 10), "webhook-signature", signature(t, secret, id, now, h.body)}
}

// keyOf is the key in a whsec_ secret.
func keyOf(t *testing.T, secret string) []byte {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// ticketOf is the ticket in a task's sseUrl.
func ticketOf(t *testing.T, c created) string {
	t.Helper()
	u, err := url.Parse(c.SseURL)
	if err != nil || u.Query().Get("ticket") == "" {
		t.Fatalf("%s: %v", c.SseURL, err)
	}
	return u.Query().Get("ticket")
}

// expiredTicket is one for a task that was right for a second: a function with another TICKET_TTL made it.
func (s *system) expiredTicket(t *testing.T, b browser, c created) string {
	t.Helper()
	port := ownPort(t)
	launch(t, "tasks", with(s.environ(t, "tasks"), "PORT="+port, "TICKET_TTL=1s", "COS_SECRET_ID="+s.cosID, "COS_SECRET_KEY="+s.cosKey))
	b.base = &url.URL{Scheme: "http", Host: "127.0.0.1:" + port}
	var d document
	eventually(t, "a function with tickets of a second answers", func() bool {
		a, err := b.do(t.Context(), http.MethodGet, "/api/reconstruction/status/"+c.TaskID, nil)
		if err != nil {
			return false
		}
		a.want(t, http.StatusOK).into(t, &d)
		return true
	})
	c.SseURL = d.SseURL
	nobody := s.browser
	eventually(t, "a ticket of a second ends", func() bool {
		st, status := nobody.tryListen(t, c.SseURL, "")
		if st != nil {
			st.close()
		}
		return status == http.StatusUnauthorized
	})
	return ticketOf(t, c)
}

// everything is all that Redis and the bucket keep, by key: values and when they end.
func (s *system) everything(t *testing.T, objectURL string) map[string]string {
	t.Helper()
	all := map[string]string{}
	client := s.redis.Client()
	defer func() { _ = client.Close() }()
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) == 0 {
		t.Fatalf("%d keys: %v", len(keys), err)
	}
	for _, key := range keys {
		value, err := client.Dump(t.Context(), key).Result()
		if errors.Is(err, redis.Nil) {
			continue // a limit's, which ended by itself
		}
		if err != nil {
			t.Fatal(err)
		}
		ends, err := client.Do(t.Context(), "PEXPIRETIME", key).Result()
		if err != nil {
			t.Fatal(err)
		}
		all["Redis "+key] = fmt.Sprint(ends, " ", value)
	}
	u, err := url.Parse(objectURL)
	if err != nil {
		t.Fatal(err)
	}
	bucket := cos.NewClient(&cos.BaseURL{BucketURL: &url.URL{Scheme: u.Scheme, Host: u.Host}}, &http.Client{
		Transport: &cos.AuthorizationTransport{SecretID: s.cosID, SecretKey: s.cosKey},
	})
	page, _, err := bucket.Bucket.Get(t.Context(), &cos.BucketGetOptions{MaxKeys: 1000})
	if err != nil || page.IsTruncated || len(page.Contents) == 0 {
		t.Fatalf("%+v %v", page, err)
	}
	for _, o := range page.Contents {
		all["COS "+o.Key] = o.ETag + o.LastModified
	}
	return all
}
