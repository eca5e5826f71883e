package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/recon3d/recon3d/infra/local/client"
	"github.com/recon3d/recon3d/infra/local/console"
)

// largestPicture is what the API takes by the direct route.
const largestPicture = 50 << 20

// demo runs the picture at image through a system of its own and writes the results to the folder out. The error is one
// sentence for a person.
func demo(ctx context.Context, image, out string) (err error) {
	data, err := readPicture(image)
	if err != nil {
		return err
	}
	if err := prepare(out); err != nil {
		return err
	}
	s, err := load()
	if err != nil {
		return err
	}
	temporary := os.Getenv("DATA_DIR") == ""
	if temporary {
		if s.DataDir, err = os.MkdirTemp("", "recon3d-demo-"); err != nil {
			return fmt.Errorf("make a folder for the demo: %w", err)
		}
	} else if err := os.MkdirAll(s.DataDir, 0o700); err != nil {
		return fmt.Errorf("DATA_DIR: %w", err)
	}
	s.Host, s.Port, s.PublicBaseURL, s.AuthMode = "127.0.0.1", 0, "", "none" // a system of its own, that nobody else reaches
	s.WebRoot = ""                                                           // nor looks at
	logs, err := os.Create(filepath.Join(s.DataDir, "demo.log"))
	if err != nil {
		return fmt.Errorf("open the demo's log: %w", err)
	}
	defer func() {
		var refused *client.Problem
		ours := err != nil && ctx.Err() == nil && (!errors.As(err, &refused) || refused.Status >= 500)
		err = errors.Join(err, logs.Close())
		switch {
		case ours:
			err = fmt.Errorf("%w\nthe log of all parts is %s", err, logs.Name())
		case temporary:
			err = errors.Join(err, os.RemoveAll(s.DataDir))
		}
	}()

	show := newProgress(os.Stdout, isTerminal(os.Stdout))
	defer show.end()
	show.step(0, "starting")
	h, err := start(ctx, s, console.New(logs, false, s.LogLevel))
	if err == nil {
		defer h.stop()
		err = reconstruct(ctx, h.url, filepath.Base(image), data, out, show)
	}
	if ctx.Err() != nil {
		return errors.New("stopped")
	}
	return err
}

// readPicture reads the picture, and refuses at once what the API would refuse later.
func readPicture(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the picture can't be read: %w", err)
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder, not a picture", path)
	case info.Size() > largestPicture:
		return nil, fmt.Errorf("%s is larger than the %d MiB that a picture may have", path, largestPicture>>20)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the picture can't be read: %w", err)
	}
	if kind := http.DetectContentType(data); !slices.Contains([]string{"image/jpeg", "image/png", "image/webp"}, kind) {
		return nil, fmt.Errorf("%s is no JPEG, PNG or WebP picture", path)
	}
	return data, nil
}

// prepare makes the folder for the results where it is missing, and tries whether it can be written.
func prepare(out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil { //nolint:gosec // a person's own folder, as mkdir makes it
		return fmt.Errorf("the folder for the results can't be made: %w", err)
	}
	f, err := os.CreateTemp(out, ".recon3d-")
	if err != nil {
		return fmt.Errorf("the folder for the results can't be written: %w", err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// reconstruct is what a browser does: upload, create, follow the events, download.
func reconstruct(ctx context.Context, api, name string, picture []byte, out string, show *progress) error {
	started := time.Now()
	c, err := client.New(api)
	if err != nil {
		return err
	}
	show.step(0, "uploading")
	p, err := c.Upload(ctx, name, picture)
	if err != nil {
		return fmt.Errorf("the picture was not taken: %w", err)
	}
	t, err := c.Create(ctx, p.ID)
	if err != nil {
		return fmt.Errorf("the task was not made: %w", err)
	}
	got := &download{client: c, out: out, files: map[string]client.Result{}}
	for e, err := range c.Events(ctx, t) {
		if err != nil {
			return fmt.Errorf("the task can't be followed: %w", err)
		}
		switch e.Kind {
		case "progress":
			show.step(e.Progress, e.Stage)
		case "result":
			if e.URL == "" { // replaced by a later attempt's
				continue
			}
			if err := got.fetch(ctx, e.Result()); err != nil {
				return err
			}
			show.line("got " + e.Name + ", " + bytesText(e.Size))
		case "status":
			if err := failure(e); err != nil {
				return err
			}
		}
	}
	// The task has the last word on what belongs to it: of attempts that were lost nothing stays.
	if t, err = c.Task(ctx, t.ID); err != nil {
		return fmt.Errorf("the task can't be read: %w", err)
	}
	if err := got.settle(ctx, t.Results); err != nil {
		return err
	}
	show.step(100, "done")
	show.end()
	var total int64
	for _, r := range t.Results {
		total += r.Size
		fmt.Printf("  %s  %s\n", filepath.Join(out, r.Name), bytesText(r.Size))
	}
	fmt.Printf("%d files, %s, in %.1f s\n", len(t.Results), bytesText(total), time.Since(started).Seconds())
	return nil
}

// failure is what a final status other than COMPLETED means to a person.
func failure(e client.Event) error {
	switch {
	case e.Status == "CANCELLED":
		return errors.New("the task was cancelled")
	case e.Status == "FAILED" && e.Error != nil:
		return fmt.Errorf("the task failed: %w", e.Error)
	case e.Status == "FAILED":
		return errors.New("the task failed")
	}
	return nil
}

// bytesText is a size for a person.
func bytesText(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1000*1000:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/1000), ".0") + " kB"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/1e6), ".0") + " MB"
}
