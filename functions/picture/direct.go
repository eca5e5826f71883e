package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/picturestore"
	"github.com/recon3d/recon3d/shared/task"
)

const (
	// maxDirect is the largest file of the direct route, in bytes.
	maxDirect = 50 << 20
	// putLife is how long the URL for it works.
	putLife = 15 * time.Minute
	// maxJSON bounds the body that announces it.
	maxJSON = 64 << 10
)

type uploadJSON struct {
	ID        string            `json:"id"`
	URL       string            `json:"url"`
	Method    string            `json:"method"`
	Headers   map[string]string `json:"headers"`
	ExpiresAt string            `json:"expiresAt"`
}

// announce answers POST /picture/upload-url.
func (s *server) announce(w http.ResponseWriter, r *http.Request) error {
	if err := httpjson.Limit(w, r, maxJSON); err != nil {
		return err
	}
	user, err := s.users.User(r)
	if err != nil {
		return err
	}
	if _, _, err := httpjson.MediaType(r, "application/json"); err != nil {
		return err
	}
	body, err := httpjson.ReadBody(r)
	if err != nil {
		return err
	}
	u, err := readAnnouncement(body)
	if err != nil {
		return err
	}

	u.User, u.ID = user, task.NewID(user)
	u.Key = picturestore.StagedKey(u.ID)
	if err := s.pictures.Announce(r.Context(), u, putLife); err != nil {
		return err
	}
	url, headers, expires, err := s.objects.PresignPut(r.Context(), u.Key, cosstore.PutOptions{ContentType: u.ContentType, ContentLength: u.Size, Life: putLife})
	if err != nil {
		return err
	}

	httpjson.Write(w, http.StatusCreated, uploadJSON{ID: u.ID, URL: url, Method: http.MethodPut, Headers: headers, ExpiresAt: expires.Format(milliseconds)})
	return nil
}

// readAnnouncement reads what is to be uploaded, and names all that is missing.
func readAnnouncement(body []byte) (picturestore.Upload, error) {
	var in struct {
		Name        *string `json:"name"`
		ContentType *string `json:"contentType"`
		Size        *int64  `json:"size"`
	}
	if err := httpjson.Decode(body, &in); err != nil {
		return picturestore.Upload{}, err
	}
	var wrong []fault.Field
	need := func(ok bool, field, message string) {
		if !ok {
			wrong = append(wrong, fault.Field{Field: field, Message: message})
		}
	}
	need(in.Name != nil && strings.TrimSpace(*in.Name) != "", "name", "must be the file's name")
	need(in.ContentType != nil && *in.ContentType != "", "contentType", "must be the file's type")
	need(in.Size != nil && *in.Size > 0, "size", "must be the file's size in bytes")
	if wrong != nil {
		return picturestore.Upload{}, &fault.Error{Code: fault.ValidationFailed, Fields: wrong}
	}
	if *in.Size > maxDirect {
		return picturestore.Upload{}, fault.New(fault.PayloadTooLarge, fmt.Sprintf("A picture may have at most %d bytes.", maxDirect))
	}
	format, known := formatOf(*in.ContentType)
	if !known {
		return picturestore.Upload{}, unknownType()
	}
	return picturestore.Upload{Name: displayName(*in.Name, format.ext), ContentType: format.contentType, Size: *in.Size}, nil
}

// complete answers POST /picture/{id}/complete.
func (s *server) complete(w http.ResponseWriter, r *http.Request) error {
	user, err := s.users.User(r)
	if err != nil {
		return err
	}
	done, u, err := s.pictures.Find(r.Context(), user, r.PathValue("id"))
	if err != nil {
		return err
	}
	if done != nil {
		return s.created(w, r, *done)
	}

	p, err := s.accept(r.Context(), *u)
	if refused(err) {
		// Another call may have been first, and the staged object be gone since.
		if done, _, findErr := s.pictures.Find(r.Context(), user, u.ID); findErr == nil && done != nil {
			return s.created(w, r, *done)
		}
	}
	if fault.Is(err, fault.ImageInvalid) || fault.Is(err, fault.ImageTooLarge) {
		if err := s.pictures.Discard(r.Context(), *u); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}

	return s.created(w, r, p)
}

// refused tells whether err is about what was uploaded.
func refused(err error) bool {
	switch fault.CodeOf(err) {
	case fault.ObjectMismatch, fault.ImageInvalid, fault.ImageTooLarge, fault.PictureNotFound:
		return true
	}
	return false
}

// accept checks what was put for an upload and makes a picture of just that. Errors beside those of the stores:
// fault.ObjectMismatch, fault.ImageInvalid, fault.ImageTooLarge.
func (s *server) accept(ctx context.Context, u picturestore.Upload) (picturestore.Picture, error) {
	img, sum, etag, err := s.examineStaged(ctx, u)
	if err != nil {
		return picturestore.Picture{}, err
	}
	// The names have the content's hash in them, so that of two calls which found different bytes neither can overwrite the
	// other's object.
	p := picturestore.Picture{
		ID: u.ID, User: u.User, Name: u.Name, ContentType: img.contentType, Size: u.Size,
		Width: img.width, Height: img.height, SHA256: sum, Ext: img.ext,
		Key:          picturestore.ObjectKey(u.User, u.ID, "original-"+sum[:16]+"."+img.ext),
		ThumbnailKey: picturestore.ObjectKey(u.User, u.ID, "thumbnail-"+sum[:16]+"."+img.thumbnailExt()),
	}
	won, recorded, err := s.pictures.Stage(ctx, u.User, u.ID, true, p.Key, p.ThumbnailKey)
	if err != nil || recorded {
		return won, err
	}
	both, putting := errgroup.WithContext(ctx)
	both.Go(func() error {
		return s.objects.Copy(putting, u.Key, p.Key, cosstore.CopyOptions{IfMatch: etag, ContentType: p.ContentType})
	})
	both.Go(func() error { return s.putThumbnail(putting, img, p.ThumbnailKey) })
	if err := both.Wait(); err != nil {
		return picturestore.Picture{}, mismatch(err)
	}
	return s.pictures.Add(ctx, p, true)
}

// examineStaged reads and decodes what was put for an upload, and tells which version of the object that was.
func (s *server) examineStaged(ctx context.Context, u picturestore.Upload) (img picture, sum, etag string, err error) {
	release, err := s.fetching.take(ctx)
	if err != nil {
		return picture{}, "", "", err
	}
	defer release()
	body, info, err := s.objects.Get(ctx, u.Key, cosstore.GetOptions{})
	if err != nil {
		return picture{}, "", "", mismatch(err)
	}
	defer body.Close()
	if info.Size != u.Size {
		return picture{}, "", "", fault.New(fault.ObjectMismatch, fmt.Sprintf("%d bytes were uploaded, %d were announced.", info.Size, u.Size))
	}
	data := make([]byte, u.Size)
	if _, err := io.ReadFull(body, data); err != nil {
		return picture{}, "", "", fmt.Errorf("read %s: %w", u.Key, err)
	}
	img, err = s.examine(ctx, data)
	switch {
	case fault.Is(err, fault.UnsupportedMediaType):
		return picture{}, "", "", &fault.Error{Code: fault.ImageInvalid, Detail: "What was uploaded is no JPEG, PNG or WebP.", Cause: err}
	case err != nil:
		return picture{}, "", "", err
	case img.contentType != u.ContentType:
		return picture{}, "", "", fault.New(fault.ImageInvalid, fmt.Sprintf("What was uploaded is %s, announced was %s.", img.contentType, u.ContentType))
	}
	digest := sha256.Sum256(data)
	return img, hex.EncodeToString(digest[:]), info.ETag, nil
}

// mismatch says in the contract's words that a staged object is not there, or no longer the one that was checked.
func mismatch(err error) error {
	switch {
	case errors.Is(err, cosstore.ErrNotFound):
		return &fault.Error{Code: fault.ObjectMismatch, Detail: "Nothing was uploaded to the URL.", Cause: err}
	case errors.Is(err, cosstore.ErrChanged):
		return &fault.Error{Code: fault.ObjectMismatch, Detail: "Something else was uploaded in the meantime.", Cause: err}
	}
	return err
}
