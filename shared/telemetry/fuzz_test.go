package telemetry

import "testing"

// A traceparent that is taken is passed on as one that is taken for the same.
func FuzzTraceparent(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Add("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-what the future brings")
	f.Add("00-00000000000000000000000000000000-00f067aa0ba902b7-01")
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := Parse(s)
		if !ok {
			if c != (SpanContext{}) {
				t.Errorf("refused, and still told: %+v", c)
			}
			return
		}
		again, ok := Parse(c.String())
		if !ok || again != c || !c.Valid() || s[:2] == "00" && c.String()[:52] != s[:52] {
			t.Errorf("%q is passed on as %q", s, c)
		}
	})
}
