package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func opened(t *testing.T, path string) *dataDir {
	t.Helper()
	d, err := openDataDir(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOneHostAFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	d := opened(t, path)
	_, err := openDataDir(path)
	if want := fmt.Sprintf("%s is in use by process %d: stop that, or set another DATA_DIR", path, os.Getpid()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	if err := opened(t, path).close(); err != nil {
		t.Error(err)
	}
}

func TestSecretsAreKept(t *testing.T) {
	d := opened(t, t.TempDir())
	defer d.close()
	first, err := d.secrets()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := d.secrets(); again != first || err != nil {
		t.Errorf("other secrets the second time: %v", err)
	}
	if info, err := os.Stat(d.file("secrets.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if !strings.HasPrefix(first.CallbackSecrets, "whsec_") || len(first.TicketSecret) < 32 || first.COSSecretID == "" || first.COSSecretKey == "" || first.RedisPassword == "" {
		t.Errorf("weak or missing: %+v", first)
	}

	// One that is missing is made, the others stay.
	if err := os.WriteFile(d.file("secrets.json"), []byte(`{"ticketSecret":"mine"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := d.secrets(); s.TicketSecret != "mine" || s.COSSecretID == "" || err != nil {
		t.Errorf("got %+v, %v", s, err)
	}
	if err := os.WriteFile(d.file("secrets.json"), []byte(`{"ticketSec`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.secrets(); err == nil || !strings.Contains(err.Error(), "secrets.json is damaged") {
		t.Errorf("got %v", err)
	}
}

func TestThePortStays(t *testing.T) {
	d := opened(t, t.TempDir())
	defer d.close()
	listen := func() net.Listener {
		t.Helper()
		l, err := d.listenAgain("cos")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	first := listen()
	other := listen() // the port is taken
	if first.Addr().String() == other.Addr().String() {
		t.Error("one port twice")
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	again := listen()
	if again.Addr().String() != other.Addr().String() {
		t.Errorf("got %s, want the last one, %s", again.Addr(), other.Addr())
	}
	_, _ = first.Close(), again.Close()
	if err := os.WriteFile(d.file("cos.port"), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = listen().Close()
}
