package main

import (
	"strings"
	"testing"
)

func TestProgress(t *testing.T) {
	for name, c := range map[string]struct {
		terminal bool
		want     string
	}{
		"lines": {false, "  0 %  queued\n 50 %  mesh\ngot a.png, 1.2 kB\n100 %  done\n"},
		"bar": {true, "\r\x1b[K" + strings.Repeat("░", 30) + "   0 %  queued" +
			"\r\x1b[K" + strings.Repeat("█", 15) + strings.Repeat("░", 15) + "  50 %  mesh" +
			"\r\x1b[Kgot a.png, 1.2 kB\n" +
			"\r\x1b[K" + strings.Repeat("█", 30) + " 100 %  done\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			p := newProgress(&out, c.terminal)
			p.step(-1, "queued")
			p.step(50, "mesh")
			p.step(50, "mesh")
			p.line("got a.png, " + bytesText(1200))
			p.step(101, "done")
			p.end()
			p.end()
			if out.String() != c.want {
				t.Errorf("got  %q\nwant %q", out.String(), c.want)
			}
		})
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1000: "1 kB", 123456: "123.5 kB", 2 << 20: "2.1 MB", 50 << 20: "52.4 MB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}
