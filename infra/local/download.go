package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/recon3d/recon3d/infra/local/client"
)

// resultName is the form of results' names; anything else is no name for a file of ours.
var resultName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// download keeps a task's results in a folder.
type download struct {
	client *client.Client
	out    string
	files  map[string]client.Result // what has been written, by name
}

// fetch writes a result, whole and checked or not at all.
func (d *download) fetch(ctx context.Context, r client.Result) error {
	if !resultName.MatchString(r.Name) {
		return fmt.Errorf("the API names a result %q, which is no file name", r.Name)
	}
	f, err := os.CreateTemp(d.out, ".recon3d-")
	if err != nil {
		return fmt.Errorf("write %s: %w", r.Name, err)
	}
	err = errors.Join(d.client.Download(ctx, r, f), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(d.out, r.Name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d.files[r.Name] = r
	return nil
}

// settle fetches what is missing of results and removes what does not belong to them.
func (d *download) settle(ctx context.Context, results []client.Result) error {
	for _, r := range results {
		if d.files[r.Name].SHA256 != r.SHA256 {
			if err := d.fetch(ctx, r); err != nil {
				return err
			}
		}
		delete(d.files, r.Name)
	}
	for name := range d.files {
		if err := os.Remove(filepath.Join(d.out, name)); err != nil {
			return fmt.Errorf("remove the result of a lost attempt: %w", err)
		}
	}
	return nil
}
