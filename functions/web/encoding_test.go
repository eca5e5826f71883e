package main

import "testing"

func TestChoose(t *testing.T) {
	all, some, plain := []string{"br", "gzip", identity}, []string{"gzip", identity}, []string{identity}
	for _, c := range []struct {
		there  []string
		accept []string
		want   string
	}{
		{all, nil, identity},
		{all, []string{""}, identity},
		{all, []string{"gzip, deflate, br, zstd"}, "br"}, // a browser
		{all, []string{"gzip, deflate"}, "gzip"},         // a browser over plain HTTP
		{some, []string{"gzip, deflate, br, zstd"}, "gzip"},
		{plain, []string{"gzip, deflate, br, zstd"}, identity},
		{all, []string{"gzip", "br"}, "br"}, // two headers are one list
		{all, []string{"br;q=0.5, gzip;q=0.8"}, "gzip"},
		{all, []string{"br;q=0.8,gzip;q=0.8"}, "br"},
		{all, []string{"BR ; Q=1.0 , gzip"}, "br"},
		{all, []string{"br;q=0, gzip"}, "gzip"},
		{all, []string{"br;q=0, gzip;q=0.000"}, identity},
		{all, []string{"*"}, "br"},
		{all, []string{"*;q=0.1, br;q=0"}, "gzip"},
		{all, []string{"*;q=0, gzip"}, "gzip"},
		{all, []string{"*;q=0"}, identity}, // nothing is wanted
		{plain, []string{"identity;q=0, br"}, identity},
		{all, []string{"identity"}, identity},
		{all, []string{"identity;q=1, gzip;q=0.5"}, identity},
		{all, []string{"identity;q=0.5, gzip;q=1"}, "gzip"},
		{all, []string{"x-gzip"}, "gzip"},
		{all, []string{"gzippy, brr"}, identity},
		{all, []string{"br;q=2, gzip;q=-1"}, identity},
		{all, []string{"br;q=x, gzip;level=9"}, identity},
		{all, []string{"br;q=NaN"}, identity},
		{all, []string{",,;q=1,;"}, identity},
	} {
		if got := c.there[choose(c.there, c.accept)]; got != c.want {
			t.Errorf("of %v to %q: %s, want %s", c.there, c.accept, got, c.want)
		}
	}
}
