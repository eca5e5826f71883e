package e2e

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
)

// drawing is a small PNG that nothing else equals.
func drawing() []byte { return noise(24, 16) }

// noise is a PNG that can't be compressed: 3 bytes a pixel.
func noise(width, height int) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	copy(img.Pix, random(len(img.Pix)))
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
	return encoded(png.Encode, img)
}

func encoded(encode func(w io.Writer, m image.Image) error, img image.Image) []byte {
	var b bytes.Buffer
	if err := encode(&b, img); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

// photo is a JPEG of noise.
func photo(width, height int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	copy(img.Pix, random(len(img.Pix)))
	return encoded(func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) }, img)
}

// deep is a PNG of 16 bits a channel.
func deep() []byte {
	img := image.NewNRGBA64(image.Rect(0, 0, 20, 10))
	copy(img.Pix, random(len(img.Pix)))
	return encoded(png.Encode, img)
}

// chunk is one chunk of a PNG (PNG specification, 5.3).
func chunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// bomb is a PNG of under 100 bytes that claims to be that large.
func bomb(width, height uint32) []byte {
	head := binary.BigEndian.AppendUint32(nil, width)
	head = binary.BigEndian.AppendUint32(head, height)
	head = append(head, 8, 6, 0, 0, 0) // 8 bits, RGBA
	b := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", head)...)
	b = append(b, chunk("IDAT", []byte{0x78, 0x9c, 3, 0, 0, 0, 0, 1})...)
	return append(b, chunk("IEND", nil)...)
}

// animated is a PNG of two frames (APNG): the still picture's chunks and the animation's between them.
func animated() []byte {
	still := drawing()
	const head = 8 + 25 // signature and IHDR
	control := func(sequence uint32) []byte {
		b := binary.BigEndian.AppendUint32(nil, sequence)
		b = binary.BigEndian.AppendUint32(b, 24)
		b = binary.BigEndian.AppendUint32(b, 16)
		b = append(b, make([]byte, 8)...)   // offsets
		return append(b, 0, 1, 0, 10, 0, 0) // a tenth of a second
	}
	var data []byte // of the still picture's IDAT, which both frames show
	for rest := still[head:]; len(rest) > 12; {
		n := binary.BigEndian.Uint32(rest)
		if string(rest[4:8]) == "IDAT" {
			data = append(data, rest[8:8+n]...)
		}
		rest = rest[12+n:]
	}
	b := append([]byte{}, still[:head]...)
	b = append(b, chunk("acTL", []byte{0, 0, 0, 2, 0, 0, 0, 0})...)
	b = append(b, chunk("fcTL", control(0))...)
	b = append(b, chunk("IDAT", data)...)
	b = append(b, chunk("fcTL", control(1))...)
	b = append(b, chunk("fdAT", append([]byte{0, 0, 0, 2}, data...))...)
	return append(b, chunk("IEND", nil)...)
}

// ball is a shaded ball on a plain background: a picture that a real worker can do something with.
func ball() []byte {
	const size = 320
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			u, v := float64(x-size/2)/110, float64(y-size/2)/110
			c := color.NRGBA{240, 240, 238, 255}
			if r := u*u + v*v; r < 1 {
				light := 0.3 + 0.7*max(0, (math.Sqrt(1-r)-u-v)/math.Sqrt(3))
				c = color.NRGBA{uint8(220 * light), uint8(90 * light), uint8(60 * light), 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return encoded(png.Encode, img)
}
