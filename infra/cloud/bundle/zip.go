package main

import (
	"archive/zip"
	"compress/flate"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// epoch is the time of every entry: the first that a zip can hold.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// writeZip packs the files of folder, by name, and tells them with their sizes, and the size and SHA-256 of the zip. What is executable is so
// right after unzip, whatever the umask of the builder.
func writeZip(ctx context.Context, path, folder string) (files []file, size int64, sum [sha256.Size]byte, err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, 0, sum, fmt.Errorf("make the zip: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	hash := sha256.New()
	w := zip.NewWriter(io.MultiWriter(f, hash))
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error { // in the order of the names
		if err = errors.Join(err, ctx.Err()); err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		one := file{name: filepath.ToSlash(name)}
		if one.size, err = addFile(w, one.name, path, d); err != nil {
			return fmt.Errorf("pack %s: %w", name, err)
		}
		files = append(files, one)
		return nil
	})
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, 0, sum, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, sum, err
	}
	return files, info.Size(), [sha256.Size]byte(hash.Sum(nil)), nil
}

func addFile(w *zip.Writer, name, path string, d fs.DirEntry) (size int64, err error) {
	info, err := d.Info()
	if err != nil {
		return 0, err
	}
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: epoch}
	h.SetMode(0o644)
	if info.Mode()&0o100 != 0 {
		h.SetMode(0o755)
	}
	entry, err := w.CreateHeader(h)
	if err != nil {
		return 0, err
	}
	in, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	return io.Copy(entry, in)
}
