package main

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
)

// A file that is taken has a thumbnail of its shape; every other one is refused as its owner's fault. What decoding takes is near what was
// estimated from the header, so that what is let through fits into memory.
func FuzzPicture(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	s := newServer(nil, nil, nil, uploadConfig{MaxBytes: 5 << 20})
	f.Fuzz(func(t *testing.T, data []byte) {
		if format, known := sniff(data); known {
			if h, err := format.header(data); err == nil && (h.orientation < 1 || h.orientation > 8 || h.memory < 0) {
				t.Errorf("header %+v", h)
			} else if err == nil && h.width*h.height > 1<<22 && h.memory <= maxMemory {
				t.Skip("would be decoded, which takes too long here")
			} else if err == nil {
				defer func(before uint64) {
					if took := allocated() - before; took > uint64(4*h.memory)+uint64(len(data))*64+16<<20 {
						t.Errorf("%d×%d of %d bytes took %d to decode, estimated %d", h.width, h.height, len(data), took, h.memory)
					}
				}(allocated())
			}
		}
		p, err := s.examine(t.Context(), data)
		if err != nil {
			switch fault.CodeOf(err) {
			case fault.UnsupportedMediaType, fault.ImageInvalid, fault.ImageTooLarge:
			default:
				t.Errorf("refused by %v", err)
			}
			return
		}
		w, h := p.thumbnail.Rect.Dx(), p.thumbnail.Rect.Dy()
		if w < 1 || h < 1 || max(w, h) > thumbnailSize || w > p.width || h > p.height || (p.width > p.height) && w < h || (p.width < p.height) && w > h {
			t.Errorf("%d×%d has a thumbnail of %d×%d", p.width, p.height, w, h)
		}
	})
}

// allocated is how many bytes were, since the process began.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// A form that is taken is one file, whose bytes are in the body.
func FuzzUpload(f *testing.F) {
	const boundary = "b"
	form := func(name string, times int) []byte {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		if err := w.SetBoundary(boundary); err != nil {
			f.Fatal(err)
		}
		for range times {
			part, err := w.CreateFormFile("file", name)
			if err != nil {
				f.Fatal(err)
			}
			fmt.Fprint(part, "content")
		}
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		return b.Bytes()
	}
	f.Add(form("a.png", 1))
	f.Add(form("a.png", 2))
	f.Add(form("a.png", 1)[:70])
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=file\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41\r\n--b--"))
	s := newServer(nil, nil, nil, uploadConfig{MaxBytes: 100})
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "/picture/upload", bytes.NewReader(body))
		if err := httpjson.Limit(httptest.NewRecorder(), r, 1000); err != nil {
			return
		}
		got, err := s.readForm(r, boundary)
		if err != nil {
			if p, _ := httpjson.Describe(err); p.Status < 400 || p.Status >= 500 {
				t.Errorf("refused as %+v", p)
			}
			return
		}
		if len(got.data) > 100 || len(got.sha256) != 64 || !bytes.Contains(body, got.data) && !bytes.Contains(bytes.ToLower(body), []byte("quoted-printable")) {
			t.Errorf("taken: %+v", got)
		}
	})
}

// A name that is shown is one line of valid text, and of no path.
func FuzzDisplayName(f *testing.F) {
	f.Add(`C:\fakepath\a.png`)
	f.Add("../../etc/passwd\x00\u202egnp.exe")
	f.Add("..")
	f.Add("\xff/" + strings.Repeat("ä", 300))
	f.Fuzz(func(t *testing.T, sent string) {
		name := displayName(sent, "png")
		if name == "" || name == "." || name == ".." || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName || strings.ContainsAny(name, `/\`) || strings.ContainsFunc(name, unicode.IsControl) {
			t.Errorf("%q is shown as %q", sent, name)
		}
		if again := displayName(name, "png"); again != name {
			t.Errorf("%q is shown as %q, that as %q", sent, name, again)
		}
	})
}

// An announcement that is taken is of a type and size that may come.
func FuzzAnnouncement(f *testing.F) {
	f.Add([]byte(`{"name":"big.png","contentType":"image/png","size":9000000}`))
	f.Add([]byte(`{"name":" ","contentType":"IMAGE/JPEG","size":-1}`))
	f.Add([]byte(`{"name":"a","contentType":"image/png; a=b","size":1e3}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		u, err := readAnnouncement(body)
		if err != nil {
			if p, _ := httpjson.Describe(err); p.Status < 400 || p.Status >= 500 {
				t.Errorf("refused as %+v", p)
			}
			return
		}
		if _, known := formatOf(u.ContentType); !known || u.Size < 1 || u.Size > maxDirect || u.Name == "" {
			t.Errorf("taken: %+v", u)
		}
	})
}

// A page that is taken can be counted to.
func FuzzPaging(f *testing.F) {
	f.Add("1", "20")
	f.Add("9223372036854775807", "100")
	f.Add("", "0")
	f.Fuzz(func(t *testing.T, number, length string) {
		r := httptest.NewRequest("GET", "/picture/list/page?"+url.Values{"page": {number}, "size": {length}}.Encode(), nil)
		page, size, err := paging(r)
		if err != nil {
			if !fault.Is(err, fault.ValidationFailed) {
				t.Error(err)
			}
			return
		}
		if page < 1 || size < 1 || size > maxSize || (page-1)*size < 0 || page*size/size != page {
			t.Errorf("%q, %q is page %d of %d", number, length, page, size)
		}
	})
}
