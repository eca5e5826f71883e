package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/draw"

	"golang.org/x/image/webp"
)

// The flags of a VP8X chunk (RFC 9649, section 2.7.1).
const (
	webpAnimated = 1 << 1
	webpAlpha    = 1 << 4
)

// webpHeader reads a WebP's header. Of an animated one the canvas counts.
func webpHeader(data []byte) (header, error) {
	config, err := webp.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return header{}, err
	}
	h := header{width: config.Width, height: config.Height, orientation: 1}
	h.memory = 8 * int64(config.Width) * int64(config.Height) // lossless: the pixels, before and after a transform
	riffChunks(data[12:], func(kind string, body []byte) bool {
		if kind == "EXIF" {
			h.orientation = orientation(bytes.TrimPrefix(body, []byte(exifPrefix)))
		}
		return true
	})
	return h, nil
}

// riffChunks calls f with each chunk (RFC 9649, section 2.3) until it is false, as far as they go: what is wrong with them is the
// decoder's to say.
func riffChunks(data []byte, f func(kind string, body []byte) bool) {
	const head = 8
	for len(data) >= head {
		size := int64(binary.LittleEndian.Uint32(data[4:]))
		if int64(len(data)) < head+size || !f(string(data[:4]), data[head:head+size]) {
			return
		}
		data = data[min(head+size+size%2, int64(len(data))):]
	}
}

// decodeWebP decodes a WebP; of an animated one, which package webp does not know, the first frame.
func decodeWebP(data []byte) (image.Image, error) {
	var canvas image.Rectangle
	var frame []byte
	riffChunks(data[12:], func(kind string, body []byte) bool {
		switch {
		case kind == "VP8X" && len(body) == 10 && body[0]&webpAnimated != 0:
			canvas = image.Rect(0, 0, 1+uint24(body[4:]), 1+uint24(body[7:]))
		case kind == "ANMF":
			frame = body
			return false
		}
		return true
	})
	if canvas.Empty() {
		return webp.Decode(bytes.NewReader(data))
	}
	if frame == nil {
		return nil, errors.New("an animation without a frame")
	}
	return decodeFrame(canvas, frame)
}

// decodeFrame decodes one frame of an animation (RFC 9649, section 2.7.1.1), onto an empty canvas.
func decodeFrame(canvas image.Rectangle, frame []byte) (image.Image, error) {
	const head = 16
	if len(frame) < head {
		return nil, errors.New("a frame without a header")
	}
	at := image.Pt(2*uint24(frame), 2*uint24(frame[3:]))
	size := image.Pt(1+uint24(frame[6:]), 1+uint24(frame[9:]))
	if !(image.Rectangle{at, at.Add(size)}).In(canvas) {
		return nil, errors.New("a frame beyond its canvas")
	}
	// The frame's own chunks, with a header, are a still image. One of that size, or package webp refuses it.
	extended := make([]byte, 10)
	riffChunks(frame[head:], func(kind string, _ []byte) bool {
		if kind == "ALPH" {
			extended[0] = webpAlpha
		}
		return true
	})
	copy(extended[4:], frame[6:12])
	still := append(riffChunk("VP8X", extended), frame[head:]...)
	img, err := webp.Decode(bytes.NewReader(riffChunk("RIFF", append([]byte("WEBP"), still...))))
	if err != nil {
		return nil, err
	}
	if img.Bounds() == canvas {
		return img, nil
	}
	whole := image.NewNRGBA(canvas)
	draw.Draw(whole, image.Rectangle{at, at.Add(size)}, img, img.Bounds().Min, draw.Src)
	return whole, nil
}

func riffChunk(kind string, body []byte) []byte {
	chunk := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(body)))
	return append(chunk, body...)
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
