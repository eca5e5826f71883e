package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
)

// shape is an element of the drawing that has a place.
type shape struct {
	name, class string
	x, width    float64
	said        string
}

// shapes reads a drawing, which has to be XML.
func shapes(t *testing.T, svg string) (all []shape) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			s := shape{name: token.Name.Local}
			for _, a := range token.Attr {
				v, _ := strconv.ParseFloat(a.Value, 64) // 0 for what is no number
				switch a.Name.Local {
				case "class":
					s.class = a.Value
				case "x", "x1":
					s.x = v
				case "width":
					s.width = v
				}
			}
			all = append(all, s)
		case xml.CharData:
			if len(all) > 0 {
				all[len(all)-1].said += strings.TrimSpace(string(token))
			}
		}
	}
}

func TestBarsAreAsLongAsTheirValues(t *testing.T) {
	got := shapes(t, SVG("a < b", []Panel{{
		Title: "t & u", Parts: []string{"server", "Redis"},
		Bars: []Bar{
			{Label: "ours", Ours: true, Parts: []float64{10, 30}, Text: "40"},
			{Label: "theirs", Parts: []float64{80}, Text: "80"},
			{Label: "none", Text: "<no history>"},
		},
		Budgets: []Budget{{20, "at most 20"}},
	}}))
	var bars []shape
	var line, title bool
	const room = panelWidth - labelWidth - textWidth
	for _, s := range got {
		switch {
		case s.name == "rect":
			bars = append(bars, s)
		case s.class == "budget":
			line = s.x == labelWidth+room*20/80.0
		case s.said == "t & u":
			title = true
		}
	}
	want := []shape{
		{name: "rect", class: "ours0", x: labelWidth, width: room * 10 / 80.0},
		{name: "rect", class: "ours1", x: labelWidth + room*10/80.0, width: room * 30 / 80.0},
		{name: "rect", class: "other0", x: labelWidth, width: room},
	}
	if len(bars) != len(want) {
		t.Fatalf("%d bars, not %d", len(bars), len(want))
	}
	for i := range want {
		if bars[i] != want[i] {
			t.Errorf("bar %d: %+v, want %+v", i, bars[i], want[i])
		}
	}
	if !line || !title {
		t.Errorf("the budget's line is in its place: %v, the title is there: %v", line, title)
	}
}
