package httpjson

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/recon3d/recon3d/shared/fault"
)

// What is no JSON is a bad request, what is of another type invalid and named; the rest is read as encoding/json reads it.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{`{"name":"a","size":1}`, `{"name":1}`, `{"inner":{"list":["a",2]}}`, `null`, `[]`, `{"name":`, `{} {}`, `{"size":1e400}`, "{\"name\":\"\xff\"}"} {
		f.Add([]byte(body))
	}
	type message struct {
		Name  *string `json:"name"`
		Size  int64   `json:"size"`
		Inner struct {
			List []string `json:"list"`
		} `json:"inner"`
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got message
		var want struct {
			message
			Size json.Number `json:"size"` // a whole number may be written 5.0 or 5e0
		}
		err := Decode(body, &got)
		object := bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
		switch valid := json.Valid(body); {
		case err == nil:
			if !valid || !object || json.Unmarshal(body, &want) != nil {
				t.Fatal("taken")
			}
			if size, ok := new(big.Rat).SetString(cmp.Or(string(want.Size), "0")); !ok || size.Cmp(new(big.Rat).SetInt64(got.Size)) != 0 {
				t.Errorf("%s is taken for %d", want.Size, got.Size)
			}
		case !valid:
			if !fault.Is(err, fault.BadRequest) {
				t.Errorf("no JSON: %v", err)
			}
		default:
			p, _ := Describe(err)
			if !fault.Is(err, fault.ValidationFailed) || len(p.Errors) == 0 || strings.ContainsAny(p.Detail, "\r\n") {
				t.Errorf("JSON: %v, %+v", err, p)
			}
		}
	})
}
