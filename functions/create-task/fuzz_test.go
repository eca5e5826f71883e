package main

import (
	"bytes"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/contract"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/task"
)

// An order that is taken names a picture which can be its user's, formats that there are, and a key that fits a header.
func FuzzOrder(f *testing.F) {
	example, err := contract.Read("create-task-request")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example, "")
	f.Add([]byte(`{"imageId":"`+task.NewID(auth.LocalUser)+`","formats":["stl","stl","usdz"]}`), "key")
	f.Add([]byte(`{"imageId":null}`), "\x7f")
	f.Add([]byte(`{"imageId":"`+task.NewID("bob")+`","formats":[""]}`), strings.Repeat("k", 256))
	c := &creator{users: auth.New(auth.Config{Mode: auth.ModeNone})}
	f.Fuzz(func(t *testing.T, body []byte, key string) {
		r := httptest.NewRequest("POST", "/api/reconstruction/create-from-image", bytes.NewReader(body))
		r.Header["Content-Type"], r.Header["Idempotency-Key"] = []string{"application/json"}, []string{key}
		o, err := c.order(httptest.NewRecorder(), r)
		if err != nil {
			if p, _ := httpjson.Describe(err); p.Status < 400 || p.Status >= 500 {
				t.Errorf("refused as %+v", p)
			}
			return
		}
		if !task.ValidID(o.ImageID) || task.PartitionOfID(o.ImageID) != task.PartitionOf(o.User) || o.Key != key || len(key) > maxKey || strings.ContainsAny(key, "\r\n") {
			t.Errorf("taken: %+v", o)
		}
		wanted := strings.Fields(o.Formats)
		for i, name := range wanted {
			if !slices.Contains(formats, name) || slices.Contains(wanted[:i], name) {
				t.Errorf("formats %q", o.Formats)
			}
		}
	})
}
