package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

// The programs that a deployment starts are this test binary by other names.
func TestMain(m *testing.M) {
	switch name := filepath.Base(os.Args[0]); name {
	case "make", "scf":
		os.Exit(play(name, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// What the played programs are told, by their environment.
const (
	recordEnv  = "TEST_RECORD"  // the file where they write how they were called
	accountEnv = "TEST_ACCOUNT" // where the functions go
	failEnv    = "TEST_FAIL"    // the command that fails
	hangEnv    = "TEST_HANG"    // the command that goes on until Ctrl-C
)

// play writes down how it was called and does to the account what the program would.
func play(name string, args []string) (exitCode int) {
	line := strings.Join(append([]string{name}, args...), " ")
	record, err := os.OpenFile(os.Getenv(recordEnv), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer record.Close()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	fmt.Fprintln(record, line)
	is := func(env string) bool { return os.Getenv(env) != "" && strings.HasPrefix(line, os.Getenv(env)) }
	if is(failEnv) {
		fmt.Fprintln(os.Stderr, "it does not work")
		return 3
	}
	if is(hangEnv) {
		<-interrupted
		fmt.Fprintln(record, "interrupted")
		return 130
	}
	// The account is for the CLI alone: make runs npm, and that programs of others.
	if given := os.Getenv(secretKey) != ""; given != (name == "scf") {
		fmt.Fprintf(os.Stderr, "%s is given the account's key: %v\n", name, given)
		return 1
	}
	if name != "scf" {
		return 0
	}
	// More than a page of another stage, whose name ours begins.
	var functions []deployed
	for i := range pageSize {
		functions = append(functions, deployed{FunctionName: fmt.Sprintf("recon3d-prod-eu-%02d", i), Type: "HTTP", Status: "CreateFailed"})
	}
	if args[0] == "deploy" {
		d, err := manifest.ReadDeployment(ymlFile)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		for _, f := range d.Expand(map[string]string{"STAGE": os.Getenv("STAGE")}).Functions {
			functions = append(functions, deployed{FunctionName: f.Deployed, Type: types[f.Kind], Status: "Active"})
		}
	}
	body, err := json.Marshal(map[string]any{"functions": functions})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	res, err := http.Post(os.Getenv(accountEnv)+"/judge", "application/json", bytes.NewReader(body))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_ = res.Body.Close()
	return 0
}
