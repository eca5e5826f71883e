package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"unicode"

	"golang.org/x/sync/errgroup"

	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/picturestore"
	"github.com/recon3d/recon3d/shared/task"
)

// envelope is how much the form may add to its file: boundaries and headers.
const envelope = 64 << 10

// file is an image that came in, before anything is known of it.
type file struct {
	name   string // as sent
	data   []byte
	sha256 string
}

// take answers POST /picture/upload.
func (s *server) take(w http.ResponseWriter, r *http.Request) error {
	if err := httpjson.Limit(w, r, s.upload.MaxBytes+envelope); err != nil {
		return s.overLimit(err)
	}
	user, err := s.users.User(r)
	if err != nil {
		return err
	}
	_, params, err := httpjson.MediaType(r, "multipart/form-data")
	if err != nil {
		return err
	}
	f, err := s.readForm(r, params["boundary"])
	if err != nil {
		return s.overLimit(err)
	}
	img, err := s.examine(r.Context(), f.data)
	if err != nil {
		return err
	}

	id := task.NewID(user)
	p := picturestore.Picture{
		ID: id, User: user, Name: displayName(f.name, img.ext), ContentType: img.contentType, Size: int64(len(f.data)),
		Width: img.width, Height: img.height, SHA256: f.sha256, Ext: img.ext,
		Key: picturestore.ObjectKey(user, id, "original."+img.ext), ThumbnailKey: picturestore.ObjectKey(user, id, "thumbnail."+img.thumbnailExt()),
	}
	if _, _, err := s.pictures.Stage(r.Context(), user, id, false, p.Key, p.ThumbnailKey); err != nil {
		return err
	}
	both, ctx := errgroup.WithContext(r.Context())
	both.Go(func() error {
		return s.objects.Put(ctx, p.Key, f.data, cosstore.PutOptions{ContentType: p.ContentType})
	})
	both.Go(func() error { return s.putThumbnail(ctx, img, p.ThumbnailKey) })
	if err := both.Wait(); err != nil {
		return err
	}
	if p, err = s.pictures.Add(r.Context(), p, false); err != nil {
		return err
	}

	return s.created(w, r, p)
}

// overLimit names the limit of the file where a body is over its own.
func (s *server) overLimit(err error) error {
	var tooBig *http.MaxBytesError
	if fault.Is(err, fault.PayloadTooLarge) || errors.As(err, &tooBig) {
		return httpjson.TooLarge(s.upload.MaxBytes)
	}
	return err
}

// readForm reads the form's one part, which has to be a file. Errors: fault.BadRequest for what is no form,
// fault.ValidationFailed for other parts, fault.PayloadTooLarge, *http.MaxBytesError.
func (s *server) readForm(r *http.Request, boundary string) (file, error) {
	if boundary == "" {
		return file{}, fault.New(fault.BadRequest, "The Content-Type has no boundary.")
	}
	var f file
	var parts, files int
	form := multipart.NewReader(r.Body, boundary)
	for {
		part, err := form.NextPart()
		if err == io.EOF { //nolint:errorlint // a body that ends in the middle of the form is io.EOF too, wrapped
			break
		}
		if err != nil {
			return file{}, unreadable(err)
		}
		parts++
		if part.FormName() == "file" {
			files++
		}
		if part.FormName() == "file" && files == 1 {
			if f, err = s.readFile(part, r.ContentLength); err != nil {
				return file{}, err
			}
		} else if _, err := io.Copy(io.Discard, part); err != nil {
			return file{}, unreadable(err)
		}
	}
	if parts != 1 || files != 1 {
		return file{}, fault.Invalid("file", "must be the one part of the form")
	}
	return f, nil
}

// unreadable makes the fault of a form that can't be parsed. A body over its limit stays what it is.
func unreadable(err error) error {
	var tooBig *http.MaxBytesError
	if errors.As(err, &tooBig) {
		return err
	}
	return &fault.Error{Code: fault.BadRequest, Detail: "The form can't be parsed.", Cause: err}
}

// readFile reads one part, of a body of at most contentLength bytes (-1: unknown), and hashes it on the way.
func (s *server) readFile(part *multipart.Part, contentLength int64) (file, error) {
	var data bytes.Buffer
	data.Grow(int(max(0, min(contentLength, s.upload.MaxBytes))) + bytes.MinRead)
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(&data, hash), io.LimitReader(part, s.upload.MaxBytes+1))
	if err != nil {
		return file{}, unreadable(err)
	}
	if n > s.upload.MaxBytes {
		return file{}, httpjson.TooLarge(s.upload.MaxBytes)
	}
	return file{name: part.FileName(), data: data.Bytes(), sha256: hex.EncodeToString(hash.Sum(nil))}, nil
}

// maxName is the longest name that is kept, in characters.
const maxName = 255

// displayName makes a name that can be shown anywhere of what a client sent: the last element of its path, without control
// characters, never empty.
func displayName(sent, ext string) string {
	name := strings.ToValidUTF8(sent, "�")
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) {
			return -1
		}
		return c
	}, name))
	if runes := []rune(name); len(runes) > maxName {
		name = strings.TrimSpace(string(runes[:maxName]))
	}
	if strings.Trim(name, ".") == "" {
		return fmt.Sprintf("picture.%s", ext)
	}
	return name
}
