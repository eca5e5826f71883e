package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func bill(t *testing.T, components string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.cdx.json")
	if err := os.WriteFile(file, []byte(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[`+components+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestJudge(t *testing.T) {
	for what, c := range map[string]struct{ licence, wrong string }{
		"its own":         {`"licenses":[{"license":{"id":"MIT"}}]`, ""},
		"found":           {`"evidence":{"licenses":[{"license":{"id":"BSD-3-Clause"}}]}`, ""},
		"an expression":   {`"licenses":[{"expression":"GPL-3.0-only OR (MIT AND Zlib)"}]`, ""},
		"a classifier":    {`"licenses":[{"license":{"name":"License :: OSI Approved :: BSD License"}}]`, ""},
		"said twice":      {`"licenses":[{"license":{"id":"Apache-2.0"}},{"license":{"name":"License :: OSI Approved :: Apache Software License"}}]`, ""},
		"copyleft":        {`"licenses":[{"license":{"id":"GPL-3.0-only"}}]`, `under "GPL-3.0-only"`},
		"network's":       {`"licenses":[{"license":{"id":"MIT"}},{"license":{"id":"AGPL-3.0-or-later"}}]`, `under "AGPL-3.0-or-later"`},
		"both":            {`"licenses":[{"expression":"MIT AND LGPL-2.1-only"}]`, `under "MIT AND LGPL-2.1-only"`},
		"its own first":   {`"licenses":[{"license":{"id":"GPL-2.0-only"}}],"evidence":{"licenses":[{"license":{"id":"MIT"}}]}`, `under "GPL-2.0-only"`},
		"nobody knows":    {`"licenses":[{"license":{"name":"Custom"}}]`, `under "Custom"`},
		"none":            {`"licenses":[]`, "says no licence"},
		"of this machine": {`"licenses":[{"license":{"id":"MIT"}}],"purl":"file:///home"`, "tells of the machine"},
		"of a registry":   {`"licenses":[{"license":{"id":"MIT"}}],"purl":"https://proxy.example/x"`, "tells of the machine"},
	} {
		var out strings.Builder
		err := run([]string{"judge", bill(t, `{"name":"a","version":"1",`+c.licence+`}`)}, nil, &out)
		switch {
		case c.wrong == "" && (err != nil || !strings.Contains(out.String(), "  a 1\n")):
			t.Errorf("%s: %v\n%s", what, err, out.String())
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := run([]string{"judge", bill(t, "")}, nil, &strings.Builder{}); err == nil {
		t.Error("an empty bill is taken")
	}
}

func TestKeep(t *testing.T) {
	requirements := filepath.Join(t.TempDir(), "requirements.txt")
	if err := os.WriteFile(requirements, []byte("# said so\nPyDantic.Core==2.0 \\\n    --hash=sha256:00\n    # via x\nh11==1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const components = `{"name":"pydantic_core","version":"2.0","bom-ref":"p"},{"name":"pytest","version":"9","bom-ref":"t"}`
	graph := `,"dependencies":[{"ref":"p"},{"ref":"t"},{"ref":"root"}]}`
	var out strings.Builder
	err := run([]string{"keep", requirements}, strings.NewReader(`{"components":[`+components+`,{"name":"h11","version":"1","bom-ref":"h","externalReferences":[{"type":"distribution","url":"https://get.example/h11"},{"type":"vcs","url":"https://h11"}]}]`+graph), &out)
	if err != nil || strings.Contains(out.String(), "pytest") || strings.Contains(out.String(), `"t"`) || !strings.Contains(out.String(), "pydantic_core") || !strings.Contains(out.String(), "root") ||
		strings.Contains(out.String(), "get.example") || !strings.Contains(out.String(), "https://h11") {
		t.Errorf("%v\n%s", err, out.String())
	}
	err = run([]string{"keep", requirements}, strings.NewReader(`{"components":[`+components+`]`+graph), &out)
	if err == nil || !strings.Contains(err.Error(), "lacks h11 1") {
		t.Errorf("a component that is not installed: %v", err)
	}
}
