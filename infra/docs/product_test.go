package docs

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/recon3d/recon3d/infra/local/cosd"
	"github.com/recon3d/recon3d/infra/local/manifest"
	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/contract"
	"github.com/recon3d/recon3d/shared/contract/openapi"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
)

// product is the built functions, each a process, over a Redis and a COS of the test's own, and a worker that takes what it is
// given. Every answer of it is held to the document.
type product struct {
	*testing.T
	doc     *openapi.Document
	routes  manifest.Routes
	origins map[string]string // by function
	signer  *callback.Signer
	said    map[string]bool // codes of the problems that were answered
}

func start(t *testing.T) *product {
	t.Helper()
	doc, err := openapi.Load("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	deployment, err := manifest.ReadDeployment(root + "/serverless.yml")
	if err != nil {
		t.Fatal(err)
	}
	routes, err := manifest.ReadRoutes(root+"/infra/cloud/routes.yaml", deployment)
	if err != nil {
		t.Fatal(err)
	}
	p := &product{T: t, doc: doc, routes: routes, origins: map[string]string{}, said: map[string]bool{}}

	objects, err := cosd.New(t.TempDir(), cosd.Options{SecretID: "id", SecretKey: "key", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	bucket := httptest.NewServer(objects)
	t.Cleanup(bucket.Close)
	worker := httptest.NewServer(http.HandlerFunc(p.work))
	t.Cleanup(worker.Close)
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret of the tests, 32 bytes."))
	if p.signer, err = callback.NewSigner(callback.Config{Secrets: []string{secret}}); err != nil {
		t.Fatal(err)
	}

	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin)
	for _, r := range routes {
		build.Args = append(build.Args, "./functions/"+r.Function)
	}
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	site := t.TempDir()
	if err := os.WriteFile(filepath.Join(site, "index.html"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "RUN_MODE=web", "HOST=127.0.0.1", "PORT=0", "AUTH_MODE=none",
		"REDIS_URL=" + redistest.Start(t).URL,
		"COS_BUCKET_URL=" + bucket.URL, "COS_SECRET_ID=id", "COS_SECRET_KEY=key",
		"TICKET_SECRET=another secret of the tests", "CALLBACK_SECRETS=" + secret,
		"PUBLIC_BASE_URL=http://localhost", "WORKER_URLS=" + worker.URL,
		"CREATE_RATE=3/h", "WEB_ROOT=" + site,
	}
	for _, r := range routes {
		if p.origins[r.Function] == "" {
			p.origins[r.Function] = p.run(filepath.Join(bin, r.Function), env)
		}
	}
	return p
}

// run starts a function and tells its origin, which its log says.
func (p *product) run(path string, env []string) string {
	p.Helper()
	cmd := exec.Command(path)
	cmd.Env = env
	logs, err := cmd.StderrPipe()
	if err != nil {
		p.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.Fatal(err)
	}
	listening := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(logs)
		for lines.Scan() {
			var line struct{ Level, Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &line) != nil || line.Level == "ERROR" {
				p.Logf("%s: %s", filepath.Base(path), lines.Text())
			}
			if line.Msg == "listening" {
				listening <- line.Address
			}
		}
		close(listening)
	}()
	p.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			p.Errorf("stop %s: %v", path, err)
		}
		<-read
		if err := cmd.Wait(); err != nil {
			p.Errorf("%s ended: %v", path, err)
		}
	})
	address, ok := <-listening
	if !ok {
		p.Fatalf("%s did not start", path)
	}
	return "http://" + address
}

// work answers as a worker does, and holds what it is sent to the document.
func (p *product) work(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	form := map[string]any{}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		p.Errorf("dispatch: %v", err)
	}
	for parts := multipart.NewReader(r.Body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err == io.EOF { //nolint:errorlint // only a whole form ends so
			break
		}
		if err != nil {
			p.Errorf("dispatch: %v", err)
			break
		}
		content, err := io.ReadAll(part)
		if err != nil {
			p.Errorf("dispatch: %v", err)
		}
		form[part.FormName()] = string(content)
	}
	attempt, err := strconv.ParseFloat(form["attempt"].(string), 64)
	if err != nil {
		p.Errorf("dispatch: attempt: %v", err)
	}
	form["attempt"] = attempt // a form has only text
	if err := p.doc.Check("DispatchForm", form); err != nil {
		p.Errorf("dispatch: %v", err)
	}
	accepted, err := contract.Read("dispatch-accepted")
	if err != nil {
		p.Error(err)
	}
	w.WriteHeader(http.StatusAccepted)
	if _, err := w.Write(accepted); err != nil {
		p.Error(err)
	}
}

// call sends a request to the function that its path belongs to. The answer must have that status, and be what the document says.
func (p *product) call(want int, r *http.Request) map[string]any {
	p.Helper()
	function, ok := p.routes.Find(r.URL.Path)
	if !ok {
		p.Fatalf("%s has no route", r.URL.Path)
	}
	r.URL.Scheme, r.URL.Host, _ = strings.Cut(p.origins[function], "://")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		p.Fatal(err)
	}
	if err := p.doc.CheckAnswer(r.Method, r.URL.Path, res, body); err != nil {
		p.Error(err)
	}
	if res.StatusCode != want {
		p.Fatalf("%s %s: answer is %d, not %d: %s", r.Method, r.URL.Path, res.StatusCode, want, body)
	}
	var document map[string]any
	if strings.HasSuffix(res.Header.Get("Content-Type"), "json") && r.Method != http.MethodHead {
		if err := json.Unmarshal(body, &document); err != nil {
			p.Fatal(err)
		}
	}
	if code, ok := document["code"].(string); ok {
		p.said[code] = true
	}
	if res.StatusCode == http.StatusOK && strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return map[string]any{"stream": string(body)}
	}
	return document
}

// request makes one with a body, which is JSON where it is no text.
func (p *product) request(method, path, mediaType string, body any) *http.Request {
	p.Helper()
	content, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			p.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(p.Context(), method, "http://function"+path, bytes.NewReader(content))
	if err != nil {
		p.Fatal(err)
	}
	if mediaType != "" {
		r.Header.Set("Content-Type", mediaType)
	}
	return r
}

// say makes a signed callback.
func (p *product) say(kind callback.Kind, taskID, path, mediaType string, body any) *http.Request {
	p.Helper()
	r := p.request(http.MethodPost, "/api/reconstruction/callback/"+path, mediaType, body)
	content, err := r.GetBody()
	if err != nil {
		p.Fatal(err)
	}
	raw, err := io.ReadAll(content)
	if err != nil {
		p.Fatal(err)
	}
	if err := p.signer.Sign(r.Header, callback.ID{Kind: kind, TaskID: taskID, Attempt: 1, N: "1"}, raw); err != nil {
		p.Fatal(err)
	}
	return r
}

// form makes a multipart body of fields, and of a file where there is one.
func (p *product) form(fields map[string]string, file []byte) (mediaType string, body []byte) {
	p.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			p.Fatal(err)
		}
	}
	if file != nil {
		part, err := w.CreateFormFile("file", "photo.png")
		if err != nil {
			p.Fatal(err)
		}
		if _, err := part.Write(file); err != nil {
			p.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		p.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}
