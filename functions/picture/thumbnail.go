package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"

	"github.com/recon3d/recon3d/shared/cosstore"
)

const (
	// thumbnailSize is the longer side of a thumbnail at most, in pixels.
	thumbnailSize = 512
	// thumbnailQuality is that of a JPEG: higher adds bytes, not looks, at this size.
	thumbnailQuality = 82
)

// thumbnailExt is png where the image has transparency, else jpg.
func (p picture) thumbnailExt() string {
	if p.thumbnail.Opaque() {
		return "jpg"
	}
	return "png"
}

// putThumbnail encodes the thumbnail and stores it.
func (s *server) putThumbnail(ctx context.Context, p picture, key string) error {
	var body bytes.Buffer
	var contentType string
	var err error
	if p.thumbnail.Opaque() {
		contentType, err = "image/jpeg", jpeg.Encode(&body, p.thumbnail, &jpeg.Options{Quality: thumbnailQuality})
	} else {
		contentType, err = "image/png", png.Encode(&body, p.thumbnail)
	}
	if err != nil {
		return fmt.Errorf("encode thumbnail: %w", err)
	}
	return s.objects.Put(ctx, key, body.Bytes(), cosstore.PutOptions{ContentType: contentType})
}

// shrink scales img down to at most size pixels wide and high, never up. It first averages whole blocks, which is fast and
// looks at every pixel, and does with a better kernel what is left, less than a halving.
func shrink(img image.Image, size int) *image.RGBA {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	longer := max(w, h)
	small := average(img, max(1, longer/size))
	if longer <= size {
		return small
	}
	dst := image.NewRGBA(image.Rect(0, 0, max(1, (w*size+longer/2)/longer), max(1, (h*size+longer/2)/longer)))
	draw.CatmullRom.Scale(dst, dst.Bounds(), small, small.Bounds(), draw.Src, nil)
	return dst
}

// average makes one pixel of each block of n×n; those at the right and lower edges may be smaller.
func average(img image.Image, n int) *image.RGBA {
	if ycbcr, ok := img.(*image.YCbCr); ok {
		return averageYCbCr(ycbcr, n)
	}
	b := img.Bounds()
	dst := image.NewRGBA(image.Rect(0, 0, (b.Dx()+n-1)/n, (b.Dy()+n-1)/n))
	// Row by row, by way of RGBA, to which package draw has fast paths. Its alpha is premultiplied, so that what is
	// transparent adds no color.
	row := image.NewRGBA(image.Rect(0, 0, b.Dx(), 1))
	sums := make([][4]uint32, dst.Rect.Dx())
	for y := range dst.Rect.Dy() {
		clear(sums)
		rows := min(n, b.Dy()-y*n)
		for i := range rows {
			draw.Draw(row, row.Rect, img, b.Min.Add(image.Pt(0, y*n+i)), draw.Src)
			for x := range sums {
				sum := &sums[x]
				block := row.Pix[4*x*n : 4*min((x+1)*n, b.Dx())]
				for ; len(block) >= 4; block = block[4:] {
					sum[0] += uint32(block[0])
					sum[1] += uint32(block[1])
					sum[2] += uint32(block[2])
					sum[3] += uint32(block[3])
				}
			}
		}
		for x, sum := range sums {
			count := uint32(rows * min(n, b.Dx()-x*n))
			for c := range 4 {
				dst.Pix[y*dst.Stride+4*x+c] = uint8((sum[c] + count/2) / count)
			}
		}
	}
	return dst
}

// averageYCbCr is average of what JPEG and lossy WebP decode to. It averages the planes as they are: the way to RGB is linear.
func averageYCbCr(img *image.YCbCr, n int) *image.RGBA {
	b := img.Rect
	dst := image.NewRGBA(image.Rect(0, 0, (b.Dx()+n-1)/n, (b.Dy()+n-1)/n))
	for y := range dst.Rect.Dy() {
		y0, y1 := b.Min.Y+y*n, min(b.Min.Y+(y+1)*n, b.Max.Y)
		for x := range dst.Rect.Dx() {
			x0, x1 := b.Min.X+x*n, min(b.Min.X+(x+1)*n, b.Max.X)
			first, last := img.COffset(x0, y0), img.COffset(x1-1, y1-1)
			columns := img.COffset(x1-1, y0) - first + 1
			luma := mean(img.Y[img.YOffset(x0, y0):], img.YStride, x1-x0, y1-y0)
			rows := (last-first)/max(img.CStride, 1) + 1
			cb, cr := mean(img.Cb[first:], img.CStride, columns, rows), mean(img.Cr[first:], img.CStride, columns, rows)
			at := dst.Pix[y*dst.Stride+4*x:]
			at[0], at[1], at[2] = color.YCbCrToRGB(luma, cb, cr)
			at[3] = 0xff
		}
	}
	return dst
}

// mean averages the block of w×h samples that plane begins with.
func mean(plane []byte, stride, w, h int) uint8 {
	var sum uint32
	for y := range h {
		for _, v := range plane[y*stride:][:w] {
			sum += uint32(v)
		}
	}
	count := uint32(w * h)
	return uint8((sum + count/2) / count)
}

// upright turns and mirrors img as its EXIF orientation says (EXIF 2.32, section 4.6.5).
func upright(img *image.RGBA, orientation int) *image.RGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	var from func(x, y int) (int, int)
	switch orientation {
	case 2:
		from = func(x, y int) (int, int) { return w - 1 - x, y }
	case 3:
		from = func(x, y int) (int, int) { return w - 1 - x, h - 1 - y }
	case 4:
		from = func(x, y int) (int, int) { return x, h - 1 - y }
	case 5:
		from = func(x, y int) (int, int) { return y, x }
	case 6:
		from = func(x, y int) (int, int) { return y, h - 1 - x }
	case 7:
		from = func(x, y int) (int, int) { return w - 1 - y, h - 1 - x }
	case 8:
		from = func(x, y int) (int, int) { return w - 1 - y, x }
	default:
		return img
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range dst.Rect.Dy() {
		for x := range dst.Rect.Dx() {
			dst.SetRGBA(x, y, img.RGBAAt(from(x, y)))
		}
	}
	return dst
}
