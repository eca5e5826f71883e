package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// raw sends bytes as they are and tells the answer's status, 0 where the connection was closed without one.
func (s *system) raw(t *testing.T, text string) (status int, h http.Header, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.base.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }() // what counts was read
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		return 0, nil, "" // refused while it was sent
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, nil, ""
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

// Requests that are not what a browser sends: none gets past its address, its method or its size, none makes a 500, and the log stays one
// line of JSON for each event.
func TestOddRequests(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	o := s.orderUnheard(t, taken)
	o.job.next(t)
	status, create := "/api/reconstruction/status/"+o.TaskID, "/api/reconstruction/create-from-image"
	order := `{"imageId":"` + o.picture.ID + `"}`
	get := func(path string, headers ...string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + strings.Join(append(headers, "\r\n"), "\r\n")
	}
	post := func(body string, headers ...string) string {
		headers = append([]string{"POST " + create + " HTTP/1.1", "Host: x", "Connection: close", "Content-Type: application/json"}, headers...)
		return strings.Join(headers, "\r\n") + "\r\n\r\n" + body
	}
	sized := func(body string, headers ...string) string {
		return post(body, append(headers, fmt.Sprint("Content-Length: ", len(body)))...)
	}
	for what, c := range map[string]struct {
		request string
		want    []int
	}{
		"as it should be":            {get(status), []int{200}},
		"a slash too many":           {get("/" + status), []int{404}},
		"a slash behind":             {get(status + "/"), []int{404}},
		"an escaped slash":           {get(strings.Replace(status, "/status/", "/status%2F", 1)), []int{404}},
		"an escaped slash in the id": {get("/picture/" + o.picture.ID + "%2Fcomplete"), []int{404}},
		"up and down":                {get("/api/reconstruction/list/../status/" + o.TaskID), []int{404}},
		"up, escaped":                {get("/app/%2e%2e/api/reconstruction/status/" + o.TaskID), []int{200, 404}}, // the page, for every view is the app's
		"up, out of the page":        {get("/assets/..%2f..%2f..%2f..%2fetc%2fpasswd"), []int{404}},
		"a backslash":                {get(`/api\reconstruction\list`), []int{404}},
		"a NUL":                      {get(status + "%00"), []int{404}},
		"a line end":                 {get("/picture/x%0d%0aSet-Cookie:%20a=b%0a%7B%22level%22:%22ERROR%22%7D"), []int{404}},
		"other letters":              {get("/picture/%E2%80%A8%E2%80%AE%00%1b[31m"), []int{404}},
		"another case":               {get("/API/reconstruction/list"), []int{404}},
		"an absolute address":        {get("http://evil.example" + status), []int{200}}, // RFC 9112, section 3.2.2: it is taken
		"half an escape":             {get("/picture/%zz"), []int{400}},
		"a method in a header":       {get(status, "X-HTTP-Method-Override: DELETE", "X-Method-Override: DELETE"), []int{200}},
		"a method in the query":      {get(status + "?_method=DELETE"), []int{200}},
		"TRACE":                      {strings.Replace(get(status), "GET", "TRACE", 1), []int{405}},
		"CONNECT":                    {strings.Replace(get(status), "GET", "CONNECT", 1), []int{400, 404, 405}},
		"a method of its own":        {strings.Replace(get(status), "GET", "STEAL", 1), []int{405}},
		"a header of 1 MiB":          {get(status, "X-Big: "+strings.Repeat("x", 1<<20)), []int{0, 431}},
		"headers without end":        {get(status, strings.Repeat("X-Many: x\r\n", 100_000)+"X: x"), []int{0, 431}},
		"a header of two lines":      {get(status, "X-Folded: a\r\n b"), []int{200, 400}},
		"two hosts":                  {get(status, "Host: y"), []int{400}},
		"a request id of two lines":  {get(status, `X-Request-Id: a"}{"level":"ERROR`), []int{200}},

		"two lengths":            {post(order, fmt.Sprint("Content-Length: ", len(order)), "Content-Length: 1"), []int{400}},
		"length and chunks":      {post("0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", "Content-Length: 7", "Transfer-Encoding: chunked"), []int{400}},
		"chunks, misspelt":       {post("0\r\n\r\n", "Transfer-Encoding: xchunked"), []int{400, 501}},
		"a chunk without end":    {post("FFFFFFFFFFFFFFFFF\r\n", "Transfer-Encoding: chunked"), []int{400}},
		"a negative length":      {post("", "Content-Length: -1"), []int{400}},
		"a huge length":          {post("", "Content-Length: 99999999999999"), []int{413}},
		"a packed body":          {sized("\x1f\x8b\x08\x00", "Content-Encoding: gzip"), []int{415}},
		"not packed, it says so": {sized(order, "Content-Encoding: identity", "Content-Encoding: br"), []int{415}},
		"two keys":               {sized(order, "Idempotency-Key: one", "Idempotency-Key: other"), []int{422}},
		"arrays in arrays":       {sized(strings.Repeat("[", 8000)), []int{400}},
		"objects in objects":     {sized(`{"imageId":` + strings.Repeat(`{"a":`, 2500) + "1" + strings.Repeat("}", 2501)), []int{422}},
		"a huge number":          {sized(`{"imageId":1e999999}`), []int{400, 422}},
		"two values":             {sized(order + order), []int{400}},
		"two of a name, no good": {sized(`{"imageId":"` + o.picture.ID + `","imageId":"x"}`), []int{404}},
		"bytes of no text":       {sized("{\"imageId\":\"\xff\xfe\"}"), []int{404}},
		"half of a pair":         {sized(`{"imageId":"\ud800"}`), []int{404}},
		"a path as an id":        {sized(`{"imageId":"../../` + o.picture.ID + `"}`), []int{404}},
		"a prototype":            {sized(`{"__proto__":{"imageId":"x"},"constructor":1}`), []int{422}},
	} {
		got, h, body := s.raw(t, c.request)
		ok := false
		for _, want := range c.want {
			ok = ok || got == want
		}
		if !ok {
			t.Errorf("%s: %d %s, not %v", what, got, clip([]byte(body)), c.want)
		}
		if len(h.Values("Set-Cookie")) > 0 || strings.Contains(body, "root:") || strings.Contains(body, "evil.example") {
			t.Errorf("%s: %v %s", what, h, body)
		}
	}
	if d := o.document(); d.Status != "PROCESSING" {
		t.Errorf("after all that: %+v", d)
	}
	a := s.get(t, status, "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "gopher", "Forwarded", "host=evil.example").want(t, http.StatusOK)
	if strings.Contains(string(a.body), "evil") || strings.Contains(string(a.body), "gopher") {
		t.Errorf("a caller's words about the host are believed: %s", a.body)
	}
	s.everyLineIsJSON(t)
}

// What workers and users write comes out as text: an event stream has the events that happened, a header the lines that were set.
func TestWordsOfOthersStayWords(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	const evil = "a\r\n\r\nid: 99\nevent: status\ndata: {\"status\":\"COMPLETED\"}\n\n\u2028\u2029\x00\x1b[31m<script>alert(1)</script>\r\nSet-Cookie: a=b"
	data := drawing()
	body, mime := form(part{"file", "photo.png", data})
	body = []byte(strings.Replace(string(body), `filename="photo.png"`, `filename="..\\..\\`+"\u2028"+`<b>a.png%0d%0aSet-Cookie: a=b"`, 1))
	var p picture
	s.call(t, http.MethodPost, "/picture/upload", body, "Content-Type", mime).want(t, http.StatusCreated).into(t, &p)
	if strings.ContainsAny(p.Name, "/\\\r\n\x00") {
		t.Errorf("the picture's name is %q", p.Name)
	}
	if a := fetch(t, p.URL).want(t, http.StatusOK); len(a.header.Values("Set-Cookie")) > 0 || a.header.Get("Content-Type") != "image/png" {
		t.Errorf("%v", a.header)
	}

	// The file's bytes are its user's: a URL of it may not become that of a page.
	fetch(t, p.URL+"&response-content-type=text%2Fhtml").want(t, http.StatusForbidden)

	job := s.fleet.expect(data, taken)
	c := s.create(t, p.ID)
	fetch(t, *s.task(t, c.TaskID).OriginalImageURL+"&response-content-type=text%2Fhtml").want(t, http.StatusForbidden)
	job.next(t)
	st := s.listen(t, c.SseURL, "")
	st.until(t, "PROCESSING")
	s.outbox.send(t, statusHook(c.TaskID, 1, "processing", "stage", evil)).problem(t, http.StatusUnprocessableEntity, "validation_failed")
	m := manifest("page.html", []byte("<script>"), 1)
	m["contentType"] = "text/html\r\nSet-Cookie: a=b"
	s.outbox.send(t, directHook("upload", c.TaskID, 1, m)).problem(t, http.StatusUnprocessableEntity, "validation_failed")
	s.outbox.send(t, fileHook(c.TaskID, 1, "page.html", []byte("<script>alert(1)</script>"))).want(t, http.StatusOK)
	result := st.next(t).read(t)
	if a := fetch(t, *result.URL).want(t, http.StatusOK); !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("a page of a worker's opens in the browser: %v", a.header)
	}
	s.outbox.send(t, statusHook(c.TaskID, 1, "failed", "error", map[string]string{"code": evil, "message": evil})).want(t, http.StatusOK)
	e := st.next(t)
	st.ended(t)
	failed := e.read(t)
	if e.name != "status" || e.id != "4" || failed.Status != "FAILED" || failed.Error == nil || failed.Error.Code != "worker_failed" || strings.ContainsAny(failed.Error.Message, "\r\n\x00\x1b\u2028\u2029") {
		t.Errorf("%+v %+v", e, failed.Error)
	}
	s.everyLineIsJSON(t)
}

// everyLineIsJSON fails the test where a line of the host's log is not one event.
func (s *system) everyLineIsJSON(t *testing.T) {
	t.Helper()
	b, err := os.ReadFile(s.logFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var event struct {
			Function, Level string
			Msg             *string
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil || event.Function == "" || event.Msg == nil {
			t.Errorf("a line of the log is %q: %v", line, err)
		}
		if event.Level == "ERROR" {
			t.Errorf("an error: %s", line)
		}
	}
}

// Who begins a request and never ends it is hung up on, at the gateway and at a function.
func TestWhoNeverEndsARequestIsHungUpOn(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	for who, address := range map[string]string{"the gateway": s.base.Host, "a function": "127.0.0.1:" + variable(t, s.environ(t, "tasks"), "PORT"), "the relay": "127.0.0.1:" + variable(t, s.environ(t, "relay"), "PORT")} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }() // it has ended
			if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(conn); err != nil {
				t.Errorf("it waits: %v", err)
			}
		})
	}
}
