package cosd_test

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/infra/local/cosd"
)

// serveDir makes the test binary an endpoint over that folder, in a process of its own, which tests can kill or starve.
const serveDir = "COSD_TEST_SERVE_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveDir); dir != "" {
		fmt.Fprintln(os.Stderr, serve(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func serve(dir string) error {
	handler, err := cosd.New(dir, cosd.Options{SecretID: secretID, SecretKey: secretKey, Logger: slog.New(slog.NewJSONHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	return http.Serve(listener, handler)
}

// startProcess runs an endpoint as a process. prefix is a shell command before it, such as a limit.
// log reads what it has logged.
func startProcess(t *testing.T, dir, prefix string) (b *bucket, process *os.Process, log func() string) {
	t.Helper()
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	log = func() string {
		content, err := os.ReadFile(stderr.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", prefix+` exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), serveDir+"="+dir)
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // may be dead by now
		_ = cmd.Wait()
		_ = stderr.Close()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("no endpoint: %v: %s", err, log())
	}
	at, err := url.Parse(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return &bucket{client(at, secretID, secretKey, ""), dir, at}, cmd.Process, log
}

// What was acknowledged before a kill -9 is there after it, and whatever is there is whole.
func TestKilledEndpoint(t *testing.T) {
	dir := t.TempDir()
	for round := range 4 {
		b, process, _ := startProcess(t, dir, "")
		var acknowledged atomic.Int64
		killed := make(chan struct{})
		done := make(chan struct{})
		for w := range 3 {
			go func() {
				defer func() { done <- struct{}{} }()
				for i := 0; ; i++ {
					content := noise(round<<16|w<<8|i, 1000+i*37_000%900_000)
					key := fmt.Sprintf("round %d/writer %d/%d", round, w, i)
					if _, err := b.Object.Put(t.Context(), "overwritten", bytes.NewReader(content), nil); err != nil {
						return
					}
					if _, err := b.Object.Put(t.Context(), key, bytes.NewReader(content), nil); err != nil {
						return
					}
					if acknowledged.Add(1) == int64(10+round*3) {
						close(killed)
					}
				}
			}()
		}
		<-killed
		if err := process.Kill(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			<-done
		}

		after := openBucket(t, dir, cosd.Options{})
		if left := after.files(t, "temp"); len(left) > 0 {
			t.Errorf("left %v", left)
		}
		told, _ := after.pages(t, cos.BucketGetOptions{Prefix: fmt.Sprintf("round %d/", round)})
		if int64(len(told)) < acknowledged.Load() {
			t.Errorf("%d objects, %d were acknowledged", len(told), acknowledged.Load())
		}
		for _, key := range append(told, "overwritten") {
			res, err := after.Object.Get(t.Context(), key, nil)
			if err != nil {
				t.Fatal(err)
			}
			if content := body(t, res.Response); etag(content) != res.Header.Get("ETag") || crc(content) != res.Header.Get("x-cos-hash-crc64ecma") {
				t.Errorf("%q is torn", key)
			}
		}
	}
}

// A disk that takes no more, here a limit on the size of files, is a 500 that changes nothing.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	b, _, log := startProcess(t, dir, "ulimit -f 1024 &&") // 512 KiB or 1 MiB, by the shell
	b.put(t, "k", []byte("before"))
	id := b.initiate(t, "multi")
	large := noise(1, 3<<20)
	_, err := b.Object.Put(t.Context(), "k", bytes.NewReader(large), nil)
	wantCode(t, err, 500, "InternalError")
	_, err = b.Object.UploadPart(t.Context(), "multi", id, 1, bytes.NewReader(large), nil)
	wantCode(t, err, 500, "InternalError")
	wantRefusal(t, do(t, b.request(t, http.MethodPut, "/new", nil, string(large))), 500, "InternalError")
	if got := b.get(t, "k"); string(got) != "before" {
		t.Errorf("a failed put left %d bytes", len(got))
	}
	if objects, temp := b.files(t, "objects"), b.files(t, "temp"); len(objects) != 1 || len(temp) > 0 {
		t.Errorf("left %v, %v", objects, temp)
	}
	b.put(t, "k", []byte("after"))
	if lines := log(); strings.Count(lines, "file too large") != 3 || strings.Count(lines, "\n") != 3 {
		t.Errorf("not one line a failure, with its cause: %s", lines)
	}
}

// A file that was damaged behind our back is an error of its own key and of no other.
func TestDamagedFile(t *testing.T) {
	b := newBucket(t, cosd.Options{})
	b.put(t, "good", []byte("content"))
	good := b.files(t, "objects")
	b.put(t, "bad", []byte("content"))
	for _, name := range b.files(t, "objects") {
		if name == good[0] {
			continue
		}
		path := filepath.Join(b.dir, "objects", name)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, damaged := range [][]byte{{}, content[:len(content)-1], content[3:], append([]byte("more"), content...)} {
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			b = openBucket(t, b.dir, cosd.Options{})
			wantRefusal(t, do(t, b.request(t, http.MethodGet, "/bad", nil, "")), 500, "InternalError")
			if told, _ := b.pages(t, cos.BucketGetOptions{}); len(told) != 1 || string(b.get(t, "good")) != "content" {
				t.Errorf("listed %v", told)
			}
		}
	}
	b.put(t, "bad", []byte("new"))
	if got := b.get(t, "bad"); string(got) != "new" {
		t.Errorf("%q", got)
	}
}
