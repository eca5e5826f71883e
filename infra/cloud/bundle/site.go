package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// copySite copies the built page. A link in it is an error, for what it leads to would not be deployed.
func copySite(to, from string) error {
	if _, err := os.Stat(filepath.Join(from, "index.html")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no page in %s: run make web", from)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return fmt.Errorf("copy the page of %s: %w", from, err)
	}
	return filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.Chmod(path, 0o755) //nolint:gosec // it is deployed: who runs it is not its owner
		case !d.Type().IsRegular():
			return fmt.Errorf("%s in the page is a link: take it away", d.Name())
		}
		return os.Chmod(path, 0o644) //nolint:gosec // likewise
	})
}
