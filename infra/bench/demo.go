package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// measureDemo runs `make demo` on pictures of one megapixel, whole: the host, the worker and all that they need start and
// stop within it. The first run of each, which may have to build something, does not count.
func measureDemo(ctx context.Context, b *bench) error {
	if _, err := os.Stat(filepath.Join(b.root, "functions/worker/.venv/.stamp")); errors.Is(err, fs.ErrNotExist) {
		return skip("the worker's Python environment is not there; `make worker` makes it")
	} else if err != nil {
		return err
	}
	d := demo{root: b.root, dir: filepath.Join(b.dir, "demo"), image: filepath.Join(b.dir, "vase.jpg")}
	const side = 1024
	for _, p := range []struct {
		background string
		img        *image.RGBA
	}{{"plain", plain(side, side)}, {"busy", landscape(side, side, 5)}} {
		photo, err := jpegOf(vase(p.img), 400<<10)
		if err != nil {
			return err
		}
		if err := os.WriteFile(d.image, photo, 0o600); err != nil {
			return err
		}
		var took, cpu sample
		for round := range max(1, b.n/10) + 1 {
			t, used, err := d.run(ctx)
			if err != nil {
				return err
			}
			log.Printf("  %s background, run %d: %s", p.background, round, amount(t.Seconds(), "s"))
			if round > 0 {
				took.add(t.Seconds())
				cpu.add(used.Seconds())
			}
		}
		b.table.add(figure{
			what: fmt.Sprintf("`make demo`, %d×%d pixels, %s background", side, side, p.background), value: took.median(), unit: "s", atMost: new(10.0),
			beside: fmt.Sprintf("median of %d; slowest %s, CPU %s", len(took), amount(took.percentile(100), "s"), amount(cpu.median(), "s")),
		})
	}
	return nil
}

// demo is where `make demo` finds and leaves things.
type demo struct{ root, dir, image string }

// run runs it once and checks that the results are there. cpu is that of all processes.
func (d demo) run(ctx context.Context) (took, cpu time.Duration, err error) {
	if err := os.RemoveAll(d.dir); err != nil {
		return 0, 0, err
	}
	data, out := filepath.Join(d.dir, "data"), filepath.Join(d.dir, "out")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return 0, 0, err
	}
	cmd := exec.CommandContext(ctx, "make", "-s", "demo", "IMAGE="+d.image, "OUT="+out)
	var said bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = d.root, &said, &said
	cmd.Env = append(os.Environ(), "DATA_DIR="+data)
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) } // make, and what it runs
	cmd.WaitDelay = patience
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, 0, fmt.Errorf("make demo: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	took = time.Since(began)
	for _, result := range []string{"pixel_images.png", "xyz_images.png", "output3d.zip"} {
		if _, err := os.Stat(filepath.Join(out, result)); err != nil {
			return 0, 0, fmt.Errorf("make demo left no result: %w", err)
		}
	}
	return took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
