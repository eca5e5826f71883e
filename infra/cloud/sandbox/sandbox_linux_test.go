package sandbox

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// found is what testdata/look tells.
type found struct {
	Root                      []string
	WritesRoot, WritesCode    string
	WritesTmp, ReadsProc      string
	TmpIsFull                 bool // after a megabyte
	Descriptors               int  // that could be open at a time
	ReachesItself, ReachesAll string
}

func TestAMachineOfItsOwn(t *testing.T) {
	if !Isolated(t) {
		return
	}
	code := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(code, "look"), "./testdata/look")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // static: there is no loader in the root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	root := Root(t, code, "/code", 512<<10)
	Descriptors(t, 64)
	var said Output
	cmd := Start(t, root, "/", nil, &said, "/code/look")
	if err := cmd.Wait(); err != nil {
		t.Fatal(err, said.String())
	}
	var got found
	if err := json.Unmarshal([]byte(said.String()), &got); err != nil {
		t.Fatal(err, said.String())
	}
	slices.Sort(got.Root)
	want := found{
		Root: []string{"code", "dev", "proc", "tmp"}, WritesRoot: "read-only file system", WritesCode: "read-only file system", TmpIsFull: true,
		Descriptors: 64, ReachesAll: "network is unreachable",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("-want +got:\n" + diff)
	}
}

// What is done to the machine stays there.
func TestTheMachineIsGone(t *testing.T) {
	if !Isolated(t) {
		if _, err := net.LookupHost("nobody.example"); err == nil {
			t.Error("a name of the machine is known outside")
		}
		return
	}
	Names(t, map[string]string{"nobody.example": "127.0.5.1"})
	if got, err := net.LookupHost("nobody.example"); err != nil || !slices.Equal(got, []string{"127.0.5.1"}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestReadOnly(t *testing.T) {
	if !Isolated(t) {
		return
	}
	before, there := t.TempDir(), filepath.Join(t.TempDir(), "file")
	ReadOnly(t)
	if _, err := os.OpenFile("output.go", os.O_WRONLY, 0); !errors.Is(err, syscall.EROFS) {
		t.Errorf("a file of the machine can be written: %v", err)
	}
	for _, path := range []string{there, filepath.Join(before, "file")} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Error(err)
		}
	}
}
