package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image/jpeg"
)

// Markers of JPEG (ITU-T T.81, table B.1).
const (
	markerSOF0  = 0xc0 // start of a frame, first and
	markerSOF15 = 0xcf // last of its kinds, with three others among them
	markerSOF2  = 0xc2 // start of a progressive frame
	markerDHT   = 0xc4
	markerJPG   = 0xc8
	markerDAC   = 0xcc
	markerEOI   = 0xd9
	markerSOS   = 0xda // start of a scan: what follows is no header
	markerAPP1  = 0xe1 // EXIF lives here
)

// jpegHeader reads a JPEG's header.
func jpegHeader(data []byte) (header, error) {
	config, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return header{}, err
	}
	h := header{width: config.Width, height: config.Height, orientation: 1}
	pixels := int64(config.Width) * int64(config.Height)
	err = jpegSegments(data, func(marker byte, body []byte) {
		switch {
		case marker == markerAPP1 && h.orientation == 1:
			if exif, found := bytes.CutPrefix(body, []byte(exifPrefix)); found {
				h.orientation = orientation(exif)
			}
		case marker >= markerSOF0 && marker <= markerSOF15 && marker != markerDHT && marker != markerJPG && marker != markerDAC:
			h.memory = jpegMemory(pixels, marker == markerSOF2, body)
		}
	})
	return h, err
}

// jpegSegments calls f with each segment of the header.
func jpegSegments(data []byte, f func(marker byte, body []byte)) error {
	for i := 2; i+4 <= len(data); {
		switch marker := data[i+1]; {
		case data[i] != 0xff: // stray bytes, which decoders skip
			i++
		case marker == 0xff: // fill
			i++
		case marker == 0 || marker == 1 || marker >= 0xd0 && marker <= 0xd8: // without a body
			i += 2
		case marker == markerSOS || marker == markerEOI:
			return nil
		default:
			size := int(binary.BigEndian.Uint16(data[i+2:]))
			if size < 2 || i+2+size > len(data) {
				return errors.New("a segment is longer than the file")
			}
			f(marker, data[i+4:i+2+size])
			i += 2 + size
		}
	}
	return errors.New("the file ends in its header")
}

// jpegMemory estimates what image/jpeg takes, in bytes, for a frame header: a byte a sample, for a progressive one four more
// for its coefficients, and with four components (CMYK) four a pixel for the result.
func jpegMemory(pixels int64, progressive bool, frame []byte) int64 {
	if len(frame) < 6 || len(frame) < 6+3*int(frame[5]) {
		return 0 // the decoder refuses it
	}
	components := int64(frame[5])
	var blocks, hMax, vMax int64
	for i := range components {
		factors := frame[6+3*i+1]
		h, v := int64(factors>>4), int64(factors&15)
		blocks += h * v
		hMax, vMax = max(hMax, h), max(vMax, v)
	}
	samples := pixels * blocks / max(hMax*vMax, 1)
	memory := samples
	if progressive {
		memory += 4 * samples
	}
	if components == 4 {
		memory += 4 * pixels
	}
	return memory
}
