package docs

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-redis/redis/v8"
	"github.com/google/go-cmp/cmp"

	"github.com/recon3d/recon3d/infra/local/supervise"
	"github.com/recon3d/recon3d/shared/redisdb/redistest"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/taskstore/tasktest"
)

// commands are those of a block of the guide: ```sh name
func commands(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile("operations.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```sh " + name + "\n(.*?)```").FindSubmatch(page)
	if m == nil {
		t.Fatalf("operations.md has no commands named %s", name)
	}
	return string(m[1])
}

// run runs commands as a person would, who stops at the first that fails.
func run(t *testing.T, script string, env ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-eu", "-o", "pipefail", "-c", script)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
}

// everything is all that is in a Redis, by key.
func everything(t *testing.T, rdb *redis.Client) map[string]string {
	t.Helper()
	ctx := context.Background()
	all := map[string]string{}
	for keys := rdb.Scan(ctx, 0, "*", 1000).Iterator(); keys.Next(ctx); {
		dump, err := rdb.Dump(ctx, keys.Val()).Result()
		if err != nil {
			t.Fatal(err)
		}
		all[keys.Val()] = dump
	}
	return all
}

// The guide's own commands: a backup of a Redis in use, restored into another, on which its tasks go on.
func TestABackupIsRestored(t *testing.T) {
	backup, restored := t.TempDir(), t.TempDir()
	from := redistest.Start(t)
	old := from.Client()
	defer old.Close()
	store := taskstore.New(old, tasktest.Policy)
	claim := tasktest.Processing(t, old, store, "ann")
	tasktest.Create(t, old, store, "bob", 0)
	before := everything(t, old)

	const password = "of-the-managed-one" // who is connected stays so
	if err := old.ConfigSet(t.Context(), "requirepass", password).Err(); err != nil {
		t.Fatal(err)
	}
	host, at, err := net.SplitHostPort(strings.TrimPrefix(from.URL, "redis://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("REDISCLI_AUTH", password)
	run(t, commands(t, "backup"), "REDIS_HOST="+host, "REDIS_PORT="+at, "BACKUP="+backup)
	tasktest.Create(t, old, store, "cem", 0) // what comes after it is lost
	port := freePort(t)
	t.Cleanup(func() { kill(t, filepath.Join(restored, "redis.pid")) }) // where the commands did not get to their end
	run(t, commands(t, "restore"), "BACKUP="+backup, "NEW="+restored, "PORT="+port)

	to := redistest.Start(t, "--dir", restored, "--appendonly", "yes")
	rdb := to.Client()
	defer rdb.Close()
	if diff := cmp.Diff(before, everything(t, rdb)); diff != "" {
		t.Fatal(diff)
	}
	attempt := claim.Attempt
	status, changed, err := taskstore.New(rdb, tasktest.Policy).Report(t.Context(), taskstore.Report{TaskID: claim.TaskID, Attempt: &attempt, Said: "completed"})
	if err != nil || !changed || status != task.Completed {
		t.Errorf("its worker says completed: %s, %t, %v", status, changed, err)
	}
}

// freePort is a port of this test's.
func freePort(t *testing.T) string {
	t.Helper()
	port, release, err := supervise.ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return strconv.Itoa(port)
}

// kill ends the process whose id is in a file, if there is one.
func kill(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return // it has ended, and taken the file away
	}
	if err != nil {
		t.Error(err)
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Error(err)
		return
	}
	_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
}
