package callback

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/recon3d/recon3d/shared/contract"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/task"
)

const fuzzSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// An id that is taken has one spelling.
func FuzzID(f *testing.F) {
	f.Add(ID{Result, task.NewID("ann"), 2, "1-a_Z"}.String())
	f.Add("status:01a20812-cfbe-7e37-aed2-c61cd7b96a2b:00:x")
	f.Add("dispatch:01a20812-cfbe-7e37-aed2-c61cd7b96a2b:999999999:" + strings.Repeat("n", 64))
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := ParseID(s)
		if !ok {
			if id.TaskID != "" {
				t.Errorf("refused, and still told: %+v", id)
			}
			return
		}
		if id.String() != s || !task.ValidID(id.TaskID) || id.Attempt < 0 || strings.ContainsAny(s, " \r\n") {
			t.Errorf("%q is taken for %+v", s, id)
		}
	})
}

// Nothing is taken that the reference implementation of Standard Webhooks refuses.
func FuzzVerify(f *testing.F) {
	signer, err := NewSigner(Config{Secrets: []string{fuzzSecret}})
	if err != nil {
		f.Fatal(err)
	}
	judge, err := standardwebhooks.NewWebhook(fuzzSecret)
	if err != nil {
		f.Fatal(err)
	}
	id := ID{Status, task.NewID("ann"), 1, "n"}
	h := http.Header{}
	if err := signer.Sign(h, id, []byte("{}")); err != nil {
		f.Fatal(err)
	}
	timestamp, signature := h.Get("Webhook-Timestamp"), h.Get("Webhook-Signature")
	f.Add(id.String(), timestamp, signature, []byte("{}"))
	f.Add(id.String(), timestamp, "v1a,x v1, "+signature, []byte("{}"))
	f.Add(id.String(), "+"+timestamp, signature, []byte("{}"))
	f.Add(id.String(), timestamp, strings.ToLower(signature), []byte("{ }"))
	f.Fuzz(func(t *testing.T, name, at, signatures string, body []byte) {
		h := http.Header{"Webhook-Id": {name}, "Webhook-Timestamp": {at}, "Webhook-Signature": {signatures}}
		got, err := signer.Verify(h, Status, body)
		if err != nil {
			if !fault.Is(err, fault.SignatureInvalid) || got != (ID{}) {
				t.Errorf("refused by %v, told %+v", err, got)
			}
			return
		}
		if err := judge.Verify(body, h); err != nil || got.String() != name || got.Kind != Status {
			t.Errorf("taken as %+v, the reference says %v", got, err)
		}
	})
}

// What Sign makes, the reference takes, and so do we; one bit of it changed, nobody.
func FuzzSign(f *testing.F) {
	signer, err := NewSigner(Config{Secrets: []string{fuzzSecret}})
	if err != nil {
		f.Fatal(err)
	}
	judge, err := standardwebhooks.NewWebhook(fuzzSecret)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("{}"), uint(0))
	f.Add([]byte("\x00\xff."), uint(9))
	f.Fuzz(func(t *testing.T, body []byte, bit uint) {
		id, h := ID{Result, task.NewID("ann"), 1, "n"}, http.Header{}
		if err := signer.Sign(h, id, body); err != nil {
			t.Fatal(err)
		}
		if _, err := signer.Verify(h, Result, body); err != nil || judge.Verify(body, h) != nil {
			t.Error("what was signed is refused")
		}
		if len(body) > 0 {
			body[int(bit/8)%len(body)] ^= 1 << (bit % 8)
			if _, err := signer.Verify(h, Result, body); err == nil {
				t.Error("what was changed is taken")
			}
		}
	})
}

// A status message that is taken holds only what may be stored and shown, and reads the same when it is written again.
func FuzzStatusMessage(f *testing.F) {
	for _, name := range []string{"completed", "failed", "failed-text", "processing", "released"} {
		f.Add(example(f, "callback-status-"+name))
	}
	f.Add([]byte(`{"taskId":"x","status":"failed","error":{"code":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var m StatusMessage
		err := httpjson.Decode(body, &m)
		if err == nil {
			err = m.Validate()
		}
		if err != nil {
			refusedByCaller(t, err)
			return
		}
		if m.Progress != nil && (*m.Progress < 0 || *m.Progress > 100) || !utf8.ValidString(m.Stage) || strings.ContainsAny(m.Stage, "\r\n\x00") {
			t.Errorf("taken: %+v", m)
		}
		if e := m.Error.ForUser(); !utf8.ValidString(e.Message) || len(e.Message) > maxWords || strings.ContainsAny(e.Message, "\r\n") || e.Message == "" {
			t.Errorf("for the user: %+v", e)
		}
		same(t, m)
	})
}

func FuzzResultMessage(f *testing.F) {
	f.Add(example(f, "callback-result"))
	f.Add(example(f, "callback-upload-url"))
	f.Add([]byte(`{"name":"a..b","size":0,"sha256":"` + strings.Repeat("AB", 32) + `","contentType":"text/plain; charset=\"a b\""}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		const most = 1 << 20
		var m ResultMessage
		err := httpjson.Decode(body, &m)
		if err == nil {
			err = m.Validate(most)
		}
		if err != nil {
			refusedByCaller(t, err)
			return
		}
		if strings.ContainsAny(m.Name+m.SHA256, "/\\ \r\n\x00") || strings.ContainsAny(m.ContentType, "\r\n\x00") || strings.HasPrefix(m.Name, ".") || *m.Size > most || len(m.SHA256) != 64 {
			t.Errorf("taken: %+v", m)
		}
		again := m
		if err := again.Validate(most); err != nil || !cmp.Equal(m, again) {
			t.Errorf("%+v becomes %+v (%v)", m, again, err)
		}
		same(t, m)
	})
}

func example(f *testing.F, name string) []byte {
	f.Helper()
	body, err := contract.Read(name)
	if err != nil {
		f.Fatal(err)
	}
	return body
}

// refusedByCaller: the problem document blames the caller, in a code of the contract.
func refusedByCaller(t *testing.T, err error) {
	t.Helper()
	if p, _ := httpjson.Describe(err); p.Status < 400 || p.Status >= 500 || p.Detail == "" || !utf8.ValidString(p.Detail) {
		t.Errorf("refused as %+v", p)
	}
}

// same: what is read of a message that is written again is the message.
func same[M any](t *testing.T, m M) {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var again M
	if err := json.Unmarshal(text, &again); err != nil || !cmp.Equal(m, again) {
		t.Errorf("%+v\nbecomes\n%+v (%v)", m, again, err)
	}
}

// The tolerance is five minutes, to either side.
func FuzzTimestamp(f *testing.F) {
	signer, err := NewSigner(Config{Secrets: []string{fuzzSecret}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(int64(0))
	f.Add(int64(299))
	f.Add(int64(-301))
	f.Fuzz(func(t *testing.T, ahead int64) {
		id := ID{Status, task.NewID("ann"), 1, "n"}
		at := time.Now().Unix() + ahead
		text := strconv.FormatInt(at, 10)
		h := http.Header{"Webhook-Id": {id.String()}, "Webhook-Timestamp": {text}, "Webhook-Signature": {version + base64.StdEncoding.EncodeToString(mac(signer.keys[0], id.String(), text, nil))}}
		_, err := signer.Verify(h, Status, nil)
		if far := ahead < -300 || ahead > 301; err == nil && far {
			t.Errorf("%d s ahead is taken", ahead)
		}
		if near := ahead > -298 && ahead < 300; err != nil && near {
			t.Errorf("%d s ahead is refused", ahead)
		}
	})
}
