package e2e

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is no good picture is refused, and leaves neither record nor object; odd but good pictures are taken.
func TestUploads(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	bucket := s.bucket(t)
	truncated := photo(200, 150)
	truncated = truncated[:len(truncated)/2]
	headOnly := photo(64, 64)[:40]

	upload := func(body []byte, mime string) func(*testing.T) answer {
		return func(t *testing.T) answer {
			return s.call(t, http.MethodPost, "/picture/upload", body, "Content-Type", mime)
		}
	}
	file := func(data []byte) func(*testing.T) answer {
		body, mime := form(part{"file", "photo.jpg", data})
		return upload(body, mime)
	}
	parts := func(ps ...part) func(*testing.T) answer {
		body, mime := form(ps...)
		return upload(body, mime)
	}
	good := part{"file", "a.png", drawing()}
	whole, mime := form(good)

	t.Run("refused", func(t *testing.T) {
		for name, row := range map[string]struct {
			send   func(*testing.T) answer
			status int
			code   string
		}{
			"text":                         {file([]byte("This is no image, whatever its name says.")), 415, "unsupported_media_type"},
			"a GIF":                        {file([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")), 415, "unsupported_media_type"},
			"an empty file":                {file(nil), 415, "unsupported_media_type"},
			"an SVG":                       {file([]byte(`<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`)), 415, "unsupported_media_type"},
			"60000×60000 in 100 bytes":     {file(bomb(60000, 60000)), 422, "image_too_large"},
			"a million by a million":       {file(bomb(1_000_000, 1_000_000)), 422, "image_too_large"},
			"just over 40 megapixels":      {file(bomb(40_000_001, 1)), 422, "image_too_large"},
			"a PNG without pixels":         {file(bomb(0, 7)), 422, "image_invalid"},
			"claims more than it has":      {file(bomb(600, 600)), 422, "image_invalid"},
			"a truncated JPEG":             {file(truncated), 422, "image_invalid"},
			"a JPEG's beginning":           {file(headOnly), 422, "image_invalid"},
			"a PNG's signature alone":      {file([]byte("\x89PNG\r\n\x1a\n")), 422, "image_invalid"},
			"a truncated PNG":              {file(good.data[:len(good.data)-20]), 422, "image_invalid"},
			"a PNG with a broken chunk":    {file(broken(good.data)), 422, "image_invalid"},
			"a WebP of nothing":            {file([]byte("RIFF\x10\x00\x00\x00WEBPVP8 \x04\x00\x00\x00\x00\x00\x00\x00")), 422, "image_invalid"},
			"over the limit":               {file(random(5<<20 + 1)), 413, "payload_too_large"},
			"a 6 MB body":                  {file(append(photo(16, 16), make([]byte, 6_000_000)...)), 413, "payload_too_large"},
			"more than the platform takes": {file(make([]byte, 7<<20)), 413, "payload_too_large"},
			"no part":                      {parts(), 422, "validation_failed"},
			"no part of that name":         {parts(part{"picture", "a.png", good.data}), 422, "validation_failed"},
			"two files":                    {parts(good, good), 422, "validation_failed"},
			"a wrong boundary":             {upload(whole, "multipart/form-data; boundary=elsewhere"), 400, "bad_request"},
			"no boundary":                  {upload(whole, "multipart/form-data"), 400, "bad_request"},
			"a form that breaks off":       {upload(whole[:len(whole)-30], mime), 400, "bad_request"},
			"no body":                      {upload(nil, mime), 400, "bad_request"},
			"no form":                      {upload(good.data, "image/png"), 415, "unsupported_media_type"},
			"no media type":                {upload(whole, ""), 415, "unsupported_media_type"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := row.send(t).problem(t, row.status, row.code)
				if row.status == http.StatusRequestEntityTooLarge {
					if detail := fmt.Sprint(p["detail"]); !strings.Contains(detail, "/picture/upload-url") || !strings.ContainsAny(detail, "0123456789") {
						t.Errorf("the detail names no limit or no direct route: %s", detail)
					}
				}
			})
		}
	})
	nothingLeft := func(t *testing.T) {
		t.Helper()
		var page struct {
			Items             []picture
			Page, Size, Total int
		}
		s.get(t, "/picture/list/page").want(t, http.StatusOK).into(t, &page)
		if page.Total != 0 || len(page.Items) != 0 {
			t.Errorf("half-made pictures: %+v", page)
		}
		if left := s.orphans(t, bucket); len(left) > 0 {
			t.Errorf("orphaned objects: %v", left)
		}
	}
	nothingLeft(t)

	t.Run("taken", func(t *testing.T) {
		fixture := func(name string) []byte {
			b, err := os.ReadFile(filepath.Join(os.Getenv(rootEnv), "functions", "picture", "testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		for name, row := range map[string]struct {
			data []byte
			mime string
		}{
			"16 bits":              {deep(), "image/png"},
			"animated PNG":         {animated(), "image/png"},
			"animated WebP":        {fixture("animated.webp"), "image/webp"},
			"CMYK JPEG":            {fixture("cmyk.jpg"), "image/jpeg"},
			"progressive JPEG":     {fixture("progressive.jpg"), "image/jpeg"},
			"wide":                 {photo(1500, 700), "image/jpeg"},
			"one pixel":            {noise(1, 1), "image/png"},
			"thin as a hair":       {noise(3000, 1), "image/png"},
			"just under the limit": {append(photo(16, 16), make([]byte, 5<<20-5000)...), "image/jpeg"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := s.upload(t, row.data)
				if p.ContentType != row.mime || p.Sha256 != sha(row.data) || !bytes.Equal(fetch(t, p.URL).want(t, http.StatusOK).body, row.data) {
					t.Errorf("%+v", p)
				}
				small, _, err := image.DecodeConfig(bytes.NewReader(fetch(t, p.ThumbnailURL).want(t, http.StatusOK).body))
				if err != nil || max(small.Width, small.Height) > 512 || small.Width > p.Width || small.Height > p.Height {
					t.Errorf("thumbnail of %d×%d: %+v, %v", p.Width, p.Height, small, err)
				}
				s.call(t, http.MethodHead, "/picture/"+p.ID, nil).want(t, http.StatusOK)
				s.call(t, http.MethodDelete, "/picture/"+p.ID, nil).want(t, http.StatusNoContent)
				s.call(t, http.MethodDelete, "/picture/"+p.ID, nil).problem(t, http.StatusNotFound, "picture_not_found")
				s.get(t, "/picture/"+p.ID).problem(t, http.StatusNotFound, "picture_not_found")
			})
		}
	})
	nothingLeft(t)
	eventually(t, "deleted pictures' objects are gone", func() bool { return len(objects(t, bucket, "pictures/")) == 0 })

	t.Run("turned", func(t *testing.T) { // EXIF says to turn it by a quarter
		data, err := os.ReadFile(filepath.Join(os.Getenv(rootEnv), "functions", "picture", "testdata", "turned.jpg"))
		if err != nil {
			t.Fatal(err)
		}
		raw, _, err := image.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		p := s.upload(t, data)
		small, _, err := image.DecodeConfig(bytes.NewReader(fetch(t, p.ThumbnailURL).want(t, http.StatusOK).body))
		if err != nil || p.Width != raw.Height || p.Height != raw.Width || small.Width != p.Width || small.Height != p.Height {
			t.Errorf("%d×%d became %d×%d, its thumbnail %d×%d, %v", raw.Width, raw.Height, p.Width, p.Height, small.Width, small.Height, err)
		}
		s.call(t, http.MethodDelete, "/picture/"+p.ID, nil).want(t, http.StatusNoContent)
	})
}

// broken is a PNG with a bit of its pixels turned over.
func broken(png []byte) []byte {
	b := bytes.Clone(png)
	b[len(b)/2] ^= 0x10
	return b
}

// The direct route: what is announced is put, checked and taken; what does not hold leaves nothing.
func TestDirectUploads(t *testing.T) {
	t.Parallel()
	s := start(t, 1)
	bucket := s.bucket(t)
	announce := func(t *testing.T, mime string, size int) grant {
		t.Helper()
		asked := s.post(t, "/picture/upload-url", map[string]any{"name": "big.png", "contentType": mime, "size": size}).want(t, http.StatusCreated)
		hasKeys(t, asked.object(t), "id", "url", "method", "headers", "expiresAt")
		var g grant
		asked.into(t, &g)
		if !uuid7.MatchString(g.ID) || g.Method != http.MethodPut {
			t.Errorf("upload-url: %s", asked.body)
		}
		checkTime(t, "expiresAt", g.ExpiresAt)
		return g
	}
	complete := func(t *testing.T, g grant) answer {
		t.Helper()
		return s.call(t, http.MethodPost, "/picture/"+g.ID+"/complete", nil)
	}
	t.Run("group", func(t *testing.T) {
		t.Run("taken", func(t *testing.T) {
			t.Parallel()
			data := noise(1400, 1400) // 5.9 MB
			g := announce(t, "image/png", len(data))
			complete(t, g).problem(t, http.StatusUnprocessableEntity, "object_mismatch")
			s.get(t, "/picture/"+g.ID).problem(t, http.StatusNotFound, "picture_not_found")
			g.put(t, data).want(t, http.StatusOK)
			var p, again picture
			done := complete(t, g)
			done.want(t, http.StatusCreated).into(t, &p)
			if p.ID != g.ID || p.Name != "big.png" || p.Width != 1400 || p.Height != 1400 || p.Sha256 != sha(data) || done.header.Get("Location") != "/picture/"+p.ID {
				t.Errorf("complete: %s", done.body)
			}
			complete(t, g).want(t, http.StatusCreated).into(t, &again)
			if again.ID != p.ID || again.CreatedAt != p.CreatedAt {
				t.Errorf("complete again: %+v", again)
			}
			// The URL may still be alive; what is stored can't be changed by it.
			late := g.put(t, noise(1400, 1400))
			if !bytes.Equal(fetch(t, p.URL).want(t, http.StatusOK).body, data) {
				t.Errorf("a late PUT (%d) changed the picture", late.status)
			}
			s.call(t, http.MethodDelete, "/picture/"+p.ID, nil).want(t, http.StatusNoContent)
		})
		for name, row := range map[string]struct {
			data []byte
			code string
		}{
			"no picture":   {random(5000), "image_invalid"},
			"a bomb":       {bomb(60000, 60000), "image_too_large"},
			"truncated":    {noise(100, 100)[:10000], "image_invalid"},
			"a JPEG there": {photo(64, 64), "image_invalid"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				g := announce(t, "image/png", len(row.data))
				if put := g.put(t, row.data); put.status != http.StatusOK {
					t.Fatalf("PUT: %d %s", put.status, put.body)
				}
				if name == "a JPEG there" { // type is among what is checked; which code it gets is not said
					if a := complete(t, g); a.status != http.StatusUnprocessableEntity {
						t.Errorf("a JPEG announced as PNG: %d %s", a.status, a.body)
					}
				} else {
					complete(t, g).problem(t, http.StatusUnprocessableEntity, row.code)
				}
				complete(t, g).problem(t, http.StatusNotFound, "picture_not_found")
			})
		}
		t.Run("other size", func(t *testing.T) {
			t.Parallel()
			data := noise(50, 50)
			g := announce(t, "image/png", len(data)+1)
			if put := g.put(t, data); put.status == http.StatusOK {
				complete(t, g).problem(t, http.StatusUnprocessableEntity, "object_mismatch")
			} else if put.status/100 != 4 {
				t.Errorf("PUT of another size: %d", put.status)
			}
		})
		for name, row := range map[string]struct {
			body   any
			status int
			code   string
		}{
			"too large":      {map[string]any{"name": "a", "contentType": "image/png", "size": 50<<20 + 1}, 413, "payload_too_large"},
			"a GIF":          {map[string]any{"name": "a", "contentType": "image/gif", "size": 5}, 415, "unsupported_media_type"},
			"no size":        {map[string]any{"name": "a", "contentType": "image/png"}, 422, "validation_failed"},
			"no bytes":       {map[string]any{"name": "a", "contentType": "image/png", "size": 0}, 422, "validation_failed"},
			"negative":       {map[string]any{"name": "a", "contentType": "image/png", "size": -1}, 422, "validation_failed"},
			"size as text":   {map[string]any{"name": "a", "contentType": "image/png", "size": "5"}, 422, "validation_failed"},
			"half a byte":    {map[string]any{"name": "a", "contentType": "image/png", "size": 5.5}, 422, "validation_failed"},
			"no type":        {map[string]any{"name": "a", "size": 5}, 422, "validation_failed"},
			"a list":         {[]int{1}, 422, "validation_failed"},
			"name of a type": {map[string]any{"name": 7, "contentType": "image/png", "size": 5}, 422, "validation_failed"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s.post(t, "/picture/upload-url", row.body).problem(t, row.status, row.code)
			})
		}
	})
	if left := s.orphans(t, bucket); len(left) > 0 {
		t.Errorf("orphaned objects: %v", left)
	}
}
