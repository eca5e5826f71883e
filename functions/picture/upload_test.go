package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// encodePNG and encodeJPEG make files of images.
func encodePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodeJPEG(t testing.TB, img image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// noise is an image that compresses badly.
func noise(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		img.Pix[i] = uint8(r.Uint32())
	}
	return img
}

// claiming is a PNG whose header says that it is so large, and that has nothing else.
func claiming(w, h uint32) []byte {
	b := []byte(pngSignature)
	chunk := func(kind string, body []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
		b = append(append(b, kind...), body...)
		b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(append([]byte(kind), body...)))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	chunk("IHDR", append(head, 8, 2, 0, 0, 0))
	chunk("IDAT", []byte{0x78, 0x9c, 3, 0, 0, 0, 0, 1})
	chunk("IEND", nil)
	return b
}

func TestUpload(t *testing.T) {
	w := newWorld(t)
	data := fixture(t, "baseline.jpg")
	before := time.Now()
	a := w.upload("ann", `photos/模型 "1".jpg`, data)
	p := a.picture(t, http.StatusCreated)

	sum := sha256.Sum256(data)
	want := pictureJSON{
		ID: p.ID, Name: `模型 "1".jpg`, ContentType: "image/jpeg", Size: int64(len(data)), Width: 64, Height: 48, SHA256: hex.EncodeToString(sum[:]),
		URL: p.URL, ThumbnailURL: p.ThumbnailURL, CreatedAt: p.CreatedAt,
	}
	if p != want || a.header.Get("Location") != "/picture/"+p.ID {
		t.Errorf("got %+v\nwant %+v\nLocation %s", p, want, a.header.Get("Location"))
	}
	created, err := time.Parse(milliseconds, p.CreatedAt)
	if err != nil || created.Before(before.Add(-time.Second)) || created.After(time.Now().Add(time.Second)) {
		t.Errorf("created %s, %v", p.CreatedAt, err)
	}
	original := w.get(p.URL)
	if !bytes.Equal(original.body, data) || original.header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("original: %d bytes of %s", len(original.body), original.header.Get("Content-Type"))
	}
	if keys := w.stored(); len(keys) != 2 || !strings.HasPrefix(keys[0], "pictures/ann/"+p.ID+"/") {
		t.Errorf("objects %v", keys)
	}
	w.expectOnly(p)
}

// quadrants are the colors of the test pictures, in the middle of each quarter: red green blue white.
func expectQuadrants(t *testing.T, img image.Image, want ...color.Color) {
	t.Helper()
	b := img.Bounds()
	for i, c := range want {
		x, y := b.Dx()/4+i%2*b.Dx()/2, b.Dy()/4+i/2*b.Dy()/2
		r, g, bl, a := img.At(x, y).RGBA()
		wr, wg, wb, wa := c.RGBA()
		for _, d := range []int{int(r) - int(wr), int(g) - int(wg), int(bl) - int(wb), int(a) - int(wa)} {
			if d > 0x2800 || d < -0x2800 {
				t.Errorf("quadrant %d is %v, not %v", i, img.At(x, y), c)
				break
			}
		}
	}
}

func TestEveryKindOfPicture(t *testing.T) {
	w := newWorld(t)
	red, green, blue, white, nothing := color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}, color.RGBA{0, 0, 255, 255}, color.White, color.Transparent
	rgb := []color.Color{red, green, blue, white}
	gray := []color.Color{color.Gray{76}, color.Gray{149}, color.Gray{29}, white}
	holed := []color.Color{red, green, blue, nothing}
	deep := image.NewNRGBA64(image.Rect(0, 0, 64, 48))
	for i := range 64 * 48 {
		x, y := i%64, i/64
		deep.Set(x, y, rgb[x/32+y/24*2])
	}
	var pictures []pictureJSON
	for _, c := range []struct {
		name, contentType, thumbnail string
		data                         []byte
		colors                       []color.Color
	}{
		{"baseline.jpg", "image/jpeg", "image/jpeg", nil, rgb},
		{"progressive.jpg", "image/jpeg", "image/jpeg", nil, rgb},
		{"progressive444.jpg", "image/jpeg", "image/jpeg", nil, rgb},
		{"subsampled422.jpg", "image/jpeg", "image/jpeg", nil, rgb},
		{"cmyk.jpg", "image/jpeg", "image/jpeg", nil, rgb},
		{"gray.jpg", "image/jpeg", "image/jpeg", nil, gray},
		{"turned.jpg", "image/jpeg", "image/jpeg", nil, rgb},
		{"palette.png", "image/png", "image/jpeg", nil, rgb},
		{"onebit.png", "image/png", "image/jpeg", nil, nil},
		{"alpha.png", "image/png", "image/png", nil, holed},
		{"animated.png", "image/png", "image/jpeg", nil, rgb},
		{"turned.png", "image/png", "image/jpeg", nil, rgb},
		{"16 bit.png", "image/png", "image/jpeg", encodePNG(t, deep), rgb},
		{"lossy.webp", "image/webp", "image/jpeg", nil, rgb},
		{"lossless.webp", "image/webp", "image/jpeg", nil, rgb},
		{"alpha-lossy.webp", "image/webp", "image/png", nil, holed},
		{"alpha-lossless.webp", "image/webp", "image/png", nil, holed},
		{"animated.webp", "image/webp", "image/jpeg", nil, rgb},
		{"animated-alpha.webp", "image/webp", "image/png", nil, holed},
		{"turned.webp", "image/webp", "image/jpeg", nil, rgb},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.data == nil {
				c.data = fixture(t, c.name)
			}
			p := w.upload("ann", c.name+".txt", c.data).picture(t, http.StatusCreated)
			pictures = append(pictures, p)
			if p.ContentType != c.contentType || p.Width != 64 || p.Height != 48 {
				t.Errorf("%s %d×%d", p.ContentType, p.Width, p.Height)
			}
			thumbnail := w.get(p.ThumbnailURL)
			if got := thumbnail.header.Get("Content-Type"); got != c.thumbnail {
				t.Errorf("thumbnail is %s", got)
			}
			img, _, err := image.Decode(bytes.NewReader(thumbnail.body))
			if err != nil {
				t.Fatal(err)
			}
			if img.Bounds() != image.Rect(0, 0, 64, 48) {
				t.Errorf("thumbnail is %v", img.Bounds())
			}
			expectQuadrants(t, img, c.colors...)
		})
	}
	w.expectOnly(pictures...)
}

func TestThumbnailIsScaledDown(t *testing.T) {
	w := newWorld(t)
	p := w.upload("ann", "x.jpg", encodeJPEG(t, noise(1300, 700), 30)).picture(t, http.StatusCreated)
	img, err := jpeg.Decode(bytes.NewReader(w.get(p.ThumbnailURL).body))
	if err != nil || img.Bounds() != image.Rect(0, 0, 512, 276) || p.Width != 1300 || p.Height != 700 {
		t.Errorf("%v of %d×%d, %v", img.Bounds(), p.Width, p.Height, err)
	}
}

func TestBadFiles(t *testing.T) {
	w := newWorld(t)
	whole := encodeJPEG(t, noise(200, 200), 90)
	wholePNG := encodePNG(t, noise(50, 50))
	for _, c := range []struct {
		name   string
		data   []byte
		status int
		code   fault.Code
	}{
		{"no image", []byte("hello, this is text"), 415, fault.UnsupportedMediaType},
		{"nothing", nil, 415, fault.UnsupportedMediaType},
		{"a GIF", []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), 415, fault.UnsupportedMediaType},
		{"an SVG", []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), 415, fault.UnsupportedMediaType},
		{"60000×60000 in 100 bytes", claiming(60000, 60000), 422, fault.ImageTooLarge},
		{"over 40 megapixels", claiming(8001, 5000), 422, fault.ImageTooLarge},
		{"as wide as can be", claiming(1<<31-1, 1), 422, fault.ImageTooLarge},
		{"no pixels", claiming(0, 10), 422, fault.ImageInvalid},
		{"a header only", claiming(100, 100), 422, fault.ImageInvalid},
		{"truncated JPEG", whole[:len(whole)/2], 422, fault.ImageInvalid},
		{"JPEG without its last bytes", whole[:len(whole)-2], 422, fault.ImageInvalid},
		{"JPEG of three bytes", whole[:3], 422, fault.ImageInvalid},
		{"JPEG header only", whole[:100], 422, fault.ImageInvalid},
		{"truncated PNG", wholePNG[:len(wholePNG)/2], 422, fault.ImageInvalid},
		{"PNG with a flipped bit", append(append(bytes.Clone(wholePNG[:500]), wholePNG[500]^1), wholePNG[501:]...), 422, fault.ImageInvalid},
		{"PNG of eight bytes", wholePNG[:8], 422, fault.ImageInvalid},
		{"truncated WebP", fixture(t, "lossy.webp")[:80], 422, fault.ImageInvalid},
		{"WebP of twelve bytes", fixture(t, "lossy.webp")[:12], 422, fault.ImageInvalid},
		{"truncated animation", fixture(t, "animated.webp")[:90], 422, fault.ImageInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.upload("ann", "x.jpg", c.data).is(t, c.status, c.code)
			if keys := w.stored(); len(keys) != 0 {
				t.Errorf("stored %v", keys)
			}
		})
	}
	w.expectOnly()
}

func TestBadForms(t *testing.T) {
	w := newWorld(t)
	image := string(fixture(t, "baseline.jpg"))
	good, body := form(t, field{"file", "a.jpg", image})
	boundary := strings.TrimPrefix(good, "multipart/form-data; boundary=")
	with := func(fields ...field) call {
		contentType, body := form(t, fields...)
		return call{contentType: contentType, body: bytes.NewReader(body)}
	}
	for _, c := range []struct {
		name   string
		call   call
		status int
		code   fault.Code
	}{
		{"no part", with(), 422, fault.ValidationFailed},
		{"no file part", with(field{"image", "a.jpg", image}), 422, fault.ValidationFailed},
		{"two files", with(field{"file", "a.jpg", image}, field{"file", "b.jpg", image}), 422, fault.ValidationFailed},
		{"a file and more", with(field{"file", "a.jpg", image}, field{"title", "", "x"}), 422, fault.ValidationFailed},
		{"not a form", call{contentType: "application/json", body: strings.NewReader("{}")}, 415, fault.UnsupportedMediaType},
		{"no type", call{body: bytes.NewReader(body)}, 415, fault.UnsupportedMediaType},
		{"no boundary", call{contentType: "multipart/form-data", body: bytes.NewReader(body)}, 400, fault.BadRequest},
		{"wrong boundary", call{contentType: good + "x", body: bytes.NewReader(body)}, 400, fault.BadRequest},
		{"truncated in the file", call{contentType: good, body: bytes.NewReader(body[:len(body)/2])}, 400, fault.BadRequest},
		{"truncated at the end", call{contentType: good, body: bytes.NewReader(body[:len(body)-len(boundary)])}, 400, fault.BadRequest},
		{"empty", call{contentType: good, body: http.NoBody}, 400, fault.BadRequest},
		{"a file too large", with(field{"file", "a.jpg", strings.Repeat("x", 5<<20+1)}), 413, fault.PayloadTooLarge},
		{"6 MB", with(field{"file", "a.jpg", strings.Repeat("x", 6<<20)}), 413, fault.PayloadTooLarge},
		{"6 MB of unknown length", call{contentType: good, body: io.MultiReader(bytes.NewReader(body[:len(body)/2]), strings.NewReader(strings.Repeat("x", 6<<20)))}, 413, fault.PayloadTooLarge},
		{"6 MB of no form", call{contentType: "text/plain", body: strings.NewReader(strings.Repeat("x", 6<<20))}, 413, fault.PayloadTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.call.user, c.call.method, c.call.path = "ann", http.MethodPost, "/picture/upload"
			p := w.send(c.call).is(t, c.status, c.code)
			if c.status == 413 && (!strings.Contains(p.Detail, "5242880") || !strings.Contains(p.Detail, "/picture/upload-url")) {
				t.Errorf("names neither limit nor direct route: %s", p.Detail)
			}
			if c.status == 422 && (len(p.Errors) != 1 || p.Errors[0].Field != "file") {
				t.Errorf("%+v", p.Errors)
			}
		})
	}
	w.expectOnly()
	// The largest file there may be is taken for what it is.
	w.send(with(field{"file", "a.jpg", image + strings.Repeat("x", 5<<20-len(image))}).by("ann")).picture(t, http.StatusCreated)
}

func (c call) by(user string) call {
	c.user, c.method, c.path = user, http.MethodPost, "/picture/upload"
	return c
}

func TestChecksComeInTheContractsOrder(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name   string
		call   call
		status int
		code   fault.Code
	}{
		{"route", call{method: "POST", path: "/picture/upload/x/y"}, 404, fault.NotFound},
		{"method before caller", call{method: "GET", path: "/picture/upload"}, 405, fault.MethodNotAllowed},
		{"size before caller", call{method: "POST", path: "/picture/upload", contentType: "text/plain", body: strings.NewReader(strings.Repeat("x", 6<<20))}, 413, fault.PayloadTooLarge},
		{"caller before type", call{method: "POST", path: "/picture/upload", contentType: "text/plain", body: strings.NewReader("x")}, 401, fault.Unauthorized},
		{"caller before meaning", call{method: "GET", path: "/picture/x"}, 401, fault.Unauthorized},
		{"caller of the list", call{method: "GET", path: "/picture/list/page?size=0"}, 401, fault.Unauthorized},
		{"caller of a deletion", call{method: "DELETE", path: "/picture/x"}, 401, fault.Unauthorized},
		{"caller of a completion", call{method: "POST", path: "/picture/x/complete"}, 401, fault.Unauthorized},
		{"caller of an announcement", call{method: "POST", path: "/picture/upload-url", contentType: "text/plain", body: strings.NewReader("x")}, 401, fault.Unauthorized},
		{"fixed names are no ids", call{user: "ann", method: "GET", path: "/picture/upload-url"}, 405, fault.MethodNotAllowed},
		{"a name with a slash", call{user: "ann", method: "GET", path: "/picture/a%2Fb"}, 404, fault.PictureNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := w.send(c.call)
			a.is(t, c.status, c.code)
			if c.status == 405 && a.header.Get("Allow") != "POST" {
				t.Errorf("Allow: %q", a.header.Get("Allow"))
			}
		})
	}
}

func TestFailedUploadLeavesNothing(t *testing.T) {
	w := newWorld(t)
	data := fixture(t, "baseline.jpg")
	broken := func(rw http.ResponseWriter, _ int32) bool {
		rw.WriteHeader(http.StatusInternalServerError)
		return true
	}
	for name, prepare := range map[string]func(){
		"original not stored":  func() { w.at(http.MethodPut, "original", broken) },
		"thumbnail not stored": func() { w.at(http.MethodPut, "thumbnail", broken) },
		"too slow to be recorded": func() {
			w.at(http.MethodPut, "thumbnail", func(http.ResponseWriter, int32) bool {
				// The trash is about to be emptied while the object is put.
				for _, key := range w.rdb.Keys(t.Context(), "recon:*:trash").Val() {
					for _, member := range w.rdb.ZRange(t.Context(), key, 0, -1).Val() {
						w.rdb.ZAdd(t.Context(), key, &redis.Z{Score: float64(time.Now().UnixMilli()), Member: member})
					}
				}
				return false
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			prepare()
			a := w.upload("ann", "a.jpg", data)
			a.is(t, http.StatusServiceUnavailable, fault.Unavailable)
			if a.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			w.atCOS.Store(nil)
			w.expectOnly()
		})
	}

	t.Run("Redis away", func(t *testing.T) {
		away := w.serve(redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1}))
		contentType, body := form(t, field{"file", "a.jpg", string(data)})
		w.sendTo(away, call{contentType: contentType, body: bytes.NewReader(body)}.by("ann")).is(t, http.StatusServiceUnavailable, fault.Unavailable)
		w.expectOnly()
	})
}

func TestWhatIsBeingWrittenIsInTheTrash(t *testing.T) {
	w := newWorld(t)
	var seen []string
	w.at(http.MethodPut, "original", func(http.ResponseWriter, int32) bool {
		for _, key := range w.rdb.Keys(t.Context(), "recon:*:trash").Val() {
			seen = append(seen, w.rdb.ZRange(t.Context(), key, 0, -1).Val()...)
		}
		return false
	})
	p := w.upload("ann", "a.jpg", fixture(t, "baseline.jpg")).picture(t, http.StatusCreated)
	record := w.rdb.HGetAll(t.Context(), taskstore.PictureKey(p.ID)).Val()
	if want := fmt.Sprint([]string{"1 " + record["key"], "1 " + record["thumbnailKey"], "2 " + record["key"], "2 " + record["thumbnailKey"]}); fmt.Sprint(seen) != want {
		t.Errorf("trash %v, not %s", seen, want)
	}
}

func TestDisplayName(t *testing.T) {
	for sent, want := range map[string]string{
		"photo.jpg": "photo.jpg", "": "picture.png", "..": "picture.png", "../../etc/passwd": "passwd", `C:\a\b.png`: "b.png", "a/": "picture.png",
		"a\x00b\nc\u202egnp.exe": "abcgnp.exe", "  x  ": "x", "\xff.png": "�.png", "模型.png": "模型.png", strings.Repeat("模", 300): strings.Repeat("模", 255),
	} {
		if got := displayName(sent, "png"); got != want {
			t.Errorf("%q: %q, not %q", sent, got, want)
		}
	}
}
