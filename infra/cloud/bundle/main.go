// Bundle makes what is deployed: one folder with the binaries of all functions, the scf_bootstrap that starts any of them, and the page in
// site/; and beside it the same as a zip. The zip is a function of the sources, the page and the version of Go: the same bytes on any
// machine, in any folder, at any time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

const usage = `usage: bundle [-o FOLDER] [-site FOLDER]

Makes the package that serverless.yml deploys, as a folder and as a zip beside it. Run it in the root of the repository, with the page
built (make web).

`

// most is how large the zip may be, in bytes. The platform takes more (500 MB of code); what grows beyond this should be seen to first, for
// every cold start has to fetch it.
const most = 60 << 20

func main() {
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	out := flag.String("o", ".build/bundle", "the `FOLDER` to make; the zip is FOLDER.zip")
	site := flag.String("site", "functions/web/dist", "the `FOLDER` of the built page")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*out, *site); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

func run(out, site string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	made, err := pack(ctx, out, site)
	if err != nil {
		return err
	}
	fmt.Print(made)
	return made.tooLarge()
}

// pack makes the folder out and the zip beside it. They take the place of earlier ones only once they are whole.
func pack(ctx context.Context, out, site string) (_ bundle, err error) {
	d, err := manifest.ReadDeployment("serverless.yml")
	if err != nil {
		return bundle{}, err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o750); err != nil {
		return bundle{}, fmt.Errorf("make the folder of the package: %w", err)
	}
	work, err := os.MkdirTemp(filepath.Dir(out), ".bundle-")
	if err != nil {
		return bundle{}, fmt.Errorf("make a folder to work in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	folder, archive := filepath.Join(work, "folder"), filepath.Join(work, "zip")
	if err := build(ctx, folder, d); err != nil {
		return bundle{}, err
	}
	if err := copySite(filepath.Join(folder, "site"), site); err != nil {
		return bundle{}, err
	}
	b := bundle{folder: out, zip: out + ".zip"}
	if b.files, b.size, b.sum, err = writeZip(ctx, archive, folder); err != nil {
		return bundle{}, err
	}
	if err := os.RemoveAll(out); err != nil {
		return bundle{}, fmt.Errorf("take the earlier package away: %w", err)
	}
	return b, errors.Join(os.Rename(folder, out), os.Rename(archive, b.zip))
}
