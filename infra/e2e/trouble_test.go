package e2e

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

func TestTrouble(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	o := s.orderUnheard(t, taken)
	broken := s.orderUnheard(t, taken)
	client := s.redis.Client()
	defer func() { _ = client.Close() }()
	broken.file(1, "a.png", []byte("a")).want(t, http.StatusOK)
	keys, err := client.Keys(t.Context(), "recon:*:task:"+broken.TaskID+":results").Result()
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	if err := client.HSet(t.Context(), keys[0], "a.png", "no record").Err(); err != nil {
		t.Fatal(err)
	}
	s.get(t, broken.StatusURL).problem(t, http.StatusInternalServerError, "internal")

	s.redis.Kill()
	for name, call := range map[string]func() answer{
		"upload": func() answer { return s.send(t, drawing()) },
		"upload-url": func() answer {
			return s.post(t, "/picture/upload-url", map[string]any{"name": "a", "contentType": "image/png", "size": 5})
		},
		"picture": func() answer { return s.get(t, "/picture/"+o.picture.ID) },
		"gallery": func() answer { return s.get(t, "/picture/list/page") },
		"create": func() answer {
			return s.post(t, "/api/reconstruction/create-from-image", map[string]any{"imageId": o.picture.ID})
		},
		"status":          func() answer { return s.get(t, o.StatusURL) },
		"list":            func() answer { return s.get(t, "/api/reconstruction/list") },
		"cancel":          func() answer { return s.post(t, "/api/reconstruction/cancel/"+o.TaskID, nil) },
		"delete":          func() answer { return s.call(t, http.MethodDelete, o.StatusURL, nil) },
		"callback status": func() answer { return s.outbox.send(t, statusHook(o.TaskID, 1, "processing")) },
		"callback result": func() answer { return s.outbox.send(t, fileHook(o.TaskID, 1, "a.png", []byte("a"))) },
		"callback upload": func() answer {
			return s.outbox.send(t, directHook("upload", o.TaskID, 1, manifest("a.png", []byte("a"), 1)))
		},
		"events, bearer": func() answer { return s.get(t, "/api/reconstruction/events/"+o.TaskID) },
	} {
		a := call()
		t.Run(name, func(t *testing.T) { a.problem(t, http.StatusServiceUnavailable, "unavailable") })
	}
	blind := s.listen(t, o.SseURL, "") // who brings a ticket always gets the stream
	s.redis.Run()
	if got := blind.until(t, "PROCESSING"); len(got) != 2 {
		t.Errorf("after the outage: %+v", got)
	}
	bucket := s.bucket(t)
	if left := s.orphans(t, bucket, "pictures/local", "reconstruction/"+o.TaskID, "reconstruction/"+broken.TaskID); len(left) > 0 {
		t.Errorf("orphaned objects: %v", left)
	}
	o.finish(1)
	blind.until(t, "COMPLETED")
}

func TestRudeClients(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	for name, raw := range map[string]string{
		"leaves early":     "POST /picture/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b\r\n",
		"is no HTTP":       "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"broken chunks":    "POST /picture/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\nzz\r\n",
		"two lengths":      "POST /picture/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
		"a negative one":   "POST /picture/upload HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nhello",
		"escapes the path": "GET /picture/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.base.Host)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := io.WriteString(conn, raw); err != nil {
				t.Fatal(err)
			}
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(conn)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) > 0 && !bytes.HasPrefix(got, []byte("HTTP/1.1 4")) {
				t.Errorf("answered %s", got)
			}
		})
	}
	// A chunked body that never says how long it is ends at the limit.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.base.JoinPath("/picture/upload").String(), io.MultiReader(bytes.NewReader(make([]byte, 7<<20))))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	a, err := send(s.http, r)
	if err != nil {
		t.Fatal(err)
	}
	a.problem(t, http.StatusRequestEntityTooLarge, "payload_too_large")
	o := s.order(t, taken)
	o.finish(1)
	o.events.until(t, "COMPLETED")
}
