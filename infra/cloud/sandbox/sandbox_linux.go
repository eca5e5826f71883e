// Package sandbox gives tests a machine of their own: a network in which every port is free and nothing of the world can be reached, and
// mounts that nobody else sees. It takes no rights but those that the kernel gives to everybody (user namespaces).
package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inside is set in the environment of a test process that has a machine of its own, to the name of its test.
const inside = "RECON3D_SANDBOX"

// Isolated tells whether t runs on a machine of its own. Where it does not yet, its program is run again with this test alone, on such a
// machine, t takes over how that ends, and has nothing more to do. It is called first in a test. Where the kernel gives no such machine t
// is skipped.
func Isolated(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		if err := loopbackUp(); err != nil {
			t.Fatal(err)
		}
		runtime.LockOSThread() // for what it starts dies with the thread that started it
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1") //nolint:gosec // it is this program itself
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		t.Errorf("on a machine of its own:\n%s", out)
	case err != nil:
		t.Skipf("this kernel gives a test no machine of its own (user, mount and network namespaces): %v", err)
	case strings.Contains(string(out), "--- SKIP: "+t.Name()):
		t.Skip(string(out))
	case !strings.Contains(string(out), "--- PASS: "+t.Name()+" "):
		t.Errorf("it did not run:\n%s", out)
	default:
		t.Log(string(out))
	}
	return false
}

// loopbackUp turns the machine's one network interface on.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("name the loopback interface: %w", err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("turn the loopback interface on: %w", err)
	}
	return nil
}

// Root makes an empty root file system in which nothing but /tmp (of that many bytes) can be written: with /proc and /dev/null, and the
// folder code where at says. It is gone with the machine. Only for an isolated test.
func Root(t *testing.T, code, at string, tmp int64) string {
	t.Helper()
	root := t.TempDir()
	mount := func(what, source, target, kind string, flags uintptr, options string) {
		if err := unix.Mount(source, target, kind, flags, options); err != nil {
			t.Fatalf("mount %s: %v", what, err)
		}
	}
	// Nothing that is mounted here shows elsewhere, and nothing holds the folder when the test removes it.
	mount("nothing anew", "", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	mount("the root", "root", root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=1m,mode=0755")
	t.Cleanup(func() {
		if err := unix.Unmount(root, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount the root: %v", err)
		}
	})
	for _, folder := range []string{"proc", "tmp", "dev", at} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	null := filepath.Join(root, "dev", "null")
	if err := os.WriteFile(null, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mount("/dev/null", "/dev/null", null, "", unix.MS_BIND, "")
	mount("/proc", "/proc", filepath.Join(root, "proc"), "", unix.MS_BIND|unix.MS_REC, "")
	mount("/tmp", "tmp", filepath.Join(root, "tmp"), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("size=%d,mode=1777", tmp))
	mount("the code", code, filepath.Join(root, at), "", unix.MS_BIND, "")
	for _, folder := range []string{filepath.Join(root, at), root} {
		readOnly(t, folder)
	}
	return root
}

// readOnly makes the mount at folder one that can't be written.
func readOnly(t *testing.T, folder string) {
	t.Helper()
	var have unix.Statfs_t
	if err := unix.Statfs(folder, &have); err != nil {
		t.Fatal(err)
	}
	// What the mount beneath forbids can't be allowed above it, and has to be said again (mount_namespaces(7)).
	flags := uintptr(unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY)
	for st, ms := range map[int64]uintptr{
		unix.ST_NOSUID: unix.MS_NOSUID, unix.ST_NODEV: unix.MS_NODEV, unix.ST_NOEXEC: unix.MS_NOEXEC,
		unix.ST_NOATIME: unix.MS_NOATIME, unix.ST_NODIRATIME: unix.MS_NODIRATIME, unix.ST_RELATIME: unix.MS_RELATIME,
	} {
		if have.Flags&st != 0 {
			flags |= ms
		}
	}
	if err := unix.Mount("", folder, "", flags, ""); err != nil {
		t.Fatalf("make %s read-only: %v", folder, err)
	}
}

// ReadOnly makes this machine's files read-only, but for the folder of temporary files. Only for an isolated test.
func ReadOnly(t *testing.T) {
	t.Helper()
	tmp := os.TempDir()
	for _, mount := range []struct {
		source, target string
		flags          uintptr
	}{{"", "/", unix.MS_REC | unix.MS_PRIVATE}, {tmp, tmp, unix.MS_BIND | unix.MS_REC}} {
		if err := unix.Mount(mount.source, mount.target, "", mount.flags, ""); err != nil {
			t.Fatalf("mount %s: %v", mount.target, err)
		}
	}
	readOnly(t, "/")
}

// Descriptors holds this process, and all that it starts from then on, to that many open files. Only for an isolated test.
func Descriptors(t *testing.T, most uint64) {
	t.Helper()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
		t.Fatalf("limit the descriptors: %v", err)
	}
}

// Names gives this machine's processes their own names of hosts, in place of /etc/hosts. Only for an isolated test.
func Names(t *testing.T, addresses map[string]string) {
	t.Helper()
	var hosts strings.Builder
	hosts.WriteString("127.0.0.1 localhost\n")
	for name, address := range addresses {
		fmt.Fprintln(&hosts, address, name)
	}
	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, []byte(hosts.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatalf("make the mounts this test's own: %v", err)
	}
	if err := unix.Mount(file, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		t.Fatalf("mount the names of hosts: %v", err)
	}
}

// Start starts a program in root ("" for this test's own) as the working folder dir says, with env and nothing else. Its output goes to
// out. It ends with the test.
func Start(t *testing.T, root, dir string, env []string, out *Output, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, out, out, env
	if env == nil {
		cmd.Env = []string{}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // however
	})
	return cmd
}
