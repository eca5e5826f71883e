package main

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/shared/cosstore"
)

var cosPut = cosstore.PutOptions{ContentType: "image/jpeg"}

// fixChecksum makes the checksum of a PNG's first chunk right.
func fixChecksum(b []byte) []byte {
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return b
}

// exif is a directory with an orientation in it, after another tag.
func exif(order binary.AppendByteOrder, value uint16) []byte {
	b := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		b = []byte("MM\x00*")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	for _, e := range []struct{ tag, value uint16 }{{0x0100, 7}, {0x0112, value}} {
		b = order.AppendUint16(b, e.tag)
		b = order.AppendUint16(b, 3)
		b = order.AppendUint32(b, 1)
		b = order.AppendUint16(b, e.value)
		b = order.AppendUint16(b, 0)
	}
	return b
}

func TestOrientation(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
		for value := range uint16(12) {
			want := 1
			if value >= 1 && value <= 8 {
				want = int(value)
			}
			whole := exif(order, value)
			if got := orientation(whole); got != want {
				t.Errorf("%v %d: %d", order, value, got)
			}
			for n := range whole[:len(whole)-2] {
				if got := orientation(whole[:n]); got != 1 {
					t.Errorf("the first %d bytes: %d", n, got)
				}
			}
		}
	}
}

func FuzzOrientation(f *testing.F) {
	f.Add(exif(binary.BigEndian, 6))
	f.Add(exif(binary.LittleEndian, 8))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := orientation(b); got < 1 || got > 8 {
			t.Errorf("%d", got)
		}
	})
}

func TestUpright(t *testing.T) {
	// The letter F as it looks upright, and as each orientation stores it (EXIF 2.32, figure 9).
	upside := []string{"###", "#..", "##.", "#.."}
	stored := map[int][]string{
		1: {"###", "#..", "##.", "#.."},
		2: {"###", "..#", ".##", "..#"},
		3: {"..#", ".##", "..#", "###"},
		4: {"#..", "##.", "#..", "###"},
		5: {"####", "#.#.", "#..."},
		6: {"#...", "#.#.", "####"},
		7: {"...#", ".#.#", "####"},
		8: {"####", ".#.#", "...#"},
	}
	for o, rows := range stored {
		img := image.NewRGBA(image.Rect(0, 0, len(rows[0]), len(rows)))
		for y, row := range rows {
			for x, c := range row {
				if c == '#' {
					img.Set(x, y, color.White)
				}
			}
		}
		turned := upright(img, o)
		var got []string
		for y := range turned.Rect.Dy() {
			row := ""
			for x := range turned.Rect.Dx() {
				row += map[bool]string{true: "#", false: "."}[turned.RGBAAt(x, y).A > 0]
			}
			got = append(got, row)
		}
		if d := cmp.Diff(upside, got); d != "" {
			t.Errorf("orientation %d: %s", o, d)
		}
	}
}

func TestShrinkKeepsShapeAndMean(t *testing.T) {
	for _, c := range []struct{ w, h, wantW, wantH int }{
		{100, 50, 100, 50}, {512, 512, 512, 512}, {513, 1, 512, 1}, {1, 5000, 1, 512}, {1024, 768, 512, 384}, {1500, 1000, 512, 341}, {40000, 3, 512, 1},
	} {
		// A horizontal ramp of brightness.
		ramp := func(set func(x, y int, c color.Color)) {
			for y := range c.h {
				for x := range c.w {
					set(x, y, color.Gray{uint8(255 * x / c.w)})
				}
			}
		}
		rgba := image.NewRGBA(image.Rect(0, 0, c.w, c.h))
		ramp(rgba.Set)
		images := map[string]image.Image{"RGBA": rgba}
		for _, ratio := range []image.YCbCrSubsampleRatio{
			image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
		} {
			img := image.NewYCbCr(image.Rect(0, 0, c.w, c.h), ratio)
			for i := range img.Cb {
				img.Cb[i], img.Cr[i] = 128, 128
			}
			ramp(func(x, y int, c color.Color) { img.Y[img.YOffset(x, y)] = c.(color.Gray).Y })
			images[ratio.String()] = img
		}
		for name, img := range images {
			got := shrink(img, 512)
			if got.Rect != image.Rect(0, 0, c.wantW, c.wantH) || !got.Opaque() {
				t.Errorf("%s %d×%d: %v", name, c.w, c.h, got.Rect)
				continue
			}
			for _, x := range []int{0, c.wantW / 3, c.wantW - 1} {
				p := got.RGBAAt(x, c.wantH/2)
				want := 255 * x / c.wantW
				if d := int(p.G) - want; d < -4 || d > 4 || p.R != p.G || p.B != p.G {
					t.Errorf("%s %d×%d: at %d it is %v, not %d", name, c.w, c.h, x, p, want)
				}
			}
		}
	}
}

func TestTransparentPixelsAddNoColor(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 1024, 1024))
	for i := range 1024 * 1024 {
		c := color.NRGBA{0, 255, 0, 0}
		if i%2 == 0 {
			c = color.NRGBA{255, 0, 0, 255}
		}
		img.SetNRGBA(i%1024, i/1024, c)
	}
	if got := shrink(img, 512).RGBAAt(100, 100); got != (color.RGBA{128, 0, 0, 128}) {
		t.Errorf("%v", got)
	}
}

// jpegOf makes the header of a JPEG of that size, without its data.
func jpegOf(marker byte, w, h uint16, factors ...byte) []byte {
	b := []byte{0xff, 0xd8, 0xff, marker}
	b = binary.BigEndian.AppendUint16(b, uint16(8+3*len(factors)))
	b = append(b, 8)
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, h), w)
	b = append(b, byte(len(factors)))
	for i, f := range factors {
		b = append(b, byte(i+1), f, 0)
	}
	return append(b, 0xff, markerSOS, 0, 2)
}

func TestMemoryIsKnownFromTheHeader(t *testing.T) {
	const pixels = 8000 * 5000
	for _, c := range []struct {
		name   string
		data   []byte
		header func([]byte) (header, error)
		want   int64
	}{
		{"baseline 4:2:0", jpegOf(markerSOF0, 8000, 5000, 0x22, 0x11, 0x11), jpegHeader, pixels * 3 / 2},
		{"progressive 4:2:0", jpegOf(markerSOF2, 8000, 5000, 0x22, 0x11, 0x11), jpegHeader, pixels * 15 / 2},
		{"progressive 4:4:4", jpegOf(markerSOF2, 8000, 5000, 0x11, 0x11, 0x11), jpegHeader, pixels * 15},
		{"CMYK", jpegOf(markerSOF0, 8000, 5000, 0x11, 0x11, 0x11, 0x11), jpegHeader, pixels * 8},
		{"PNG of 8 bits", claiming(8000, 5000), pngHeader, pixels * 4},
		{"PNG of 16 bits, interlaced", deepInterlaced(8000, 5000), pngHeader, pixels * 16},
	} {
		h, err := c.header(c.data)
		if err != nil || h.memory != c.want || h.width != 8000 || h.height != 5000 {
			t.Errorf("%s: %+v, not %d: %v", c.name, h, c.want, err)
		}
	}
}

func FuzzHeaders(f *testing.F) {
	for _, name := range []string{"turned.jpg", "turned.png", "turned.webp", "animated-alpha.webp", "cmyk.jpg"} {
		f.Add(fixture(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, known := sniff(b)
		if !known {
			return
		}
		h, err := kind.header(b)
		if err != nil || int64(h.width)*int64(h.height) > 1<<20 {
			return
		}
		if _, err := kind.decode(b); err != nil {
			return
		}
		if h.orientation < 1 || h.orientation > 8 {
			t.Error(fmt.Sprint(h))
		}
	})
}
