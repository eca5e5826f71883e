package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/shared/contract"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/picturestore"
)

func (w *world) announce(contentType string, size int) uploadJSON {
	w.t.Helper()
	body := fmt.Sprintf(`{"name":"模型.jpg","contentType":%q,"size":%d}`, contentType, size)
	a := w.send(call{"ann", http.MethodPost, "/picture/upload-url", "application/json", strings.NewReader(body)})
	var u uploadJSON
	if err := json.Unmarshal(a.body, &u); err != nil || a.status != http.StatusCreated {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
	return u
}

// put does what a browser does with the answer to an announcement, and tells COS's status.
func (w *world) put(u uploadJSON, data []byte) int {
	w.t.Helper()
	r, err := http.NewRequest(u.Method, u.URL, bytes.NewReader(data))
	if err != nil {
		w.t.Fatal(err)
	}
	for name, value := range u.Headers {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func (w *world) complete(id string) answer {
	w.t.Helper()
	return w.send(call{user: "ann", method: http.MethodPost, path: "/picture/" + id + "/complete"})
}

func TestDirectUpload(t *testing.T) {
	w := newWorld(t)
	data := encodeJPEG(t, noise(3000, 2000), 90) // over what a form may hold
	if len(data) <= 5<<20 {
		t.Fatalf("only %d bytes", len(data))
	}
	u := w.announce("image/jpeg", len(data))
	if expires, err := time.Parse(milliseconds, u.ExpiresAt); err != nil || time.Until(expires) < putLife-time.Minute || u.Method != "PUT" || u.Headers["Content-Type"] != "image/jpeg" {
		t.Errorf("%+v", u)
	}
	w.send(call{user: "ann", method: "GET", path: "/picture/" + u.ID}).is(t, 404, fault.PictureNotFound)
	w.complete(u.ID).is(t, http.StatusUnprocessableEntity, fault.ObjectMismatch)
	w.send(call{user: twin("ann"), method: "POST", path: "/picture/" + u.ID + "/complete"}).is(t, 404, fault.PictureNotFound)

	if status := w.put(u, data); status != http.StatusOK {
		t.Fatalf("put: %d", status)
	}
	a := w.complete(u.ID)
	p := a.picture(t, http.StatusCreated)
	if p.ID != u.ID || p.Name != "模型.jpg" || p.Size != int64(len(data)) || p.Width != 3000 || p.Height != 2000 || a.header.Get("Location") != "/picture/"+p.ID {
		t.Errorf("%+v", p)
	}
	if d := cmp.Diff(p, w.complete(u.ID).picture(t, http.StatusCreated), ignoreURLs); d != "" {
		t.Errorf("again: %s", d)
	}
	if got := w.get(p.URL); !bytes.Equal(got.body, data) || got.header.Get("Content-Type") != "image/jpeg" {
		t.Error("the object is another")
	}
	// The URL still works, and changes nothing that is stored.
	other := bytes.Clone(data)
	other[len(other)/2] ^= 1
	if status := w.put(u, other); status != http.StatusOK {
		t.Fatalf("put again: %d", status)
	}
	w.complete(u.ID).picture(t, http.StatusCreated)
	if !bytes.Equal(w.get(p.URL).body, data) {
		t.Error("a late PUT changed the picture")
	}
	w.expectOnly(p)
}

func TestBadAnnouncements(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		contentType, body string
		status            int
		code              fault.Code
		fields            int
	}{
		{"application/json", `{`, 400, fault.BadRequest, 0},
		{"application/json", ``, 400, fault.BadRequest, 0},
		{"text/plain", `{"name":"a","contentType":"image/png","size":1}`, 415, fault.UnsupportedMediaType, 0},
		{"application/json", `{}`, 422, fault.ValidationFailed, 3},
		{"application/json", `[]`, 422, fault.ValidationFailed, 1},
		{"application/json", `null`, 422, fault.ValidationFailed, 1},
		{"application/json", `{"name":" ","contentType":"image/png","size":0}`, 422, fault.ValidationFailed, 2},
		{"application/json", `{"name":"a","contentType":"image/png","size":"1"}`, 422, fault.ValidationFailed, 1},
		{"application/json", `{"name":"a","contentType":"image/png","size":1.5}`, 422, fault.ValidationFailed, 1},
		{"application/json", `{"name":"a","contentType":"image/gif","size":1}`, 415, fault.UnsupportedMediaType, 0},
		{"application/json", `{"name":"a","contentType":"image/png","size":52428801}`, 413, fault.PayloadTooLarge, 0},
		{"application/json", `{"name":"` + strings.Repeat("a", maxJSON) + `"}`, 413, fault.PayloadTooLarge, 0},
	} {
		p := w.send(call{"ann", http.MethodPost, "/picture/upload-url", c.contentType, strings.NewReader(c.body)}).is(t, c.status, c.code)
		if len(p.Errors) != c.fields {
			t.Errorf("%.50s: %+v", c.body, p.Errors)
		}
	}
	w.expectOnly()
	w.announce("image/png", maxDirect)
	w.announce("IMAGE/PNG", 1)
}

func TestTheContractsInvalidAnnouncementsAreRefused(t *testing.T) {
	w := newWorld(t)
	announcement, err := contract.Read("picture-announcement")
	if err != nil {
		t.Fatal(err)
	}
	invalid, err := contract.InvalidOf("picture-announcement")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range invalid {
		body, err := c.Apply(announcement)
		if err != nil {
			t.Fatal(err)
		}
		a := w.send(call{"ann", http.MethodPost, "/picture/upload-url", "application/json", bytes.NewReader(body)})
		if a.status != 413 && a.status != 415 && a.status != 422 {
			t.Errorf("%s: %d %s", c.Why, a.status, a.body)
		}
	}
	w.expectOnly()
}

func TestWhatIsNoPictureIsRemoved(t *testing.T) {
	w := newWorld(t)
	whole := encodeJPEG(t, noise(100, 100), 90)
	for _, c := range []struct {
		name, contentType string
		data              []byte
		code              fault.Code
	}{
		{"text", "image/jpeg", []byte("hello"), fault.ImageInvalid},
		{"truncated", "image/jpeg", whole[:len(whole)/2], fault.ImageInvalid},
		{"another type", "image/png", whole, fault.ImageInvalid},
		{"too many pixels", "image/png", claiming(60000, 60000), fault.ImageTooLarge},
		{"too much memory", "image/png", deepInterlaced(8000, 5000), fault.ImageTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := w.announce(c.contentType, len(c.data))
			if status := w.put(u, c.data); status != http.StatusOK {
				t.Fatal(status)
			}
			w.complete(u.ID).is(t, http.StatusUnprocessableEntity, c.code)
			w.complete(u.ID).is(t, http.StatusNotFound, fault.PictureNotFound)
		})
	}
	w.expectOnly()
}

// deepInterlaced claims 16 bits a channel, interlaced.
func deepInterlaced(width, height uint32) []byte {
	b := claiming(width, height)
	b[24], b[28] = 16, 1
	return fixChecksum(b)
}

func TestOtherSizeIsMismatch(t *testing.T) {
	w := newWorld(t)
	u := w.announce("image/jpeg", 100)
	// COS itself refuses it.
	if status := w.put(u, make([]byte, 99)); status != http.StatusForbidden {
		t.Errorf("put of another size: %d", status)
	}
	if err := w.objects.Put(t.Context(), picturestore.StagedKey(u.ID), make([]byte, 99), cosPut); err != nil {
		t.Fatal(err)
	}
	w.complete(u.ID).is(t, http.StatusUnprocessableEntity, fault.ObjectMismatch)
	w.expectOnly()
}

func TestChangedWhileChecked(t *testing.T) {
	w := newWorld(t)
	one, two := encodeJPEG(t, noise(100, 100), 90), encodePNG(t, image.NewGray(image.Rect(0, 0, 9, 9)))
	u := w.announce("image/jpeg", len(one))
	if status := w.put(u, one); status != http.StatusOK {
		t.Fatal(status)
	}
	w.at(http.MethodPut, "/original-", func(http.ResponseWriter, int32) bool {
		w.atCOS.Store(nil)
		if err := w.objects.Put(context.Background(), picturestore.StagedKey(u.ID), two, cosPut); err != nil {
			t.Error(err)
		}
		return false
	})
	w.complete(u.ID).is(t, http.StatusUnprocessableEntity, fault.ObjectMismatch)
	// What was put last is of another size: still no picture, and when it is right again it is one.
	w.complete(u.ID).is(t, http.StatusUnprocessableEntity, fault.ObjectMismatch)
	if status := w.put(u, one); status != http.StatusOK {
		t.Fatal(status)
	}
	w.expectOnly(w.complete(u.ID).picture(t, http.StatusCreated))
}

func TestFailedCompletionLeavesNothing(t *testing.T) {
	w := newWorld(t)
	data := fixture(t, "alpha.png")
	for _, inKey := range []string{"/original-", "/thumbnail-"} {
		u := w.announce("image/png", len(data))
		if status := w.put(u, data); status != http.StatusOK {
			t.Fatal(status)
		}
		w.at(http.MethodPut, inKey, func(rw http.ResponseWriter, _ int32) bool {
			rw.WriteHeader(http.StatusInternalServerError)
			return true
		})
		w.complete(u.ID).is(t, http.StatusServiceUnavailable, fault.Unavailable)
		w.atCOS.Store(nil)
		w.send(call{user: "ann", method: "GET", path: "/picture/" + u.ID}).is(t, 404, fault.PictureNotFound)
		p := w.complete(u.ID).picture(t, http.StatusCreated)
		if a := w.send(call{user: "ann", method: "DELETE", path: "/picture/" + p.ID}); a.status != http.StatusNoContent {
			t.Errorf("%s", a.body)
		}
	}
	w.announce("image/png", 10) // and nobody comes back
	w.expectOnly()
}

func TestCompletedManyTimesAtOnce(t *testing.T) {
	w := newWorld(t)
	data := encodeJPEG(t, noise(300, 200), 90)
	u := w.announce("image/jpeg", len(data))
	if status := w.put(u, data); status != http.StatusOK {
		t.Fatal(status)
	}
	got := make([]pictureJSON, 6)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			a := w.complete(u.ID)
			if err := json.Unmarshal(a.body, &got[i]); err != nil || a.status != http.StatusCreated {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	wg.Wait()
	for _, p := range got[1:] {
		if d := cmp.Diff(got[0], p, ignoreURLs); d != "" {
			t.Error(d)
		}
	}
	w.expectOnly(got[0])
}

func TestCompletedByAnotherWhileTheTrashIsEmptied(t *testing.T) {
	w := newWorld(t)
	data := fixture(t, "baseline.jpg")
	u := w.announce("image/jpeg", len(data))
	if status := w.put(u, data); status != http.StatusOK {
		t.Fatal(status)
	}
	// A second call wins while the first one reads, and the sweeper comes by.
	var won pictureJSON
	w.at(http.MethodPut, "/original-", func(_ http.ResponseWriter, n int32) bool {
		if n == 1 {
			won = w.complete(u.ID).picture(t, http.StatusCreated)
			w.sweep(context.Background())
		}
		return false
	})
	if d := cmp.Diff(w.complete(u.ID).picture(t, http.StatusCreated), won, ignoreURLs); d != "" {
		t.Error(d)
	}
	w.expectOnly(won)
}
