package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestReadStageRefuses(t *testing.T) {
	t.Chdir("../../..")
	none := func(string) string { return "" }
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown", "LOG_LEVEL=INFO", "LOG_LEVL=INFO", ":LINE: LOG_LEVL is no variable of a stage (is it LOG_LEVEL?)"},
		{"missing", "LOG_LEVEL=INFO", "", "prod.env: LOG_LEVEL is missing; write LOG_LEVEL= where there is none"},
		{"twice", "LOG_LEVEL=INFO", "LOG_LEVEL=INFO\nLOG_LEVEL=WARN", "LOG_LEVEL is in line LINE already"},
		{"no variable", "LOG_LEVEL=INFO", "LOG_LEVEL=INFO\nwhat", ":NEXT: not of the form NAME=value"},
		{"a variable in a value", "LOG_LEVEL=INFO", "LOG_LEVEL=${env:STAGE}", ":LINE: LOG_LEVEL: the scf CLI would fill in"},
		{"our own", "LOG_LEVEL=INFO", "LOG_LEVEL=INFO\nTENCENT_SECRET_ID=x", ":NEXT: TENCENT_SECRET_ID belongs into the environment"},
		{"of another stage", "STAGE=prod", "STAGE=test", "is of stage test, and you asked for prod"},
		{"no key", "LOG_LEVEL=INFO", "LOG_LEVEL=INFO", "TENCENT_SECRET_KEY is not in the environment"},
	} {
		t.Run(c.name, func(t *testing.T) {
			example, err := os.ReadFile("infra/cloud/env.example")
			if err != nil {
				t.Fatal(err)
			}
			before, _, _ := strings.Cut(string(example), c.old)
			line := 1 + strings.Count(before, "\n")
			c.want = strings.NewReplacer("LINE", strconv.Itoa(line), "NEXT", strconv.Itoa(line+1)).Replace(c.want)
			_, err = readStage("prod", writeStage(t, c.old, c.new), none, true)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("no %q in\n%v", c.want, err)
			}
		})
	}
	for name, want := range map[string]string{"nowhere": "nowhere.env does not exist: copy infra/cloud/env.example there", "Prod": "must be a name of small letters"} {
		if _, err := readStage(name, name+".env", none, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who fills in the example itself, or leaves it as it is, deploys nothing. A rehearsal takes it for any stage.
func TestReadStageOfTheExample(t *testing.T) {
	t.Chdir("../../..")
	environ := func(name string) string { return "given-" + name }
	if _, err := readStage("prod", "./infra/cloud/env.example", environ, true); err == nil || !strings.Contains(err.Error(), "everybody knows its secrets: copy it to infra/cloud/prod.env") {
		t.Error(err)
	}
	if s, err := readStage("test", "infra/cloud/env.example", environ, false); err != nil || s.vars["STAGE"] != "test" {
		t.Errorf("%q, %v", s.vars["STAGE"], err)
	}
}

// What a shell happens to have never reaches a stage; what is the operator's own does.
func TestReadStageTakesOnlyOurOwnOfTheEnvironment(t *testing.T) {
	t.Chdir("../../..")
	environ := func(name string) string { return "of the shell: " + name }
	s, err := readStage("prod", writeStage(t, "", ""), environ, true)
	if err != nil {
		t.Fatal(err)
	}
	if s.vars["LOG_LEVEL"] != "INFO" || s.vars["PATH"] != "" || s.vars[certificate] != "of the shell: CERTIFICATE_ID" {
		t.Errorf("%v", s.vars)
	}
}

func TestMaskHidesEverySecretOfTheExample(t *testing.T) {
	t.Chdir("../../..")
	s, err := readStage("prod", writeStage(t, "", ""), func(name string) string { return "given-" + name }, true)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for name, value := range s.vars {
		all.WriteString(name + "=" + value + "\n")
	}
	var printed strings.Builder
	l := &launch{mask: s.mask(), out: &printed}
	l.say("%s", all.String())
	masked := printed.String()
	for _, secret := range []string{"whsec_", "Vn3kQ8xTb2LwY6sJ", "5d0c4f7a", "given-TENCENT_SECRET_KEY", "given-TENCENT_SECRET_ID", "given-TENCENT_TOKEN", "given-SMOKE_TOKEN"} {
		if strings.Contains(masked, secret) {
			t.Errorf("%s is to be read in\n%s", secret, masked)
		}
	}
	if !strings.Contains(masked, "https://recon3d.example.com") {
		t.Errorf("what is no secret is hidden:\n%s", masked)
	}
}

// A stage's file is never committed.
func TestStagesAreIgnored(t *testing.T) {
	ignored, err := os.ReadFile(filepath.Join("..", ".gitignore"))
	if err != nil || !strings.Contains(string(ignored), "/*.env\n") {
		t.Error(err, string(ignored))
	}
}
