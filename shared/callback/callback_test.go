package callback

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/task"
)

func secret(letter string) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
}

func signer(t *testing.T, secrets ...string) *Signer {
	t.Helper()
	s, err := NewSigner(Config{Secrets: secrets})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOnlyWhatIsSignedForThisEndpointIsTaken(t *testing.T) {
	id := ID{Status, task.NewID("ann"), 1, "n-1"}
	body := []byte(`{"a":1}`)
	ours := signer(t, secret("b"), secret("a"))

	sign := func(with string, id string, at time.Time) http.Header {
		hook, err := webhooks.NewWebhook(with)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := hook.Sign(id, at, body)
		if err != nil {
			t.Fatal(err)
		}
		return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {itoa(at.Unix())}, "Webhook-Signature": {"v1a,xx " + signature}}
	}
	now := time.Now()
	plus := sign(secret("b"), id.String(), now)
	plus.Set("Webhook-Timestamp", "+"+itoa(now.Unix()))
	plus.Set("Webhook-Signature", version+base64.StdEncoding.EncodeToString(mac(ours.keys[0], id.String(), "+"+itoa(now.Unix()), body)))
	for name, c := range map[string]struct {
		header http.Header
		body   string
		ok     bool
	}{
		"the first secret":  {sign(secret("b"), id.String(), now), `{"a":1}`, true},
		"an older secret":   {sign(secret("a"), id.String(), now), `{"a":1}`, true},
		"another secret":    {sign(secret("c"), id.String(), now), `{"a":1}`, false},
		"a changed body":    {sign(secret("b"), id.String(), now), `{"a":2}`, false},
		"stale":             {sign(secret("b"), id.String(), now.Add(-6*time.Minute)), `{"a":1}`, false},
		"future":            {sign(secret("b"), id.String(), now.Add(6*time.Minute)), `{"a":1}`, false},
		"a time with sign":  {plus, `{"a":1}`, false},
		"another kind":      {sign(secret("b"), "result"+id.String()[len("status"):], now), `{"a":1}`, false},
		"an unknown kind":   {sign(secret("b"), "hello"+id.String()[len("status"):], now), `{"a":1}`, false},
		"no form":           {sign(secret("b"), "msg_1", now), `{"a":1}`, false},
		"unsigned":          {http.Header{}, `{"a":1}`, false},
		"without timestamp": {http.Header{"Webhook-Id": {id.String()}, "Webhook-Signature": {"v1,x"}}, `{"a":1}`, false},
	} {
		got, err := ours.Verify(c.header, Status, []byte(c.body))
		switch {
		case c.ok && (err != nil || got != id):
			t.Errorf("%s: %v, %v", name, got, err)
		case !c.ok && !fault.Is(err, fault.SignatureInvalid):
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatWeSignOthersVerify(t *testing.T) {
	hook, err := webhooks.NewWebhook(secret("a"))
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	if err := signer(t, secret("a"), secret("b")).Sign(h, ID{Dispatch, task.NewID("ann"), 3, "n"}, []byte("body")); err != nil {
		t.Fatal(err)
	}
	if err := hook.Verify([]byte("body"), h); err != nil {
		t.Error(err)
	}
}

func TestIDs(t *testing.T) {
	id := ID{Result, task.NewID("ann"), 0, "a_B-9"}
	if got, ok := ParseID(id.String()); !ok || got != id {
		t.Errorf("got %v %v", got, ok)
	}
	for _, s := range []string{
		"", "result:x:1:n", id.String() + ":", "result:" + id.TaskID + ":01:n", "result:" + id.TaskID + ":-1:n", "result:" + id.TaskID + ":1:", "result:" + strings.ToUpper(id.TaskID) + ":1:n",
		"gossip:" + id.TaskID + ":1:n", "result:" + id.TaskID + ":+1:n", "result:" + id.TaskID + ":1000000000:n", "result:" + id.TaskID + ":1:n\n",
		"result:" + id.TaskID + ":1:" + strings.Repeat("n", 65), "result:" + id.TaskID + ":1:é",
	} {
		if _, ok := ParseID(s); ok {
			t.Errorf("%q is taken", s)
		}
	}
	one, two := 1, 2
	if (ID{TaskID: "t", Attempt: 1}).For("t", &one) != nil || (ID{TaskID: "t"}).For("t", &one) != nil || (ID{TaskID: "t"}).For("t", nil) != nil {
		t.Error("a message about this task is refused")
	}
	if (ID{TaskID: "t", Attempt: 1}).For("t", &two) == nil || (ID{TaskID: "t"}).For("u", nil) == nil {
		t.Error("a misdirected message is taken")
	}
}

func TestSecretsAreCheckedAndNotRepeated(t *testing.T) {
	for _, bad := range []string{"", "abc", "whsec_%%%", "whsec_c2hvcnQ="} {
		_, err := NewSigner(Config{Secrets: []string{secret("a"), bad}})
		if bad != "" && (err == nil || strings.Contains(err.Error(), bad)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := NewSigner(Config{Secrets: []string{""}}); err == nil {
		t.Error("no secret at all is taken")
	}
}

func TestErrorsComeInEitherForm(t *testing.T) {
	for raw, want := range map[string]task.Error{
		`{"error":"it broke"}`: {Code: task.WorkerFailed, Message: "it broke"},
		`{"error":{"code":"image_rejected","message":"no object"}}`: {Code: task.ImageRejected, Message: "no object"},
		`{"error":{"code":"cuda_oom","message":"line\none\u0000"}}`: {Code: task.WorkerFailed, Message: "line one"},
		`{"error":"a\u202egnp.eldoof\u2066 \u2029end"}`:             {Code: task.WorkerFailed, Message: "agnp.eldoof end"},
		`{}`: {Code: task.WorkerFailed, Message: "The reconstruction failed."},
	} {
		var m StatusMessage
		if err := json.Unmarshal([]byte(raw), &m); err != nil {
			t.Fatal(err)
		}
		if got := m.Error.ForUser(); got != want {
			t.Errorf("%s: %+v", raw, got)
		}
	}
}

func TestMessagesAreValidated(t *testing.T) {
	for _, raw := range []string{
		`{"status":"done"}`, `{"status":"processing","attempt":0}`, `{"status":"processing","progress":101}`,
		`{"status":"processing","progress":-1}`, `{"status":"processing","stage":"a\nb"}`, `{"status":"processing","queuePosition":-1}`,
		`{"status":"processing","etaSeconds":-1}`,
	} {
		var m StatusMessage
		if err := json.Unmarshal([]byte(raw), &m); err != nil {
			t.Fatal(err)
		}
		if err := m.Validate(); !fault.Is(err, fault.ValidationFailed) {
			t.Errorf("%s: %v", raw, err)
		}
	}
	size := int64(1)
	for _, name := range []string{"", "../x", "a/b", ".hidden", "a b", strings.Repeat("a", 129), "ä"} {
		m := ResultMessage{Name: name, Size: &size, SHA256: strings.Repeat("a", 64)}
		if err := m.Validate(10); !fault.Is(err, fault.ValidationFailed) {
			t.Errorf("%q: %v", name, err)
		}
	}
	m := ResultMessage{Name: "a.png", Size: &size, SHA256: strings.Repeat("A", 64), ContentType: "Image/PNG"}
	if err := m.Validate(10); err != nil || m.SHA256 != strings.Repeat("a", 64) || m.ContentType != "image/png" {
		t.Errorf("%+v %v", m, err)
	}
	if err := m.Validate(0); !fault.Is(err, fault.PayloadTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

func itoa(n int64) string { b, _ := json.Marshal(n); return string(b) }
