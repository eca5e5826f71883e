package cosd

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// store keeps objects in a folder:
//
//	objects/{SHA-256 of the key}   sealed files
//	uploads/{id}/                  multipart uploads (upload.go)
//	temp/                          what is being written; emptied when the store is opened
//
// Files are named by a hash, for keys are longer than file names may be, and `a`, `a/b` and `a/../b` are three objects.
// The sorted keys, which lists need, are held in memory and read from the files at start.
type store struct {
	objects, uploads, temp string

	mu    sync.RWMutex // held for a rename or removal together with the change of what follows
	keys  []string     // in byte order
	known map[string]attributes
}

func openStore(dir string, log *slog.Logger) (*store, error) {
	s := &store{
		objects: filepath.Join(dir, "objects"),
		uploads: filepath.Join(dir, "uploads"),
		temp:    filepath.Join(dir, "temp"),
		known:   map[string]attributes{},
	}
	if err := os.RemoveAll(s.temp); err != nil {
		return nil, err
	}
	for _, d := range []string{s.objects, s.uploads, s.temp} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	entries, err := os.ReadDir(s.objects)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		obj, err := openSealed(filepath.Join(s.objects, entry.Name()))
		if err != nil {
			log.Error("object left out", "error", err) // its key answers 500 until it is written anew
			continue
		}
		obj.close()
		s.known[obj.Key] = obj.attributes
		s.keys = append(s.keys, obj.Key)
	}
	slices.Sort(s.keys)
	return s, nil
}

func (s *store) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(s.objects, hex.EncodeToString(sum[:]))
}

// open opens an object. Whatever happens to its key meanwhile, the caller reads what was there now. The caller closes it.
func (s *store) open(key string) (*sealed, error) {
	obj, err := openSealed(s.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault(noSuchKey, "The specified key does not exist.")
	}
	return obj, err
}

// put makes d the object a.Key, unless ifAbsent is set and there is one.
func (s *store) put(d *draft, a attributes, ifAbsent bool) error {
	if err := d.seal(a); err != nil {
		return err
	}
	if err := s.replace(d, a, ifAbsent); err != nil {
		return err
	}
	return syncDir(s.objects)
}

func (s *store) replace(d *draft, a attributes, ifAbsent bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, found := slices.BinarySearch(s.keys, a.Key)
	if found && ifAbsent {
		return fault(fileAlreadyExists, "There is an object of this key, and x-cos-forbid-overwrite is set.")
	}
	if err := d.rename(s.path(a.Key)); err != nil {
		return fmt.Errorf("put %q: %w", a.Key, err)
	}
	if !found {
		s.keys = slices.Insert(s.keys, at, a.Key)
	}
	s.known[a.Key] = a
	return nil
}

// delete removes an object, if there is one.
func (s *store) delete(key string) error {
	if err := s.remove(key); err != nil {
		return fmt.Errorf("delete %q: %w", key, err)
	}
	return syncDir(s.objects)
}

func (s *store) remove(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Remove(s.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if at, found := slices.BinarySearch(s.keys, key); found {
		s.keys = slices.Delete(s.keys, at, at+1)
		delete(s.known, key)
	}
	return nil
}

// listing asks for at most limit keys that start with prefix and come after the marker. Keys that have the delimiter
// behind the prefix are told as one common prefix, up to and with the delimiter.
type listing struct {
	prefix, delimiter, marker string
	limit                     int
}

// page is an answer to a listing.
type page struct {
	objects  []attributes
	prefixes []string
	next     string // the marker of the next page; "" where this is the last
}

func (s *store) list(q listing) page {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var p page
	last := ""
	i, _ := slices.BinarySearch(s.keys, max(q.prefix, q.marker))
	for i < len(s.keys) && strings.HasPrefix(s.keys[i], q.prefix) {
		key, common := s.keys[i], ""
		if at := strings.Index(key[len(q.prefix):], q.delimiter); q.delimiter != "" && at >= 0 {
			common = key[:len(q.prefix)+at+len(q.delimiter)]
		}
		switch {
		case key == q.marker:
			i++
		case common != "" && common == q.marker: // told on the page before
			i = s.behind(i, common)
		case len(p.objects)+len(p.prefixes) == q.limit:
			p.next = last
			return p
		case common != "":
			p.prefixes = append(p.prefixes, common)
			last = common
			i = s.behind(i, common)
		default:
			p.objects = append(p.objects, s.known[key])
			last = key
			i++
		}
	}
	return p
}

// behind finds the first key from i on that does not start with prefix; that at i does.
func (s *store) behind(i int, prefix string) int {
	n, _ := slices.BinarySearchFunc(s.keys[i:], prefix, func(key, prefix string) int {
		if strings.HasPrefix(key, prefix) {
			return -1
		}
		return 1
	})
	return i + n
}
