package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/task"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// value is an example as any JSON reader has it.
func value(t *testing.T, name string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(read(t, name), &v); err != nil {
		t.Fatalf("%s.json: %v", name, err)
	}
	return v
}

// decode reads an example into a type that has to have all of its members.
func decode[T any](t *testing.T, name string) T {
	t.Helper()
	var v T
	dec := json.NewDecoder(bytes.NewReader(read(t, name)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s.json: %v", name, err)
	}
	return v
}

// roundTrip reads an example into its Go type and writes it again.
func roundTrip[T any](name string) func(*testing.T) {
	return func(t *testing.T) {
		written, err := json.Marshal(decode[T](t, name))
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(written, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(value(t, name), got); diff != "" {
			t.Errorf("as written in the example (-) and by Go (+):\n%s", diff)
		}
	}
}

func TestTypesKeepEveryMember(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"callback-status-processing":    roundTrip[callback.StatusMessage]("callback-status-processing"),
		"callback-status-completed":     roundTrip[callback.StatusMessage]("callback-status-completed"),
		"callback-status-failed":        roundTrip[callback.StatusMessage]("callback-status-failed"),
		"callback-status-released":      roundTrip[callback.StatusMessage]("callback-status-released"),
		"callback-status-answer":        roundTrip[callback.StatusAnswer]("callback-status-answer"),
		"callback-result":               roundTrip[callback.ResultMessage]("callback-result"),
		"callback-result-answer":        roundTrip[callback.ResultAnswer]("callback-result-answer"),
		"callback-upload-url":           roundTrip[callback.UploadAnswer]("callback-upload-url"),
		"callback-upload-url-duplicate": roundTrip[callback.UploadAnswer]("callback-upload-url-duplicate"),
		"problem-results-missing":       roundTrip[httpjson.Problem]("problem-results-missing"),
		"problem-validation-failed":     roundTrip[httpjson.Problem]("problem-validation-failed"),
	} {
		t.Run(name, test)
	}
}

func TestExamplesAreTakenByTheirReceivers(t *testing.T) {
	for _, name := range []string{"processing", "completed", "failed", "failed-text", "released"} {
		m := decode[callback.StatusMessage](t, "callback-status-"+name)
		if err := m.Validate(); err != nil {
			t.Errorf("callback-status-%s.json: %v", name, err)
		}
		if !task.ValidID(m.TaskID) {
			t.Errorf("callback-status-%s.json is about %q, which is no id", name, m.TaskID)
		}
	}
	m := decode[callback.ResultMessage](t, "callback-result")
	if err := m.Validate(*m.Size); err != nil {
		t.Errorf("callback-result.json: %v", err)
	}
}

func TestBothFormsOfAWorkersError(t *testing.T) {
	for name, want := range map[string]task.Error{
		"callback-status-failed":      {Code: task.ImageRejected, Message: "No object stands out from the background. Use a picture with a plain one."},
		"callback-status-failed-text": {Code: task.WorkerFailed, Message: "CUDA out of memory"},
	} {
		if diff := cmp.Diff(want, decode[callback.StatusMessage](t, name).Error.ForUser()); diff != "" {
			t.Errorf("%s.json as its user meets it:\n%s", name, diff)
		}
	}
}

func TestNoSuchExample(t *testing.T) {
	if _, err := Read("no-such-example"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}
