package cosd

import (
	"bytes"
	"cmp"
	"crypto/md5" //nolint:gosec // COS's ETag
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxParts    = 10000
	minPartSize = 1 << 20 // bytes, of every part but the last
)

// upload is a multipart upload: a folder uploads/{ID} with itself as upload.json and its parts as sealed files.
type upload struct {
	ID        string      `json:"id"`
	Key       string      `json:"key"`
	Initiated time.Time   `json:"initiated"`
	Header    http.Header `json:"header,omitempty"` // of the object to be
}

// uploadedPart is a part as listed.
type uploadedPart struct {
	number int
	attributes
}

var uploadID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// initiate begins an upload.
func (s *store) initiate(key string, header http.Header, now time.Time) (upload, error) {
	u := upload{ID: randomHex(16), Key: key, Initiated: now.UTC(), Header: header}
	about, err := json.Marshal(u)
	if err != nil {
		return u, fmt.Errorf("encode upload of %q: %w", key, err)
	}
	folder := filepath.Join(s.temp, u.ID)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return u, err
	}
	if err := s.describe(folder, about); err != nil {
		return u, errors.Join(fmt.Errorf("begin upload of %q: %w", key, err), os.RemoveAll(folder))
	}
	if err := os.Rename(folder, filepath.Join(s.uploads, u.ID)); err != nil {
		return u, errors.Join(fmt.Errorf("begin upload of %q: %w", key, err), os.RemoveAll(folder))
	}
	return u, syncDir(s.uploads)
}

func (s *store) describe(folder string, about []byte) error {
	d, err := s.draft(bytes.NewReader(about))
	if err != nil {
		return err
	}
	defer d.discard()
	if err := d.file.Sync(); err != nil {
		return err
	}
	return d.publish(filepath.Join(folder, "upload.json"))
}

// upload finds the upload of that id and key.
func (s *store) upload(id, key string) (upload, error) {
	if !uploadID.MatchString(id) {
		return upload{}, errNoSuchUpload()
	}
	u, err := s.readUpload(id)
	if errors.Is(err, fs.ErrNotExist) || err == nil && u.Key != key {
		return upload{}, errNoSuchUpload()
	}
	return u, err
}

func errNoSuchUpload() error {
	return fault(noSuchUpload, "The specified multipart upload does not exist.")
}

func (s *store) readUpload(id string) (u upload, err error) {
	about, err := os.ReadFile(filepath.Join(s.uploads, id, "upload.json"))
	if err != nil {
		return u, err
	}
	if err := json.Unmarshal(about, &u); err != nil {
		return u, fmt.Errorf("read upload %s: %w", id, err)
	}
	return u, nil
}

// listUploads tells all uploads, by key, then by id.
func (s *store) listUploads() ([]upload, error) {
	entries, err := os.ReadDir(s.uploads)
	if err != nil {
		return nil, err
	}
	var uploads []upload
	for _, entry := range entries {
		u, err := s.readUpload(entry.Name())
		if errors.Is(err, fs.ErrNotExist) { // completed or aborted meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		uploads = append(uploads, u)
	}
	slices.SortFunc(uploads, func(a, b upload) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.ID, b.ID)) })
	return uploads, nil
}

func (s *store) partPath(u upload, number int) string {
	return filepath.Join(s.uploads, u.ID, fmt.Sprintf("part-%05d", number))
}

// putPart makes d a part of u, in place of an earlier one of that number.
func (s *store) putPart(u upload, number int, d *draft, a attributes) error {
	if err := d.seal(a); err != nil {
		return err
	}
	err := d.publish(s.partPath(u, number))
	if errors.Is(err, fs.ErrNotExist) { // completed or aborted meanwhile
		return errNoSuchUpload()
	}
	return err
}

// parts tells what was uploaded, by number.
func (s *store) parts(u upload) ([]uploadedPart, error) {
	paths, err := filepath.Glob(filepath.Join(s.uploads, u.ID, "part-*"))
	if err != nil {
		return nil, err
	}
	var parts []uploadedPart
	for _, path := range paths { // Glob sorts them, and so does the number's fixed width
		number, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(path), "part-"))
		if err != nil {
			return nil, fmt.Errorf("part of upload %s: %w", u.ID, err)
		}
		file, err := openSealed(path)
		if errors.Is(err, fs.ErrNotExist) { // completed or aborted meanwhile
			return nil, errNoSuchUpload()
		}
		if err != nil {
			return nil, err
		}
		file.close()
		parts = append(parts, uploadedPart{number, file.attributes})
	}
	return parts, nil
}

// complete joins the wanted parts to the object and ends the upload.
func (s *store) complete(u upload, want []wantedPart, ifAbsent bool, now time.Time) (attributes, error) {
	d, err := s.newDraft()
	if err != nil {
		return attributes{}, err
	}
	defer d.discard()
	digests := md5.New() //nolint:gosec // COS's ETag
	for i, w := range want {
		if i > 0 && w.PartNumber <= want[i-1].PartNumber {
			return attributes{}, fault(invalidPartOrder, "The parts are not in ascending order.")
		}
		digest, err := s.join(d, u, w, i == len(want)-1)
		if err != nil {
			return attributes{}, err
		}
		digests.Write(digest)
	}
	a := d.attributes(u.Key, u.Header, now)
	a.ETag = fmt.Sprintf("%x-%d", digests.Sum(nil), len(want))
	if err := s.put(d, a, ifAbsent); err != nil {
		return attributes{}, err
	}
	return a, s.endUpload(u)
}

// join appends the wanted part to d and tells its MD5. Part and ETag are checked on what is read, for another client may
// replace it at any time.
func (s *store) join(d *draft, u upload, want wantedPart, last bool) (digest []byte, err error) {
	part, err := openSealed(s.partPath(u, want.PartNumber))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault(invalidPart, fmt.Sprintf("Part %d was not uploaded.", want.PartNumber))
	}
	if err != nil {
		return nil, err
	}
	defer part.close()
	if part.ETag != strings.Trim(want.ETag, `"`) {
		return nil, fault(invalidPart, fmt.Sprintf("Part %d has another ETag.", want.PartNumber))
	}
	if part.Size < minPartSize && !last {
		return nil, fault(entityTooSmall, fmt.Sprintf("Part %d is under %d bytes.", want.PartNumber, minPartSize))
	}
	if _, err := io.Copy(d, part.content()); err != nil {
		return nil, fmt.Errorf("join part %d of upload %s: %w", want.PartNumber, u.ID, err)
	}
	return hex.DecodeString(part.ETag)
}

// endUpload removes an upload and its parts. It is moved away first, so that a part that arrives meanwhile finds none.
func (s *store) endUpload(u upload) error {
	away := filepath.Join(s.temp, "ended-"+randomHex(8))
	err := os.Rename(filepath.Join(s.uploads, u.ID), away)
	if errors.Is(err, fs.ErrNotExist) {
		return errNoSuchUpload()
	}
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(away), syncDir(s.uploads))
}
