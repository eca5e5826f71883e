package main

import (
	"bytes"
	"encoding/binary"
	"image/color"
	"image/png"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// pngHeader reads a PNG's header, and its EXIF, which may stand anywhere.
func pngHeader(data []byte) (header, error) {
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return header{}, err
	}
	h := header{width: config.Width, height: config.Height, orientation: 1}
	perPixel := int64(4)
	switch config.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model:
		perPixel = 8
	case color.Gray16Model:
		perPixel = 2
	case color.GrayModel:
		perPixel = 1
	}
	h.memory = perPixel * int64(config.Width) * int64(config.Height)
	if interlaced := data[len(pngSignature)+20]; interlaced != 0 {
		h.memory *= 2 // each pass is an image of its own first
	}
	pngChunks(data, func(kind string, body []byte) {
		if kind == "eXIf" {
			h.orientation = orientation(body)
		}
	})
	return h, nil
}

// pngChunks calls f with each chunk (W3C PNG, section 5.3), as far as they go: what is wrong with them is the decoder's to say.
func pngChunks(data []byte, f func(kind string, body []byte)) {
	const head, checksum = 8, 4
	for rest := data[len(pngSignature):]; len(rest) >= head; {
		size := int64(binary.BigEndian.Uint32(rest))
		if int64(len(rest)) < head+size+checksum {
			return
		}
		f(string(rest[4:head]), rest[head:head+size])
		rest = rest[head+size+checksum:]
	}
}
