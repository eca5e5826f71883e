package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
)

// required are the results without which no task completes.
func required() []string { return []string{"pixel_images.png", "xyz_images.png", "output3d.zip"} }

// large is a result beside the required ones, which goes to COS directly.
const large = "model.glb"

// made is a result of a fake worker. Its bytes tell whose it is: each task, attempt and name has others, the same each time.
func made(taskID string, attempt int, name string) []byte {
	seed := sha256.Sum256(fmt.Appendf(nil, "%s %d %s", taskID, attempt, name))
	source := rand.NewChaCha8(seed)
	size := 500 + rand.New(source).IntN(40_000)
	if name == large {
		size += 300_000
	}
	content := make([]byte, size)
	_, _ = source.Read(content) // never fails
	return content
}

func checksum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// drawPicture draws a ball of a colour of its own on a light ground, which any engine can make something of.
func drawPicture(seed uint64, index int) ([]byte, error) {
	const size, radius = 96, 34.0
	rng := rand.New(rand.NewPCG(seed, uint64(index)))
	tint := [3]float64{60 + 190*rng.Float64(), 60 + 190*rng.Float64(), 60 + 190*rng.Float64()}
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			u, v := float64(x-size/2)/radius, float64(y-size/2)/radius
			c := color.NRGBA{240, 240, 238, 255}
			if r := u*u + v*v; r < 1 {
				light := 0.3 + 0.7*max(0, (math.Sqrt(1-r)-u-v)/math.Sqrt(3))
				c = color.NRGBA{uint8(tint[0] * light), uint8(tint[1] * light), uint8(tint[2] * light), 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	// A pixel of noise in the corner makes it one of its kind.
	img.SetNRGBA(0, 0, color.NRGBA{uint8(index), uint8(index >> 8), uint8(seed), 255})
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}
