package cosd

import (
	"crypto/md5" //nolint:gosec // COS's ETag
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// An object (and a part of one) is a sealed file:
//
//	content | attributes as JSON | their length, 8 bytes big endian | magic, 8 bytes
//
// The attributes come last so that content of unknown size and digest can be streamed in. Being one file, content and
// attributes can't disagree: a rename publishes both, and who has it open reads on in what they opened.
const (
	magic      = "cosd v1\n"
	footerSize = 8 + len(magic)
)

// attributes are what is known of an object or part.
type attributes struct {
	Key      string      `json:"key"`
	Size     int64       `json:"size"` // bytes of content
	ETag     string      `json:"etag"` // without the quotes
	CRC64    uint64      `json:"crc64,string"`
	Modified time.Time   `json:"modified"`
	Header   http.Header `json:"header,omitempty"` // what COS keeps of the upload's headers
}

// draft is content on its way into the store: a temporary file and what was computed while it was written.
type draft struct {
	file *os.File
	size int64
	md5  hash.Hash
	crc  hash.Hash64
	kept bool // renamed to where it belongs
}

// draft writes content to a temporary file. The caller discards it.
func (s *store) draft(content io.Reader) (*draft, error) {
	d, err := s.newDraft()
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(d, content); err != nil {
		d.discard()
		return nil, fmt.Errorf("write content: %w", err)
	}
	return d, nil
}

func (s *store) newDraft() (*draft, error) {
	file, err := os.CreateTemp(s.temp, "draft-")
	if err != nil {
		return nil, err
	}
	return &draft{file: file, md5: md5.New(), crc: crc64.New(crc64.MakeTable(crc64.ECMA))}, nil //nolint:gosec // see above
}

func (d *draft) Write(p []byte) (int, error) {
	n, err := d.file.Write(p)
	d.size += int64(n)
	d.md5.Write(p[:n])
	d.crc.Write(p[:n])
	return n, err
}

// attributes of the content as it is, with the ETag of a simple upload.
func (d *draft) attributes(key string, header http.Header, now time.Time) attributes {
	return attributes{
		Key: key, Size: d.size, ETag: fmt.Sprintf("%x", d.md5.Sum(nil)), CRC64: d.crc.Sum64(), Modified: now.UTC(), Header: header,
	}
}

// seal appends the attributes and brings everything to the disk. After it the file is ready to be renamed.
func (d *draft) seal(a attributes) error {
	tail, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode attributes of %q: %w", a.Key, err)
	}
	tail = binary.BigEndian.AppendUint64(tail, uint64(len(tail)))
	tail = append(tail, magic...)
	if _, err := d.file.Write(tail); err != nil {
		return fmt.Errorf("write attributes of %q: %w", a.Key, err)
	}
	return d.file.Sync()
}

// rename puts the draft where it belongs, in place of what was there. syncDir of the folder makes that last.
func (d *draft) rename(path string) error {
	if err := os.Rename(d.file.Name(), path); err != nil {
		return err
	}
	d.kept = true
	return nil
}

func (d *draft) publish(path string) error {
	if err := d.rename(path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// discard closes the draft, and removes it unless it was renamed. What can't be removed goes when the store is next opened.
func (d *draft) discard() {
	_ = d.file.Close() // its content was synced, or is not wanted
	if !d.kept {
		_ = os.Remove(d.file.Name())
	}
}

// sealed is a sealed file, open at the start of its content.
type sealed struct {
	attributes
	file *os.File
}

// openSealed opens the sealed file at path. Its error is fs.ErrNotExist where there is none.
func openSealed(path string) (*sealed, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	a, err := readAttributes(file)
	if err != nil {
		_ = file.Close() // was only read
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return &sealed{a, file}, nil
}

// content reads the content from where the file stands.
func (f *sealed) content() io.Reader { return io.LimitReader(f.file, f.Size) }

func (f *sealed) close() { _ = f.file.Close() } // was only read

func readAttributes(file *os.File) (a attributes, err error) {
	info, err := file.Stat()
	if err != nil {
		return a, err
	}
	var footer [footerSize]byte
	if _, err := file.ReadAt(footer[:], info.Size()-int64(footerSize)); err != nil {
		return a, fmt.Errorf("read footer: %w", err)
	}
	length := int64(binary.BigEndian.Uint64(footer[:8]))
	end := info.Size() - int64(footerSize)
	if string(footer[8:]) != magic || length < 0 || length > end {
		return a, errors.New("no footer")
	}
	tail := make([]byte, length)
	if _, err := file.ReadAt(tail, end-length); err != nil {
		return a, fmt.Errorf("read attributes: %w", err)
	}
	if err := json.Unmarshal(tail, &a); err != nil {
		return a, fmt.Errorf("decode attributes: %w", err)
	}
	if a.Size != end-length {
		return a, fmt.Errorf("content is %d bytes, should be %d", end-length, a.Size)
	}
	return a, nil
}

// syncDir makes renames and removals in a folder outlive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
