package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	keyID = "AKIDexampleexampleexampleexample0000"
	key   = "a-secret-that-is-nowhere-printed"
)

// operator is a person at the repository's root with a stage, a key and the programs.
type operator struct {
	*account
	t       *testing.T
	record  string
	envFile string
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	o := &operator{account: newAccount(t), t: t, record: filepath.Join(t.TempDir(), "record")}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for _, name := range []string{"make", "scf"} {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir("../../..")
	o.envFile = writeStage(t, "JWT_SECRET=", "JWT_SECRET=sixteen-bytes-and-more-of-secret")
	for name, value := range map[string]string{
		"PATH": bin + ":" + os.Getenv("PATH"), recordEnv: o.record, accountEnv: o.url.String(),
		secretID: keyID, secretKey: key, certificate: "cert0001", token: "", smokeToken: "",
	} {
		t.Setenv(name, value)
	}
	return o
}

// writeStage writes the example as a stage's file, with is for was.
func writeStage(t *testing.T, was, is string) string {
	t.Helper()
	example, err := os.ReadFile("infra/cloud/env.example")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(example), was) {
		t.Fatalf("env.example has no %q", was)
	}
	file := filepath.Join(t.TempDir(), "prod.env")
	if err := os.WriteFile(file, []byte(strings.Replace(string(example), was, is, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// does runs the command, and tells what it prints.
func (o *operator) does(ctx context.Context, args ...string) (printed string, err error) {
	o.t.Helper()
	var out bytes.Buffer
	err = runThrough(ctx, o.account, append([]string{"-env", o.envFile}, args...), strings.NewReader("prod\n"), &out)
	if strings.Contains(out.String(), key) || strings.Contains(out.String(), "sixteen-bytes") {
		o.t.Errorf("a secret is printed:\n%s", &out)
	}
	return out.String(), err
}

// ran tells the commands that were run since the last time.
func (o *operator) ran() []string {
	o.t.Helper()
	text, err := os.ReadFile(o.record)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := os.Truncate(o.record, 0); err != nil {
		o.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// rules are the bucket's, as the vendor's Node SDK reads them.
func (o *operator) rules(verb string) map[string][]map[string]any {
	o.t.Helper()
	cmd := node(o.t, "bucket.js", verb)
	cmd.Dir = filepath.Join("infra", "cloud", "deploy", judgeFolder)
	cmd.Env = append(cmd.Env, "BUCKET=recon3d-prod-1250000000", "REGION=ap-guangzhou", "ACCOUNT="+o.url.String())
	out, err := cmd.Output()
	if err != nil {
		o.t.Fatal(err)
	}
	rules := map[string][]map[string]any{}
	if verb == "get" {
		if err := json.Unmarshal(out, &rules); err != nil {
			o.t.Fatal(err)
		}
	}
	return rules
}

// A stage comes up, again, changed, and goes; what others have in the account stays as it is.
func TestAStage(t *testing.T) {
	o := newOperator(t)
	o.rules("put")
	theirs := o.rules("get")
	o.changes()

	printed, err := o.does(t.Context(), "up", "prod")
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	check := "make --no-print-directory deploy-check ENV=" + o.envFile
	if diff := cmp.Diff([]string{check, "make --no-print-directory package", "scf deploy --stage prod"}, o.ran()); diff != "" {
		t.Error("commands (-want +got):", diff)
	}
	first := o.has()
	if diff := cmp.Diff([]string{"CreateCustomDomain", "PUT ?cors", "PUT ?lifecycle"}, o.changes()); diff != "" {
		t.Error("changes (-want +got):", diff)
	}
	o.typed(first.Calls)
	o.routed(first, 13)
	rules := o.rules("get")
	for kind, want := range map[string][]string{
		"CORSRules": {"theirs", "recon3d-prod"}, "Rules": {"theirs", "recon3d-incoming", "recon3d-pictures", "recon3d-reconstruction"},
	} {
		var ids []string
		for _, rule := range rules[kind] {
			ids = append(ids, rule["ID"].(string))
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("%s (-want +got): %s", kind, diff)
		}
		if diff := cmp.Diff(theirs[kind][0], rules[kind][0]); diff != "" {
			t.Errorf("%s of others (-before +after): %s", kind, diff)
		}
	}
	if diff := cmp.Diff(map[string]any{
		"ID": "recon3d-prod", "MaxAgeSeconds": "600", "AllowedMethods": []any{"GET", "HEAD", "PUT"}, "AllowedHeaders": []any{"*"},
		"AllowedOrigins": []any{"https://recon3d.example.com", "https://www.example.com", "https://studio.example.com"},
		"ExposeHeaders":  []any{"ETag", "Content-Length", "Content-Range", "x-cos-hash-crc64ecma", "x-cos-request-id"},
	}, rules["CORSRules"][1]); diff != "" {
		t.Error("our CORS rule (-want +got):", diff)
	}
	if diff := cmp.Diff(map[string]any{
		"ID": "recon3d-incoming", "Status": "Enabled", "Filter": map[string]any{"Prefix": "incoming/"},
		"Expiration": map[string]any{"Days": "3"}, "AbortIncompleteMultipartUpload": map[string]any{"DaysAfterInitiation": "1"},
	}, rules["Rules"][1]); diff != "" {
		t.Error("the rule of staged files (-want +got):", diff)
	}

	// Again: nothing but the commands, which find out for themselves. The certificate is the one that it has.
	t.Setenv(certificate, "")
	if printed, err := o.does(t.Context(), "up", "prod"); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	if got := o.changes(); got != nil {
		t.Errorf("what is there was changed by %v", got)
	}

	// Other pages, another certificate: what differs is written, and nothing else.
	t.Setenv(certificate, "cert0002")
	o.envFile = writeStage(t, "https://studio.example.com\n", "https://new.example.com\nSMOKE_TOKEN=\n")
	if _, err := o.does(t.Context(), "up", "prod"); err == nil || !strings.Contains(err.Error(), "SMOKE_TOKEN belongs into the environment") {
		t.Error(err)
	}
	o.envFile = writeStage(t, "https://studio.example.com\n", "https://new.example.com\n")
	t.Setenv(smokeToken, "by-the-issuer")
	if printed, err := o.does(t.Context(), "up", "prod"); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	calls := o.has().Calls
	if diff := cmp.Diff([]string{"UpdateCustomDomain", "PUT ?cors"}, o.changes()); diff != "" {
		t.Error("changes (-want +got):", diff)
	}
	o.typed(calls)
	if xml := o.has().Bucket["cors"]; !strings.Contains(xml, "<ResponseVary>true</ResponseVary>") {
		t.Errorf("what others have set is lost: %s", xml)
	}
	if origins := o.rules("get")["CORSRules"][1]["AllowedOrigins"].([]any); !slices.Contains(origins, any("https://new.example.com")) {
		t.Errorf("origins %v", origins)
	}

	o.ran()
	printed, err = o.does(t.Context(), "down", "prod")
	if err != nil || !strings.Contains(printed, "What stays") {
		t.Fatalf("%v\n%s", err, printed)
	}
	if diff := cmp.Diff([]string{"scf remove --stage prod --forceDelete"}, o.ran()); diff != "" {
		t.Error("commands (-want +got):", diff)
	}
	o.typed(o.has().Calls)
	if diff := cmp.Diff([]string{"DeleteCustomDomain", "PUT ?cors"}, o.changes()); diff != "" {
		t.Error("changes (-want +got):", diff)
	}
	if left := o.has(); len(left.Domains) != 0 || len(left.Functions) != pageSize {
		t.Errorf("left: %v, %v", left.Domains, left.Functions)
	}
	rules = o.rules("get")
	if diff := cmp.Diff(theirs["CORSRules"], rules["CORSRules"]); diff != "" || len(rules["Rules"]) != 4 {
		t.Errorf("%s\n%v", diff, rules["Rules"])
	}
	if printed, err := o.does(t.Context(), "-yes", "down", "prod"); err != nil || o.changes() != nil {
		t.Errorf("the second time: %v\n%s", err, printed)
	}
}

// typed holds calls against the vendor's own types.
func (o *operator) typed(calls []call) {
	o.t.Helper()
	var platform []call
	for _, c := range calls {
		if c.Payload != nil {
			platform = append(platform, c)
		}
	}
	body, err := json.Marshal(platform)
	if err != nil || len(platform) == 0 {
		o.t.Fatal(err, "no call")
	}
	cmd := node(o.t, "types.js")
	cmd.Dir, cmd.Stdin = filepath.Join("infra", "cloud", "deploy", judgeFolder), bytes.NewReader(body)
	if out, err := cmd.Output(); err != nil || len(out) > 0 {
		o.t.Errorf("the vendor's types: %v\n%s", err, out)
	}
}

// routed holds the domain against routes.yaml by what is written there.
func (o *operator) routed(s scene, paths int) {
	o.t.Helper()
	var d domain
	if err := json.Unmarshal(s.Domains[siteHost], &d); err != nil {
		o.t.Fatal(err)
	}
	if d.Protocol != "HTTPS" || d.CertConfig == nil || d.CertConfig.CertificateId != "cert0001" || len(d.EndpointsConfig) != paths {
		o.t.Errorf("%+v", d)
	}
	for _, e := range d.EndpointsConfig {
		if e.PathMatch == "/api/reconstruction/events/*" && (e.FunctionName != "recon3d-prod-relay" || e.Namespace != "default" || e.Qualifier != "$LATEST") {
			o.t.Errorf("%+v", e)
		}
	}
}

// Whatever fails: it is said what, what stands, and a second run goes on.
func TestEachStepThatFails(t *testing.T) {
	o := newOperator(t)
	for _, c := range []struct {
		name  string
		fault fault
		fail  string // a command
		want  []string
	}{
		{name: "no right", fault: fault{At: "ListFunctions", Code: "UnauthorizedOperation.CAM"}, want: []string{"step 1 of 9, account: ListFunctions: planted (UnauthorizedOperation.CAM, request request-", "may it call", "done: nothing"}},
		{name: "checks", fail: "make --no-print-directory deploy-check", want: []string{"step 2 of 9, checks: `make --no-print-directory deploy-check ENV=", "exit status 3", "done: account\n", "not done: checks, package,"}},
		{name: "package", fail: "make --no-print-directory package", want: []string{"step 3 of 9, package:"}},
		{name: "CLI", fail: "scf deploy", want: []string{"step 4 of 9, functions: `scf deploy --stage prod` failed"}},
		{name: "domain refused", fault: fault{At: "CreateCustomDomain", Code: "FailedOperation", Message: "no ICP"}, want: []string{"step 6 of 9, routes: CreateCustomDomain: no ICP (FailedOperation, request request-", "recon3d.example.com CNAME 1250000000.ap-guangzhou.tencentscf.com", "done: account, checks, package, functions, state\n"}},
		{name: "bucket missing", fault: fault{At: "GET ?cors", Code: "NoSuchBucket", Status: 404}, want: []string{"step 7 of 9, cors:", "NoSuchBucket", "request-", "Create the bucket"}},
		{name: "bucket closed", fault: fault{At: "PUT ?cors", Code: "AccessDenied", Status: 403}, want: []string{"step 7 of 9, cors:", "cos:GetBucketCORS"}},
		{name: "lifecycle", fault: fault{At: "PUT ?lifecycle", Code: "MalformedXML", Status: 400}, want: []string{"step 8 of 9, lifecycle:", "MalformedXML", "not done: lifecycle, smoke"}},
	} {
		c.fault.Times = 1
		o.set(map[string]any{"fault": c.fault})
		t.Setenv(failEnv, c.fail)
		printed, err := o.does(t.Context(), "up", "prod")
		if err == nil {
			t.Fatalf("%s: it went well\n%s", c.name, printed)
		}
		for _, want := range append(c.want, "Run it again to go on") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in\n%v", c.name, want, err)
			}
		}
	}
	t.Setenv(failEnv, "")
	// What the platform itself calls passing does not stop it.
	o.set(map[string]any{"fault": fault{At: "ListFunctions", Code: "RequestLimitExceeded", Times: 1}})
	printed, err := o.does(t.Context(), "up", "prod")
	if err != nil || !strings.Contains(printed, "RequestLimitExceeded") {
		t.Fatalf("%v\n%s", err, printed)
	}
	if s := o.has(); len(s.Domains) != 1 || s.Bucket["cors"] == "" || s.Bucket["lifecycle"] == "" {
		t.Errorf("%+v", s)
	}
}

// A domain that leads elsewhere is left alone, and nothing is deployed.
func TestAForeignDomain(t *testing.T) {
	o := newOperator(t)
	other := deployed{FunctionName: "shop", Type: "HTTP", Status: "Active"}
	o.set(map[string]any{"functions": []deployed{other}})
	s := stage{vars: map[string]string{secretID: keyID, secretKey: key}}
	a := newAPI(s, "ap-guangzhou", o.account, t.Logf)
	theirs := domain{Domain: siteHost, Protocol: "HTTP", EndpointsConfig: []endpoint{{Namespace: "default", FunctionName: "shop", Qualifier: "$LATEST", PathMatch: "/*"}}}
	if err := a.call(t.Context(), "CreateCustomDomain", theirs, nil); err != nil {
		t.Fatal(err)
	}
	o.changes()
	for _, verb := range []string{"up", "down"} {
		_, err := o.does(t.Context(), "-yes", verb, "prod")
		if err == nil || !strings.Contains(err.Error(), "recon3d.example.com/* leads to shop of namespace default, which is not of this stage") {
			t.Error(verb, err)
		}
	}
	if got := o.changes(); got != nil {
		t.Errorf("changed by %v", got)
	}
}

// A key that is wrong is told before anything is done.
func TestAWrongKey(t *testing.T) {
	o := newOperator(t)
	t.Setenv(secretKey, "guessed")
	_, err := o.does(t.Context(), "up", "prod")
	if err == nil || !strings.Contains(err.Error(), "AuthFailure.SignatureFailure") {
		t.Error(err)
	}
	if _, err := os.Stat(o.record); !errors.Is(err, os.ErrNotExist) {
		t.Error("a command was run", err)
	}
}

// Ctrl-C reaches the command that runs, and nothing is begun after it.
func TestCtrlC(t *testing.T) {
	o := newOperator(t)
	t.Setenv(hangEnv, "scf deploy")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for ctx.Err() == nil {
			if text, _ := os.ReadFile(o.record); strings.Contains(string(text), "scf deploy") {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	printed, err := o.does(ctx, "up", "prod")
	if err == nil || !strings.Contains(err.Error(), "step 4 of 9, functions: you stopped it") {
		t.Fatalf("%v\n%s", err, printed)
	}
	if ran := o.ran(); ran[len(ran)-1] != "interrupted" {
		t.Errorf("the command was not told: %v", ran)
	}
	if got := o.changes(); got != nil {
		t.Errorf("changed by %v", got)
	}
	t.Setenv(hangEnv, "")
	if printed, err := o.does(t.Context(), "up", "prod"); err != nil {
		t.Errorf("afterwards: %v\n%s", err, printed)
	}
}

// A person who does not mean it changes nothing.
func TestDownAsks(t *testing.T) {
	o := newOperator(t)
	var out bytes.Buffer
	err := runThrough(t.Context(), o.account, []string{"-env", o.envFile, "down", "prod"}, strings.NewReader("yes\n"), &out)
	if err == nil || !strings.Contains(err.Error(), "nothing was changed") || len(o.has().Calls) != 0 {
		t.Errorf("%v\n%s", err, &out)
	}
}

// A dry run sends nothing, needs no key, no CLI and no stage's file, makes the checks, and prints each call that the run makes.
func TestDryRun(t *testing.T) {
	o := newOperator(t)
	if _, err := o.does(t.Context(), "up", "prod"); err != nil {
		t.Fatal(err)
	}
	made := o.has().Calls
	o.set(map[string]bool{"forget": true})
	o.ran()
	t.Setenv(secretID, "")
	t.Setenv(secretKey, "")
	onlyMake := t.TempDir()
	if self, err := os.Executable(); err != nil || os.Symlink(self, filepath.Join(onlyMake, "make")) != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", onlyMake)
	for _, verb := range []string{"up", "down"} {
		var out bytes.Buffer
		if err := run(t.Context(), []string{"-dry-run", verb, "prod"}, strings.NewReader(""), &out); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		if verb == "up" {
			for _, c := range made {
				name := c.Action
				if method, rest, ok := strings.Cut(name, " "); ok {
					name = method + " https://" + bucketHost + "/" + rest
				}
				if !strings.Contains(out.String(), name) {
					t.Errorf("no %s in\n%s", name, &out)
				}
			}
		}
		if strings.Contains(out.String(), "whsec_") {
			t.Error("a secret is printed")
		}
	}
	if diff := cmp.Diff([]string{"make --no-print-directory deploy-check ENV=infra/cloud/env.example"}, o.ran()); diff != "" {
		t.Error("commands (-want +got):", diff)
	}
	t.Setenv(failEnv, "make --no-print-directory deploy-check")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-dry-run", "up", "prod"}, strings.NewReader(""), &out); err == nil || !strings.Contains(err.Error(), "stopped at step 2 of 9, checks") {
		t.Errorf("mistakes are rehearsed: %v\n%s", err, &out)
	}
	if calls := o.has().Calls; len(calls) != 0 {
		t.Errorf("it sent %v", calls)
	}
}
