package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dataDir is the folder that keeps what outlives a run. Only one host at a time has it.
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir makes the folder where it is missing and locks it.
func openDataDir(path string) (*dataDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("DATA_DIR: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("DATA_DIR: %w", err)
	}
	// The kernel releases the lock with the process, however it ends; what it started must not inherit it (O_CLOEXEC).
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(lock.Name())
		_ = lock.Close() // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s is in use by process %s: stop that, or set another DATA_DIR", path, strings.TrimSpace(string(holder)))
		}
		return nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	d := &dataDir{path: path, lock: lock}
	if err := errors.Join(lock.Truncate(0), writeAt(lock, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		return nil, errors.Join(fmt.Errorf("DATA_DIR: %w", err), d.close())
	}
	return d, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// close lets others have the folder.
func (d *dataDir) close() error { return d.lock.Close() }

func (d *dataDir) file(name string) string { return filepath.Join(d.path, name) }

// secrets are chosen once for a folder, for its presigned URLs, tickets and retried callbacks outlive a run.
type secrets struct {
	CallbackSecrets string `json:"callbackSecrets"`
	TicketSecret    string `json:"ticketSecret"`
	COSSecretID     string `json:"cosSecretId"`
	COSSecretKey    string `json:"cosSecretKey"`
	RedisPassword   string `json:"redisPassword"`
}

// secrets reads the folder's secrets, and makes those that are missing.
func (d *dataDir) secrets() (secrets, error) {
	var s secrets
	path := d.file("secrets.json")
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("read the secrets: %w", err)
	}
	if err == nil {
		if err := json.Unmarshal(data, &s); err != nil {
			return s, fmt.Errorf("%s is damaged (%w): mend it, or delete it for new secrets", path, err)
		}
	}
	before := s
	key := make([]byte, 32)
	rand.Read(key) // never fails
	choose(&s.CallbackSecrets, "whsec_"+base64.StdEncoding.EncodeToString(key))
	choose(&s.TicketSecret, rand.Text()+rand.Text())
	choose(&s.COSSecretID, "AKID"+rand.Text())
	choose(&s.COSSecretKey, rand.Text()+rand.Text())
	choose(&s.RedisPassword, rand.Text()+rand.Text())
	if s == before {
		return s, nil
	}
	if data, err = json.MarshalIndent(s, "", "  "); err != nil {
		return s, fmt.Errorf("write the secrets: %w", err)
	}
	return s, d.replace("secrets.json", append(data, '\n'))
}

// replace writes a file in one step, so that a full disk or a lost machine leaves the old one or the new one.
func (d *dataDir) replace(name string, data []byte) error {
	f, err := os.CreateTemp(d.path, "."+name+"-")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), d.file(name))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), os.Remove(f.Name()))
	}
	return nil
}

// listenAgain listens on the loopback port that it had under that name in the last run, or on another one where it is
// taken, so that URLs that were given out stay good.
func (d *dataDir) listenAgain(name string) (net.Listener, error) {
	file := name + ".port"
	last, err := os.ReadFile(d.file(file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the last port: %w", err)
	}
	if port := strings.TrimSpace(string(last)); port != "" {
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			return l, nil
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", name, err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := d.replace(file, []byte(port+"\n")); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// choose sets what is not set.
func choose(v *string, value string) {
	if *v == "" {
		*v = value
	}
}
