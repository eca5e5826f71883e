package main

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	pageName    = "index.html"
	assetFolder = "assets/"
	// largest is the largest file that there may be: the platform passes on 6 MB, header (at most 4 kB) included.
	largest = 6<<20 - 4<<10
)

// siteConfig says where the built page is.
type siteConfig struct {
	// Root is its folder; by default `site` beside the executable.
	Root string `env:"WEB_ROOT"`
}

// site is the built page, in memory: what a request can name is a key of it, and never a path on a disk. Names are relative
// to its folder: index.html, assets/….
type site map[string]file

// file is one file in all forms that a caller may take.
type file struct {
	contentType  string
	cacheControl string
	forms        []form // the preferred first, the plain one last
}

// form is a file's bytes in one encoding.
type form struct {
	encoding string // of Content-Encoding
	etag     string
	body     []byte
}

// openSite reads the site that cfg names.
func openSite(cfg siteConfig) (site, error) {
	if cfg.Root == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find the folder of the page: %w", err)
		}
		cfg.Root = filepath.Join(filepath.Dir(self), "site")
	}
	s, err := readSite(os.DirFS(cfg.Root))
	if err != nil {
		return nil, fmt.Errorf("WEB_ROOT: the page in %s can't be served: %w", cfg.Root, err)
	}
	return s, nil
}

// readSite reads index.html and all that is in assets. Left out is what nobody should get by accident: hidden files, links.
func readSite(folder fs.FS) (site, error) {
	bodies := map[string][]byte{}
	err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") || !strings.HasPrefix(name+"/", assetFolder)):
			return fs.SkipDir
		case !d.Type().IsRegular() || strings.HasPrefix(d.Name(), ".") || !strings.HasPrefix(name, pageName) && !strings.HasPrefix(name, assetFolder):
			return nil
		}
		bodies[name], err = fs.ReadFile(folder, name)
		if len(bodies[name]) > largest {
			err = fmt.Errorf("%s has %d bytes: no more than %d get through the platform", name, len(bodies[name]), largest)
		}
		return err
	})
	if _, ok := bodies[pageName]; err == nil && !ok || errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s, which make web builds", pageName)
	}
	if err != nil {
		return nil, err
	}
	s := site{}
	for name := range maps.Keys(bodies) {
		if isCopy(name, bodies) {
			continue
		}
		f := file{contentType: typeOf(name), cacheControl: lifeOf(name)}
		for _, e := range encodings {
			if body, ok := bodies[name+e.suffix]; ok {
				f.forms = append(f.forms, form{e.name, etag(body), body})
			}
		}
		s[name] = f
	}
	return s, nil
}

// isCopy tells whether name is the compressed form of another file.
func isCopy(name string, bodies map[string][]byte) bool {
	for _, e := range encodings {
		if plain, ok := strings.CutSuffix(name, e.suffix); ok && e.suffix != "" {
			_, ok = bodies[plain]
			return ok
		}
	}
	return false
}

// encodings tells those of f's forms.
func (f file) encodings() []string {
	var names []string
	for _, form := range f.forms {
		names = append(names, form.encoding)
	}
	return names
}

// etag is a strong one: each form has its own.
func etag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}

// hashed is a name with a hash of the content in it, as the build makes them: `index-BabGqf5W.js`, `early-94569abf.js`. What is
// all small letters may be a word.
var hashed = regexp.MustCompile(`-([A-Za-z0-9_-]{8})\.[a-z0-9.]+$`)

const digitsAndCapitals = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// lifeOf tells how long a file may be kept: for good where other content would have another name.
func lifeOf(name string) string {
	if m := hashed.FindStringSubmatch(name); m != nil && strings.HasPrefix(name, assetFolder) && strings.ContainsAny(m[1], digitsAndCapitals) {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}

// typeOf tells the media type of a file. The machine's own table is not asked: the same everywhere, and X-Content-Type-Options
// forbids browsers to guess.
func typeOf(name string) string {
	if t, ok := types[strings.ToLower(path.Ext(name))]; ok {
		return t
	}
	return "application/octet-stream"
}

var types = map[string]string{
	".avif":  "image/avif",
	".bin":   "application/octet-stream",
	".css":   "text/css; charset=utf-8",
	".gif":   "image/gif",
	".glb":   "model/gltf-binary",
	".gltf":  "model/gltf+json",
	".hdr":   "image/vnd.radiance",
	".html":  "text/html; charset=utf-8",
	".ico":   "image/x-icon",
	".jpeg":  "image/jpeg",
	".jpg":   "image/jpeg",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".ktx2":  "image/ktx2",
	".map":   "application/json",
	".mjs":   "text/javascript; charset=utf-8",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".wasm":  "application/wasm",
	".webp":  "image/webp",
	".woff":  "font/woff",
	".woff2": "font/woff2",
}
