package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/infra/local/manifest"
)

// The package of this run is named to the tests by this variable, which a test on a machine of its own inherits.
const packageEnv = "BUNDLE_TEST_PACKAGE"

// The tests run in the root of the repository.
func TestMain(m *testing.M) {
	code, err := func() (int, error) {
		if os.Getenv(packageEnv) != "" { // it is there, and this is there already
			return m.Run(), nil
		}
		if err := os.Chdir(filepath.Join("..", "..", "..")); err != nil {
			return 0, err
		}
		dir, err := os.MkdirTemp("", "bundle-test-")
		if err != nil {
			return 0, err
		}
		defer os.RemoveAll(dir)
		made, err := makePackage(dir)
		if err != nil {
			return 0, err
		}
		if err := os.Setenv(packageEnv, made.folder); err != nil {
			return 0, err
		}
		return m.Run(), nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

// makePackage makes the package in a folder, with a page that takes no Node to build.
func makePackage(dir string) (bundle, error) {
	site := filepath.Join(dir, "page")
	err := errors.Join(os.MkdirAll(filepath.Join(site, "assets"), 0o700),
		os.WriteFile(filepath.Join(site, "index.html"), []byte("<!doctype html>"), 0o600),
		os.WriteFile(filepath.Join(site, "assets", "index-BabGqf5W.js"), []byte("0"), 0o666))
	if err != nil {
		return bundle{}, err
	}
	return pack(context.Background(), filepath.Join(dir, "bundle"), site)
}

// names are the files of the package, by whether they can be started.
func names(t *testing.T) (programs, others []string) {
	t.Helper()
	d, err := manifest.ReadDeployment("serverless.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range d.Functions {
		programs = append(programs, f.Name)
	}
	return append(programs, "scf_bootstrap"), []string{"site/index.html", "site/assets/index-BabGqf5W.js"}
}

// unzipped is the package as another program unpacks it.
func unzipped(t *testing.T) string {
	t.Helper()
	unzip, err := exec.LookPath("unzip")
	if err != nil {
		t.Skip("there is no unzip on this machine: install Debian's package unzip")
	}
	dir := t.TempDir()
	if out, err := exec.Command(unzip, "-q", os.Getenv(packageEnv)+".zip", "-d", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func TestWhatIsUnzippedCanBeStarted(t *testing.T) {
	syscall.Umask(0o022)
	programs, others := names(t)
	want := map[string]fs.FileMode{}
	for _, name := range programs {
		want[name] = 0o755
	}
	for _, name := range others {
		want[name] = 0o644
	}
	for _, dir := range []string{unzipped(t), os.Getenv(packageEnv)} { // the framework zips the folder itself
		got := map[string]fs.FileMode{}
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			name, _ := filepath.Rel(dir, path)
			got[name] = info.Mode()
			return err
		})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, -want +got:\n%s", dir, err, diff)
		}
	}
}

// The platform's programs are static and of its own kind, whatever machine builds them.
func TestProgramsAreOfThePlatform(t *testing.T) {
	t.Setenv("GOOS", "darwin")
	t.Setenv("GOARCH", "arm64")
	t.Setenv("GOFLAGS", "-race")
	d := manifest.Deployment{Functions: []manifest.Function{{Name: "web"}}}
	folder := filepath.Join(t.TempDir(), "built")
	if err := build(t.Context(), folder, d); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"web", "scf_bootstrap"} {
		header, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		// ELF, 64 bits, little-endian; machine 62 is x86-64 (System V ABI, chapter 4).
		if string(header[:6]) != "\x7fELF\x02\x01" || header[18] != 62 || strings.Contains(string(header), "ld-linux") {
			t.Errorf("%s is no static program for Linux on amd64", name)
		}
	}
}

// The same sources make the same bytes: in another folder, as somebody with another umask, at another time.
func TestThePackageIsOfItsSourcesAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds everything twice")
	}
	first, err := zip.OpenReader(os.Getenv(packageEnv) + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	tree := t.TempDir()
	copySources(t, tree)
	t.Chdir(tree)
	t.Setenv("GOFLAGS", "-buildvcs=auto")
	t.Setenv("TZ", "Asia/Shanghai")
	defer syscall.Umask(syscall.Umask(0o077))
	again, err := makePackage(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(os.Getenv(packageEnv) + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(again.zip)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(got, want) {
		return
	}
	t.Error("other bytes")
	second, err := zip.OpenReader(again.zip)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	for i, f := range second.File {
		if diff := cmp.Diff(first.File[i].FileHeader, f.FileHeader); diff != "" {
			t.Error(diff)
		}
	}
}

// copySources copies what the package is made of.
func copySources(t *testing.T, to string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "testdata", "worker", "e2e", "bench", "dist"}, d.Name())):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o700)
		case !slices.Contains([]string{".go", ".mod", ".sum", ".lua", ".json", ".yml"}, filepath.Ext(path)):
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWithoutAPage(t *testing.T) {
	dir := t.TempDir()
	err := copySite(filepath.Join(dir, "to"), dir)
	if err == nil || !strings.Contains(err.Error(), "run make web") {
		t.Errorf("no page: %v", err)
	}
	page := filepath.Join(dir, "page")
	err = errors.Join(os.Mkdir(page, 0o700), os.WriteFile(filepath.Join(page, "index.html"), nil, 0o600), os.Symlink("/etc/passwd", filepath.Join(page, "link")))
	if err != nil {
		t.Fatal(err)
	}
	if err := copySite(filepath.Join(dir, "to"), page); err == nil {
		t.Error("a link in the page was taken")
	}
}

// What was there before stays where the new one can't be made, and nothing else is left behind.
func TestAFailureLeavesThePackageThatIsThere(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "bundle")
	if err := errors.Join(os.Mkdir(out, 0o700), os.WriteFile(filepath.Join(out, "earlier"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := pack(t.Context(), out, filepath.Join(dir, "nowhere")); err == nil {
		t.Error("packed without a page")
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if _, gone := os.Stat(filepath.Join(out, "earlier")); err != nil || gone != nil || len(left) != 1 || len(hidden) != 0 {
		t.Errorf("left: %v %v, %v, %v", left, hidden, err, gone)
	}
}

func TestSizes(t *testing.T) {
	b := bundle{folder: "b", zip: "b.zip", files: []file{{"picture", 3 << 20}, {"site/a", 1 << 20}, {"site/b", 1 << 19}}, size: most}
	want := "  picture                 3.0 MB\n  site                    1.5 MB  2 files\nb                         4.5 MB\n" +
		"b.zip                    60.0 MB  of at most 60, sha256 " + strings.Repeat("0", 64) + "\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	if err := b.tooLarge(); err != nil {
		t.Error(err)
	}
	b.size++
	if b.tooLarge() == nil {
		t.Error("a zip over the limit was taken")
	}
}

// The bootstrap becomes the function of its own folder that FUNCTION names, and nothing else.
func TestBootstrap(t *testing.T) {
	for function, want := range map[string]string{
		"":              `FUNCTION is ""`,
		"scf_bootstrap": `FUNCTION is "scf_bootstrap"`,
		"../../bin/sh":  `FUNCTION is "../../bin/sh"`,
		"nothing":       "FUNCTION is nothing: start ",
		"sweeper":       "web functions take no timer",
		"picture":       "REDIS_URL is not set",
	} {
		cmd := exec.Command(filepath.Join(os.Getenv(packageEnv), "scf_bootstrap"))
		cmd.Env = []string{"FUNCTION=" + function, "RUN_MODE=event"}
		said, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(said), want) {
			t.Errorf("FUNCTION=%s: %v, %s", function, err, said)
		}
	}
}
