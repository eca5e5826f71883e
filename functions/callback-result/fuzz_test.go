package main

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"runtime"
	"strings"
	"testing"

	"github.com/recon3d/recon3d/shared/httpjson"
)

// A form that is taken holds the file of which it tells, and takes no more memory than a few times its size.
func FuzzForm(f *testing.F) {
	const boundary = "b"
	form := func(fields ...string) []byte {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		if err := w.SetBoundary(boundary); err != nil {
			f.Fatal(err)
		}
		for i := 0; i < len(fields); i += 2 {
			part, err := w.CreateFormField(fields[i])
			if fields[i] == "file" {
				part, err = w.CreateFormFile("file", fields[i+1])
			}
			if err != nil {
				f.Fatal(err)
			}
			if _, err := part.Write([]byte(fields[i+1])); err != nil {
				f.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		return b.Bytes()
	}
	whole := form("name", "a.png", "attempt", "2", "file", "content")
	f.Add(whole)
	f.Add(whole[:len(whole)-5])
	f.Add(form("name", "a.png", "sha256", strings.Repeat("0", 64), "file", ""))
	f.Add(form("file", "x", "file", "y"))
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\r\n\r\n--b--"))
	var many bytes.Buffer // files that are none
	for i := range 300 {
		fmt.Fprintf(&many, "--b\r\nContent-Disposition: form-data; name=%d; filename=x\r\n\r\n%0200d\r\n", i, 0)
	}
	f.Add(append(many.Bytes(), whole...))
	f.Fuzz(func(t *testing.T, body []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, file, err := readForm(body, boundary)
		runtime.ReadMemStats(&after)
		if took, parts := after.TotalAlloc-before.TotalAlloc, bytes.Count(body, []byte("--"+boundary)); took > uint64(1<<20+4*len(body)+parts<<13) {
			t.Errorf("%d bytes in %d parts took %d", len(body), parts, took)
		}
		if err != nil {
			if p, _ := httpjson.Describe(err); p.Status < 400 || p.Status >= 500 {
				t.Errorf("refused as %+v", p)
			}
			return
		}
		if m.Size == nil || *m.Size != int64(len(file)) || len(m.SHA256) != 64 || m.ContentType == "" || !bytes.Contains(body, file) {
			t.Errorf("taken: %+v", m)
		}
	})
}
