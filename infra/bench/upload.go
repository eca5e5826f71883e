package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/tencentyun/cos-go-sdk-v5"
	"golang.org/x/image/draw"
)

// measureUpload uploads a picture of 2 MB as phones make them, 8 megapixels, and does beside it what an upload can't do without:
// decode, scale, encode, and put both files to COS.
func measureUpload(ctx context.Context, b *bench) error {
	s, err := b.system(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	picture, err := jpegOf(landscape(3264, 2448, 4), 2_000_000)
	if err != nil {
		return err
	}
	p, err := s.start(ctx, "picture")
	if err != nil {
		return err
	}
	a, err := upload(picture, http.StatusCreated)
	if err != nil {
		return err
	}
	client := newClient()
	whole := timed{name: "`POST /picture/upload`", pid: p.pid(), do: func() error {
		_, err := a.send(ctx, client, p.url())
		return err
	}}
	bucket, err := url.Parse(s.cos.url())
	if err != nil {
		return err
	}
	sdk := cos.NewClient(&cos.BaseURL{BucketURL: bucket}, &http.Client{Transport: &cos.AuthorizationTransport{SecretID: cosID, SecretKey: cosKey}})
	reference := func(name string, scaler draw.Scaler) *timed {
		return &timed{name: name, pid: os.Getpid(), do: func() error { return plainly(ctx, sdk, picture, scaler) }}
	}
	good, fast := reference("the plain way with CatmullRom, as in picture", draw.CatmullRom), reference("the plain way with ApproxBiLinear", draw.ApproxBiLinear)

	for round := range b.n + 1 { // interleaved; the first warms up
		for _, t := range []*timed{&whole, good, fast} {
			if err := t.once(round > 0); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
	}

	b.table.add(figure{what: whole.name + " of 2 MB, 8 megapixels", value: whole.took.median(), unit: "ms", atMost: new(500.0), beside: whole.spread()})
	b.table.add(figure{what: "÷ " + good.name, value: whole.took.median() / good.took.median(), unit: "×", atMost: new(1.5), beside: good.spread()})
	b.table.add(figure{
		what: "÷ " + fast.name + ", which skips pixels", value: whole.took.median() / fast.took.median(), unit: "×", beside: fast.spread(),
	})
	return nil
}

// plainly does what an upload can't do without, in the way that the libraries' own examples have it: one after the other.
func plainly(ctx context.Context, sdk *cos.Client, file []byte, scaler draw.Scaler) error {
	img, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		return err
	}
	const longer = 512 // picture's thumbnailSize
	size := img.Bounds().Size()
	thumbnail := image.NewRGBA(image.Rect(0, 0, longer, size.Y*longer/size.X))
	scaler.Scale(thumbnail, thumbnail.Bounds(), img, img.Bounds(), draw.Src, nil)
	var small bytes.Buffer
	if err := jpeg.Encode(&small, thumbnail, &jpeg.Options{Quality: 82}); err != nil {
		return err
	}
	key := "plain/" + uuid.NewString()
	if _, err := sdk.Object.Put(ctx, key+".jpg", bytes.NewReader(file), nil); err != nil {
		return err
	}
	_, err = sdk.Object.Put(ctx, key+"-thumbnail.jpg", bytes.NewReader(small.Bytes()), nil)
	return err
}

// timed is something that is done again and again, and what that takes: time on the clock, and CPU of the process that does it.
type timed struct {
	name      string
	pid       int
	do        func() error
	took, cpu sample
}

// once does it, and keeps what it took where it counts.
func (t *timed) once(counts bool) error {
	before, err := cpuTime(t.pid)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := t.do(); err != nil {
		return err
	}
	took := time.Since(began)
	after, err := cpuTime(t.pid)
	if err == nil && counts {
		t.took.addTime(took)
		t.cpu.addTime(after - before)
	}
	return err
}

func (t *timed) spread() string {
	return fmt.Sprintf("median of %d: %s, p90 %s, CPU %s", len(t.took), amount(t.took.median(), "ms"), amount(t.took.percentile(90), "ms"), amount(t.cpu.median(), "ms"))
}
