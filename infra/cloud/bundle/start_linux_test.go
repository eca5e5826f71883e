package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/recon3d/recon3d/infra/cloud/roles"
	"github.com/recon3d/recon3d/infra/cloud/sandbox"
	"github.com/recon3d/recon3d/infra/local/client"
	"github.com/recon3d/recon3d/infra/local/cosd"
	"github.com/recon3d/recon3d/infra/local/cosd/cam"
	"github.com/recon3d/recon3d/infra/local/manifest"
	"github.com/recon3d/recon3d/infra/local/timer"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
)

// The platform's, see infra/cloud/check and https://cloud.tencent.com/document/product/583/11637.
const (
	codeFolder  = "/var/user"
	tmpSize     = 512 << 20
	descriptors = 1024
	rpcPort     = "28902"
)

// patience bounds a wait for something that has to happen.
const patience = time.Minute

// platform starts the package's functions as the platform would: unzipped, in an empty root of which only /tmp can be written, with the
// platform's descriptors, each alone, a web function by scf_bootstrap at port 9000, with the variables of serverless.yml and no others, and
// with its role's credentials at each request.
type platform struct {
	t          *testing.T
	root       string
	deployment manifest.Deployment
	roles      map[string]cosd.Caller
	caller     client.Client
}

func newPlatform(t *testing.T) *platform {
	stage, err := manifest.ReadStage(filepath.Join("infra", "cloud", "env.example"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := manifest.ReadDeployment("serverless.yml")
	if err != nil {
		t.Fatal(err)
	}
	sandbox.Descriptors(t, descriptors)
	p := &platform{t: t, root: sandbox.Root(t, unzipped(t), codeFolder, tmpSize), roles: map[string]cosd.Caller{}}
	vars := stage.Map()
	vars["REDIS_URL"] = redistest.Start(t).URL
	vars["COS_BUCKET_URL"] = p.bucket(d)
	vars["WORKER_URLS"] = "http://127.0.0.1:1" // none is there: tasks stay PENDING
	vars["JWT_SECRET"] = strings.Repeat("s3cret", 6)
	p.deployment = d.Expand(vars)

	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": "user", "iss": vars["JWT_ISSUER"], "aud": vars["JWT_AUDIENCE"], "exp": time.Now().Add(time.Hour).Unix(),
	})
	if p.caller.Token, err = token.SignedString([]byte(vars["JWT_SECRET"])); err != nil {
		t.Fatal(err)
	}
	p.caller.Base = &url.URL{Scheme: "http", Host: "127.0.0.1:9000"}
	return p
}

// bucket is a bucket that holds each function to its role's policy.
func (p *platform) bucket(d manifest.Deployment) string {
	opts := cosd.Options{SecretID: "owner", SecretKey: "owner", Logger: slog.New(slog.DiscardHandler)}
	for _, f := range d.Functions {
		document, err := roles.Document(f.Name, cosd.DefaultRegion, cosd.DefaultBucket)
		if err != nil || document == nil {
			continue
		}
		policy, err := cam.Parse(document)
		if err != nil {
			p.t.Fatal(err)
		}
		role := cosd.Caller{Name: f.Name, SecretID: "id-" + f.Name, SecretKey: "key-" + f.Name, SessionToken: "token-" + f.Name, Policy: &policy}
		p.roles[f.Name] = role
		opts.Callers = append(opts.Callers, role)
	}
	endpoint, err := cosd.New(p.t.TempDir(), opts)
	if err != nil {
		p.t.Fatal(err)
	}
	server := httptest.NewServer(endpoint)
	p.t.Cleanup(server.Close)
	return server.URL
}

// instance is one started function.
type instance struct {
	manifest.Function
	*platform
	cmd  *exec.Cmd
	said *sandbox.Output
}

// start starts a function, and returns when it answers.
func (p *platform) start(function string) instance {
	p.t.Helper()
	f, ok := p.deployment.Function(function)
	if !ok {
		p.t.Fatalf("serverless.yml has no function %s", function)
	}
	var env []string
	for _, v := range f.Environment {
		env = append(env, v.Name+"="+v.Value)
	}
	if f.Kind == manifest.Event {
		env = append(env, "_LAMBDA_SERVER_PORT="+rpcPort)
	}
	i := instance{f, p, nil, &sandbox.Output{}}
	began := time.Now()
	i.cmd = sandbox.Start(p.t, p.root, codeFolder, env, i.said, filepath.Join(codeFolder, f.Handler))
	port := "9000"
	if f.Kind == manifest.Event {
		port = rpcPort
	}
	for deadline := began.Add(patience); ; time.Sleep(time.Millisecond) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Now().After(deadline) || i.cmd.Process.Signal(syscall.Signal(0)) != nil || strings.Contains(i.said.String(), "start failed") {
			p.t.Fatalf("%s does not answer: %v\n%s", f.Name, err, i.said)
		}
	}
	p.t.Logf("%-16s answers after %3d ms", f.Name, time.Since(began).Milliseconds())
	return i
}

// stop has the function end, and looks at what it has had of memory.
func (i instance) stop() {
	i.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", i.cmd.Process.Pid))
	if err != nil {
		i.t.Fatal(err)
	}
	most := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status) // proc_pid_status(5): the most that was resident
	if most == nil {
		i.t.Fatalf("%s has ended:\n%s", i.Name, i.said)
	}
	kb, _ := strconv.ParseInt(string(most[1]), 10, 64)
	i.t.Logf("%-16s had at most %3d of %d MB", i.Name, kb>>10, i.Memory>>20)
	if kb<<10 > i.Memory {
		i.t.Errorf("%s had %d kB of memory, and has %d: the platform would have ended it", i.Name, kb, i.Memory>>10)
	}
	if err := i.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		i.t.Fatal(err)
	}
	if err := i.cmd.Wait(); err != nil {
		i.t.Errorf("%s ended with %v:\n%s", i.Name, err, i.said)
	}
	if strings.Contains(i.said.String(), `"level":"ERROR"`) {
		i.t.Errorf("%s is in trouble:\n%s", i.Name, i.said)
	}
}

// client is a caller of the function alone, by its own URL.
func (i instance) client() *client.Client {
	c := i.caller
	c.HTTP = &http.Client{Transport: i}
	return &c
}

// RoundTrip adds what the platform adds to each request.
func (i instance) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	role := i.roles[i.Name]
	r.Header.Set("X-Scf-Secret-Id", role.SecretID)
	r.Header.Set("X-Scf-Secret-Key", role.SecretKey)
	r.Header.Set("X-Scf-Session-Token", role.SessionToken)
	return (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
}

// answers fails where a request is not answered with that status and media type.
func (i instance) answers(method, path string, status int, mediaType string) {
	i.t.Helper()
	req, err := http.NewRequest(method, "http://127.0.0.1:9000"+path, nil)
	if err != nil {
		i.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+i.caller.Token)
	res, err := i.client().HTTP.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if got := res.Header.Get("Content-Type"); res.StatusCode != status || !strings.HasPrefix(got, mediaType) {
		i.t.Errorf("%s: %s %s: %s, %s, %.300s", i.Name, method, path, res.Status, got, body)
	}
}

const problem = "application/problem+json"

// A picture and its task go through the functions, one after the other, as the package has them.
func TestEveryFunctionStartsAsOnThePlatform(t *testing.T) {
	if !sandbox.Isolated(t) {
		return
	}
	p := newPlatform(t)
	started := map[string]bool{}
	with := func(function string, use func(instance)) {
		i := p.start(function)
		started[function] = true
		use(i)
		i.stop()
	}

	with("web", func(i instance) {
		i.answers("GET", "/", http.StatusOK, "text/html")
		i.answers("GET", "/assets/index-BabGqf5W.js", http.StatusOK, "text/javascript")
		i.answers("GET", "/assets/nothing.js", http.StatusNotFound, problem)
	})
	var picture client.Picture
	with("picture", func(i instance) {
		var err error
		if picture, err = i.client().Upload(t.Context(), "photo.jpg", photo()); err != nil {
			t.Fatal(err, i.said)
		}
		i.answers("GET", "/picture/"+picture.ID, http.StatusOK, "application/json")
		i.answers("GET", "/nothing", http.StatusNotFound, problem)
	})
	var task client.Task
	with("create-task", func(i instance) {
		var err error
		if task, err = i.client().Create(t.Context(), picture.ID); err != nil {
			t.Fatal(err, i.said)
		}
	})
	with("tasks", func(i instance) {
		if got, err := i.client().Task(t.Context(), task.ID); err != nil || got.Status != "PENDING" {
			t.Errorf("%v, %v\n%s", got, err, i.said)
		}
		i.answers("GET", "/api/reconstruction/list", http.StatusOK, "application/json")
	})
	with("relay", func(i instance) {
		i.firstEvent(task)
		i.answers("GET", "/api/reconstruction/events/"+task.ID+"?ticket=none", http.StatusUnauthorized, problem)
	})
	with("callback-result", func(i instance) {
		i.answers("POST", "/api/reconstruction/callback/result/"+task.ID, http.StatusUnauthorized, problem)
	})
	with("callback-status", func(i instance) {
		i.answers("POST", "/api/reconstruction/callback/status", http.StatusUnauthorized, problem)
	})
	with("sweeper", func(i instance) {
		role := p.roles["sweeper"]
		f := timer.Function{Name: i.Deployed, Address: "127.0.0.1:" + rpcPort, Memory: i.Memory, Timeout: i.Timeout, Environment: map[string]string{
			"TENCENTCLOUD_SECRETID": role.SecretID, "TENCENTCLOUD_SECRETKEY": role.SecretKey, "TENCENTCLOUD_SESSIONTOKEN": role.SessionToken,
		}}
		for range 3 {
			if _, err := f.Invoke(t.Context(), []byte(`{"Type":"Timer","TriggerName":"sweep","Time":"2019-02-21T11:49:00Z","Message":""}`)); err != nil {
				t.Error(err, i.said)
			}
		}
	})
	for _, f := range p.deployment.Functions {
		if !started[f.Name] {
			t.Errorf("%s is deployed, and was not started here", f.Name)
		}
	}
}

// firstEvent opens the task's stream and reads its first event.
func (i instance) firstEvent(task client.Task) {
	i.t.Helper()
	ctx, leave := context.WithTimeout(i.t.Context(), patience)
	defer leave()
	address, err := i.caller.Base.Parse(task.SSEURL)
	if err != nil {
		i.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		i.t.Fatal(err)
	}
	res, err := i.client().HTTP.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if data, found := strings.CutPrefix(lines.Text(), "data: "); found {
			var event struct{ TaskID, Status string }
			if err := json.Unmarshal([]byte(data), &event); err != nil || event.TaskID != task.ID || event.Status != "PENDING" {
				i.t.Errorf("the first event is %s, %v", data, err)
			}
			return
		}
	}
	i.t.Errorf("the stream has no event: %s\n%s", res.Status, i.said)
}

// photo is one of 12 megapixels, the size that the function's memory is made for.
func photo() []byte {
	img := image.NewYCbCr(image.Rect(0, 0, 4032, 3024), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = uint8(i>>4) ^ uint8(i/4032)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 60}); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}
