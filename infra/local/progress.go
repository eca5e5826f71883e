package main

import (
	"fmt"
	"io"
	"strings"
)

// barWidth is the width of the progress bar in characters.
const barWidth = 30

// progress shows how far something is: a bar that moves on a terminal, lines elsewhere. Writing it is best effort.
type progress struct {
	out   io.Writer
	moves bool
	drawn bool   // a bar stands on the present line
	last  string // the last line
}

func newProgress(out io.Writer, terminal bool) *progress {
	return &progress{out: out, moves: terminal}
}

// step shows a percentage and what is being done.
func (p *progress) step(percent float64, stage string) {
	percent = min(max(percent, 0), 100)
	line := fmt.Sprintf("%3.0f %%  %s", percent, stage)
	if line == p.last {
		return
	}
	p.last = line
	if !p.moves {
		_, _ = fmt.Fprintln(p.out, line)
		return
	}
	full := int(percent * barWidth / 100)
	_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s%s %s", strings.Repeat("█", full), strings.Repeat("░", barWidth-full), line)
	p.drawn = true
}

// line writes a line of its own and leaves the bar below it.
func (p *progress) line(text string) {
	if p.drawn {
		_, _ = fmt.Fprint(p.out, "\r\x1b[K")
	}
	_, _ = fmt.Fprintln(p.out, text)
	p.drawn = false
}

// end leaves the bar as it stands and goes on below it.
func (p *progress) end() {
	if p.drawn {
		_, _ = fmt.Fprintln(p.out)
		p.drawn = false
	}
}
