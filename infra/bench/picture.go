package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"math/rand/v2"
)

// landscape draws something with the statistics of a photograph: detail at every scale, with an amplitude that falls with its
// size (the spectrum of natural images is about 1/f), in colors that change slowly. Each seed gives another picture.
func landscape(width, height int, seed uint64) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	noise := newGrain(seed)
	for y := range height {
		for x := range width {
			fx, fy := float64(x), float64(y)
			var light float64
			for cell, amplitude := 512.0, 70.0; cell >= 2; cell, amplitude = cell/4, amplitude*0.42 {
				light += amplitude * noise.at(fx/cell, fy/cell)
			}
			warm := 40 * noise.at(fx/700+100, fy/700)
			img.SetRGBA(x, y, color.RGBA{level(120 + light + warm), level(120 + light), level(120 + light - warm), 255})
		}
	}
	return img
}

// plain draws one color.
func plain(width, height int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Rect, image.NewUniform(color.RGBA{235, 236, 238, 255}), image.Point{}, draw.Src)
	return img
}

// vase draws a shaded and mottled solid of revolution onto a background.
func vase(img *image.RGBA) *image.RGBA {
	noise := newGrain(1)
	width, height := float64(img.Rect.Dx()), float64(img.Rect.Dy())
	for y := int(0.1 * height); y < int(0.9*height); y++ {
		v := float64(y) / height // 0 at the top
		radius := 0.16 + 0.1*math.Sin(7*v-1.4)
		for x := range img.Rect.Dx() {
			u := float64(x)/width - 0.5
			if math.Abs(u) >= radius {
				continue
			}
			side := u / radius
			light := 0.35 + 0.65*max(0, 0.8*math.Sqrt(1-side*side)-0.5*side)
			spots := 40 * noise.at(20*u, 20*v)
			img.SetRGBA(x, y, color.RGBA{level(light * (190 + spots)), level(light * (90 + spots)), level(light * 70), 255})
		}
	}
	return img
}

// jpegOf encodes img at the highest quality whose file has at most size bytes.
func jpegOf(img image.Image, size int) ([]byte, error) {
	var best []byte
	for low, high := 1, 100; low <= high; {
		quality := (low + high) / 2
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
			return nil, err
		}
		if b.Len() <= size {
			best, low = b.Bytes(), quality+1
		} else {
			high = quality - 1
		}
	}
	if best == nil {
		return nil, fmt.Errorf("no JPEG of %v has as little as %d bytes", img.Bounds(), size)
	}
	return best, nil
}

func level(v float64) uint8 { return uint8(min(max(v, 0), 255)) }

// grain is value noise: random values on a lattice, smoothly joined.
type grain [64][64]float64

func newGrain(seed uint64) *grain {
	var g grain
	r := rand.New(rand.NewPCG(seed, 0)) // the same picture each time
	for i := range g {
		for j := range g[i] {
			g[i][j] = 2*r.Float64() - 1
		}
	}
	return &g
}

// at is the noise at a point, from -1 to 1. It repeats after 64.
func (g *grain) at(x, y float64) float64 {
	x0, y0 := math.Floor(x), math.Floor(y)
	i, j := int(y0)&63, int(x0)&63
	u, v := smooth(x-x0), smooth(y-y0)
	above := g[i][j]*(1-u) + g[i][(j+1)&63]*u
	below := g[(i+1)&63][j]*(1-u) + g[(i+1)&63][(j+1)&63]*u
	return above*(1-v) + below*v
}

func smooth(t float64) float64 { return t * t * (3 - 2*t) }
