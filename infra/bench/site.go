package main

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
)

// siteScript is the one asset of the page, of about the size of all that the real one has: 2 MB.
const siteScript = "assets/index-AAAAAAA1.js"

// writeSite writes a page below dir, so that the bench needs no Node, and tells its folder.
func writeSite(dir string) (site string, err error) {
	site = filepath.Join(dir, "site")
	script := make([]byte, 2<<20)
	if _, err := rand.Read(script); err != nil {
		return "", err
	}
	return site, errors.Join(
		os.MkdirAll(filepath.Join(site, "assets"), 0o700),
		os.WriteFile(filepath.Join(site, "index.html"), []byte("<!doctype html>"), 0o600),
		os.WriteFile(filepath.Join(site, siteScript), script, 0o600),
	)
}
