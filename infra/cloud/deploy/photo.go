package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
)

// photo draws what the smoke test uploads: a lit ball before a white wall, a few kB of PNG.
func photo() ([]byte, error) {
	const size, radius = 256, 90.0
	m := image.NewRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			c := color.RGBA{255, 255, 255, 255}
			dx, dy := float64(x-size/2)/radius, float64(y-size/2)/radius
			if r2 := dx*dx + dy*dy; r2 < 1 {
				light := max(0, (-dx-dy+2*math.Sqrt(1-r2))/math.Sqrt(6)) // from the upper left, before it
				c.R, c.G, c.B = uint8(40+180*light), uint8(30+90*light), uint8(30+60*light)
			}
			m.SetRGBA(x, y, c)
		}
	}
	var data bytes.Buffer
	if err := png.Encode(&data, m); err != nil {
		return nil, fmt.Errorf("draw the smoke test's picture: %w", err)
	}
	return data.Bytes(), nil
}
