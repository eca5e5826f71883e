package telemetry_test

import (
	"testing"

	"github.com/recon3d/recon3d/shared/telemetry"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
	sampled = "00-" + traceID + "-" + spanID + "-01"
)

func TestTraceparents(t *testing.T) {
	for s, want := range map[string]string{
		sampled:                                        sampled,
		"00-" + traceID + "-" + spanID + "-00":         "00-" + traceID + "-" + spanID + "-00",
		"00-" + traceID + "-" + spanID + "-ff":         sampled, // of the flags only one has a meaning
		"cc-" + traceID + "-" + spanID + "-01":         sampled, // a later version
		"cc-" + traceID + "-" + spanID + "-01-and-all": sampled,
		"cc-" + traceID + "-" + spanID + "-01and":      "",
		sampled + "-and":                               "",
		"":                                             "",
		"00":                                           "",
		"ff-" + traceID + "-" + spanID + "-01":         "",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" + spanID + "-01":   "",
		"00-00000000000000000000000000000000-" + spanID + "-01":   "",
		"00-" + traceID + "-0000000000000000-01":                  "",
		"00-" + traceID + "-" + spanID + "-0x":                    "",
		"00_" + traceID + "-" + spanID + "-01":                    "",
		"00-" + traceID + "_" + spanID + "-01":                    "",
		"00-" + traceID[:31] + "--" + spanID + "-01":              "",
		"00-" + traceID + "-" + spanID + "-01\r\nSet-Cookie: a=b": "",
	} {
		c, ok := telemetry.Parse(s)
		if c.String() != want || ok != (want != "") || c.Valid() != ok {
			t.Errorf("%q: %q, %t", s, c, ok)
		}
	}
}
