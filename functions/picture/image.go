package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"runtime/debug"
	"strings"

	"github.com/recon3d/recon3d/shared/fault"
)

const (
	// maxPixels is the largest picture that is taken: 40 megapixels.
	maxPixels = 40_000_000
	// maxMemory is the most that decoding one picture may take, in bytes: the function has 512 MB (serverless.yml), of which
	// a large file takes 50 MiB more. All pictures of 40 megapixels fit but interlaced PNGs of 16 bits a channel, and
	// progressive JPEGs without chroma subsampling, whose coefficients are all kept until the end.
	maxMemory = 384 << 20
	// bigDecode is the memory of a decode that is given back to the system at once, so that the next one finds room.
	bigDecode = 64 << 20
)

// format is a kind of image file that is taken.
type format struct {
	contentType, ext string
	// header reads size and layout, cheaply, before anything is decoded.
	header func(data []byte) (header, error)
	decode func(data []byte) (image.Image, error)
}

// header is what a file says of its image before it is decoded.
type header struct {
	width, height int   // pixels, as stored
	orientation   int   // EXIF, 1 to 8
	memory        int64 // bytes that decoding takes, estimated
}

// formats lists what is taken, by the bytes that each begins with: `?` is any.
func formats() map[string]format {
	return map[string]format{
		"\xff\xd8\xff": {"image/jpeg", "jpg", jpegHeader, func(data []byte) (image.Image, error) { return jpeg.Decode(bytes.NewReader(data)) }},
		pngSignature:   {"image/png", "png", pngHeader, func(data []byte) (image.Image, error) { return png.Decode(bytes.NewReader(data)) }},
		"RIFF????WEBP": {"image/webp", "webp", webpHeader, decodeWebP},
	}
}

// sniff tells a file's format by its bytes.
func sniff(data []byte) (format, bool) {
	for magic, f := range formats() {
		if begins(data, magic) {
			return f, true
		}
	}
	return format{}, false
}

func begins(data []byte, magic string) bool {
	if len(data) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && data[i] != magic[i] {
			return false
		}
	}
	return true
}

// formatOf finds a format by its media type.
func formatOf(contentType string) (format, bool) {
	for _, f := range formats() {
		if strings.EqualFold(f.contentType, contentType) {
			return f, true
		}
	}
	return format{}, false
}

func unknownType() error {
	return fault.New(fault.UnsupportedMediaType, "Only JPEG, PNG and WebP pictures are taken.")
}

// picture is what is known of an image file that was decoded.
type picture struct {
	format
	width, height int         // pixels, after EXIF orientation
	thumbnail     *image.RGBA // upright, at most thumbnailSize wide and high
}

// examine decodes a file, whole, and scales it down for its thumbnail. Errors: fault.UnsupportedMediaType for bytes of no
// known type, fault.ImageTooLarge before anything is decoded, fault.ImageInvalid.
func (s *server) examine(ctx context.Context, data []byte) (picture, error) {
	f, known := sniff(data)
	if !known {
		return picture{}, unknownType()
	}
	h, err := f.header(data)
	if err != nil {
		return picture{}, invalid(err)
	}
	if h.width < 1 || h.height < 1 {
		return picture{}, fault.New(fault.ImageInvalid, "The image has no pixels.")
	}
	if int64(h.width)*int64(h.height) > maxPixels {
		return picture{}, fault.New(fault.ImageTooLarge, fmt.Sprintf("The image has %d×%d pixels, more than 40 megapixels.", h.width, h.height))
	}
	if h.memory > maxMemory {
		return picture{}, fault.New(fault.ImageTooLarge, "The image takes too much memory to decode. Please save it at 8 bits a channel, neither progressive nor interlaced.")
	}

	release, err := s.decoding.take(ctx)
	if err != nil {
		return picture{}, err
	}
	defer release()
	if h.memory > bigDecode {
		defer debug.FreeOSMemory()
	}
	img, err := f.decode(data)
	if err != nil {
		return picture{}, invalid(err)
	}
	p := picture{format: f, width: h.width, height: h.height, thumbnail: upright(shrink(img, thumbnailSize), h.orientation)}
	if h.orientation >= 5 { // turned by a quarter
		p.width, p.height = p.height, p.width
	}
	return p, nil
}

func invalid(cause error) error {
	return &fault.Error{Code: fault.ImageInvalid, Cause: cause}
}
