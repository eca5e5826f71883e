// Package plot draws panels of horizontal bars as one SVG, which is read as well on a light page as on a dark one.
package plot

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"
)

// Panel is one quantity of several things.
type Panel struct {
	Title, Note string
	Parts       []string // what the parts of its bars are, where they have several
	Bars        []Bar
	Budgets     []Budget
}

// Bar is the quantity of one thing: the sum of its parts.
type Bar struct {
	Label string
	Ours  bool // stands out
	Parts []float64
	Text  string // at its end: the value, or why there is none
}

// Budget is a line across the bars.
type Budget struct {
	At   float64
	Text string
}

// Of the drawing, in its own units, which are pixels where it is not scaled.
const (
	panelWidth = 460
	labelWidth = 128
	textWidth  = 92 // behind the longest bar
	barHeight  = 15
	rowHeight  = 22
	headHeight = 56
	footHeight = 26
	gap        = 24
	columns    = 2
)

// style has both schemes: the page's own where the SVG is part of it, the system's where it is an image.
const style = `
	.c { --ink: #1f2328; --faint: #59636e; --line: #d1d9e0; --other: #9aa4af; --other2: #c4ccd4; --ours: #0969da; --ours2: #80b8f5; --budget: #cf222e; --page: #fff }
	@media (prefers-color-scheme: dark) {
		.c { --ink: #f0f6fc; --faint: #9198a1; --line: #3d444d; --other: #6e7781; --other2: #484f58; --ours: #58a6ff; --ours2: #2c5fa3; --budget: #ff7b72; --page: #0d1117 }
	}
	text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--ink); paint-order: stroke; stroke: var(--page); stroke-width: 3px; stroke-linejoin: round }
	.title { font-weight: 600; font-size: 13px }
	.faint { fill: var(--faint); font-size: 11px }
	.own { font-weight: 600 }
	.other0, .other2 { fill: var(--other) } .other1 { fill: var(--other2) }
	.ours0, .ours2 { fill: var(--ours) } .ours1 { fill: var(--ours2) }
	.axis { stroke: var(--line) }
	.budget { stroke: var(--budget); stroke-dasharray: 4 3 }
	.over { fill: var(--budget); font-size: 11px }
`

// SVG draws panels, two beside each other, in the order of reading. about is for those who can't see it.
func SVG(about string, panels []Panel) string {
	var s strings.Builder
	height := gap
	for i := 0; i < len(panels); i += columns {
		height += tallest(panels[i:min(i+columns, len(panels))]) + gap
	}
	width := min(columns, max(len(panels), 1))*(panelWidth+gap) + gap
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" class="c" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n<style>%s</style>\n",
		width, height, width, height, escape(about), style)
	y := gap
	for i := 0; i < len(panels); i += columns {
		row := panels[i:min(i+columns, len(panels))]
		for j, p := range row {
			p.draw(&s, gap+j*(panelWidth+gap), y)
		}
		y += tallest(row) + gap
	}
	s.WriteString("</svg>\n")
	return s.String()
}

func tallest(row []Panel) (height int) {
	for _, p := range row {
		height = max(height, headHeight+len(p.Bars)*rowHeight+footHeight)
	}
	return height
}

func (p Panel) draw(s *strings.Builder, x, y int) {
	fmt.Fprintf(s, `<g transform="translate(%d %d)">`+"\n", x, y)
	text(s, "title", 0, 14, p.Title)
	text(s, "faint", 0, 31, p.note())
	longest := p.longest()
	const room = panelWidth - labelWidth - textWidth
	at := func(v float64) float64 {
		if longest == 0 {
			return labelWidth
		}
		return labelWidth + room*v/longest
	}
	bottom := headHeight + len(p.Bars)*rowHeight - (rowHeight - barHeight)
	for i, b := range p.Bars {
		top := headHeight + i*rowHeight
		class, kind := "", "other"
		if b.Ours {
			class, kind = "own", "ours"
		}
		text(s, class, 0, float64(top+barHeight-3), b.Label)
		end := 0.0
		for part, v := range b.Parts {
			if v > 0 {
				fmt.Fprintf(s, `<rect class="%s%d" x="%.1f" y="%d" width="%.1f" height="%d" rx="1"/>`+"\n", kind, part, at(end), top, at(end+v)-at(end), barHeight)
				end += v
			}
		}
		text(s, class, at(end)+6, float64(top+barHeight-3), b.Text)
	}
	fmt.Fprintf(s, `<line class="axis" x1="%d" x2="%d" y1="%d" y2="%d"/>`+"\n", labelWidth, labelWidth, headHeight-4, bottom+4)
	for i, budget := range p.Budgets {
		line := at(budget.At)
		fmt.Fprintf(s, `<line class="budget" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`+"\n", line, line, headHeight-4, bottom+4+12*(i%2))
		text(s, "over", line+4, float64(bottom+16+12*(i%2)), budget.Text)
	}
	s.WriteString("</g>\n")
}

// note tells what the parts of the bars are, too.
func (p Panel) note() string {
	if len(p.Parts) < 2 {
		return p.Note
	}
	return p.Note + "; " + strings.Join(p.Parts, ", then ")
}

// longest is the value at the right end of the bars' room.
func (p Panel) longest() (longest float64) {
	for _, b := range p.Bars {
		sum := 0.0
		for _, v := range b.Parts {
			sum += v
		}
		longest = math.Max(longest, sum)
	}
	for _, b := range p.Budgets {
		longest = math.Max(longest, b.At)
	}
	return longest
}

func text(s *strings.Builder, class string, x, y float64, t string) {
	fmt.Fprintf(s, `<text class="%s" x="%.1f" y="%.1f">%s</text>`+"\n", class, x, y, escape(t))
}

func escape(t string) string {
	var s strings.Builder
	_ = xml.EscapeText(&s, []byte(t)) // a Builder takes everything
	return s.String()
}
