package main

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// built is a site as the build leaves it, and what must not get out of its folder.
func built() fstest.MapFS {
	files := fstest.MapFS{}
	for name, content := range map[string]string{
		"index.html":                   "<!doctype html>",
		"index.html.br":                "page in brotli",
		"index.html.gz":                "page in gzip",
		"assets/index-BabGqf5W.js":     "plain script",
		"assets/index-BabGqf5W.js.br":  "script in brotli",
		"assets/index-BabGqf5W.js.gz":  "script in gzip",
		"assets/style-DuYR-HDw.css":    "plain style",
		"assets/style-DuYR-HDw.css.gz": "style in gzip",
		"assets/logo-DM9xCWY2.svg":     "<svg/>",
		"assets/sample.webp":           "a name without a hash",
		"assets/models/chair.glb":      "glTF",
		"assets/lonely.gz":             "no file's copy",
		"assets/.secret":               "hidden",
		"assets/.git/config":           "hidden",
		".env":                         "hidden",
		"robots.txt":                   "no route leads here",
		"src/main.ts":                  "no route leads here",
	} {
		files[name] = &fstest.MapFile{Data: []byte(content)}
	}
	files["assets/link.js"] = &fstest.MapFile{Data: []byte("/etc/passwd"), Mode: fs.ModeSymlink}
	return files
}

func TestASiteIsItsPageAndItsAssets(t *testing.T) {
	s, err := readSite(built())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for name, f := range s {
		got = append(got, name+" "+strings.Join(f.encodings(), " "))
	}
	slices.Sort(got)
	want := []string{
		"assets/index-BabGqf5W.js br gzip identity",
		"assets/logo-DM9xCWY2.svg identity",
		"assets/lonely.gz identity",
		"assets/models/chair.glb identity",
		"assets/sample.webp identity",
		"assets/style-DuYR-HDw.css gzip identity",
		"index.html br gzip identity",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	tags := map[string]bool{}
	forms := 0
	for f := range maps.Values(s) {
		for _, form := range f.forms {
			tags[form.etag], forms = true, forms+1
		}
	}
	if len(tags) != forms {
		t.Errorf("%d forms share %d entity tags", forms, len(tags))
	}
}

func TestASiteThatCannotBeServed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(fstest.MapFS)
		want   string
	}{
		"no page":         {func(f fstest.MapFS) { delete(f, "index.html") }, "there is no index.html, which make web builds"},
		"a folder for it": {func(f fstest.MapFS) { delete(f, "index.html"); f["index.html/x"] = &fstest.MapFile{} }, "there is no index.html, which make web builds"},
		"nothing":         {func(f fstest.MapFS) { clear(f) }, "there is no index.html, which make web builds"},
		"a file over the platform's limit": {
			func(f fstest.MapFS) { f["assets/big.glb"] = &fstest.MapFile{Data: make([]byte, largest+1)} },
			"assets/big.glb has 6287361 bytes: no more than 6287360 get through the platform",
		},
	} {
		files := built()
		c.change(files)
		if _, err := readSite(files); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	files := built()
	files["assets/big.glb"] = &fstest.MapFile{Data: make([]byte, largest)}
	if _, err := readSite(files); err != nil {
		t.Errorf("a file of just that size: %v", err)
	}
}

func TestLifeOf(t *testing.T) {
	const forGood, askAgain = "public, max-age=31536000, immutable", "no-cache"
	for name, want := range map[string]string{
		"assets/index-BabGqf5W.js":        forGood,
		"assets/index-DuYR-HDw.css":       forGood,
		"assets/zh-cn-Bctnkq0g.js":        forGood,
		"assets/viewer/three-C_h-aZ09.js": forGood,
		"assets/x-BabGqf5W.js.map":        forGood,
		"index.html":                      askAgain,
		"index-BabGqf5W.html":             askAgain,
		"assets/early-94569abf.js":        forGood,
		"assets/index.js":                 askAgain,
		"assets/my-textfile.js":           askAgain,
		"assets/BabGqf5W.js":              askAgain,
		"assets/a-BabGqf5W/index.js":      askAgain,
		"assets/a-BabGqf5WX.js":           askAgain,
	} {
		if got := lifeOf(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// Without its site the function says so and ends, as with all that is wrong at its start.
func TestStartWithoutASite(t *testing.T) {
	empty := t.TempDir()
	beside := filepath.Join(filepath.Dir(os.Args[0]), "site")
	for name, c := range map[string]struct {
		env  []string
		want []string
	}{
		"an empty folder":      {[]string{"COS_BUCKET_URL=https://b.example", "WEB_ROOT=" + empty}, []string{"WEB_ROOT: the page in " + empty + " can't be served: there is no index.html, which make web builds"}},
		"nothing beside it":    {[]string{"COS_BUCKET_URL=https://b.example"}, []string{"WEB_ROOT: the page in " + beside + " can't be served"}},
		"more that is missing": {[]string{"WEB_ROOT=/nowhere", "CSP_ORIGINS=*"}, []string{"COS_BUCKET_URL is not set", `CSP_ORIGINS: "*" is no origin`, "WEB_ROOT: the page in /nowhere can't be served"}},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append([]string{"WEB_TEST_PROCESS=1", "HOST=127.0.0.1", "PORT=0"}, c.env...)
			said, err := cmd.CombinedOutput()
			if err == nil || cmd.ProcessState.ExitCode() != 2 {
				t.Errorf("it ended with %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(string(said), want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
		})
	}
}
