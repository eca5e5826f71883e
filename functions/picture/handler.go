package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/picturestore"
)

// uploadConfig is about uploads by form.
type uploadConfig struct {
	// MaxBytes is the largest file, such that its request fits the platform's 6 MB.
	MaxBytes int64 `env:"UPLOAD_MAX_BYTES" envDefault:"5242880"`
}

func (c *uploadConfig) Validate() error {
	if c.MaxBytes < 1 {
		return errors.New("UPLOAD_MAX_BYTES: is not positive")
	}
	return nil
}

type server struct {
	users    *auth.Authenticator
	pictures *picturestore.Store
	objects  *cosstore.Store
	upload   uploadConfig
	decoding slot // one picture is decoded at a time, for that takes most of the memory
	fetching slot // one large file is held in memory at a time
}

func newServer(users *auth.Authenticator, pictures *picturestore.Store, objects *cosstore.Store, upload uploadConfig) *server {
	return &server{users: users, pictures: pictures, objects: objects, upload: upload, decoding: make(slot, 1), fetching: make(slot, 1)}
}

func (s *server) handler(c httpjson.Config) http.Handler {
	return httpjson.Handler(httpjson.Routes{
		"/picture/upload":        {http.MethodPost: s.take},
		"/picture/upload-url":    {http.MethodPost: s.announce},
		"/picture/{id}/complete": {http.MethodPost: s.complete},
		"/picture/{id}":          {http.MethodGet: s.show, http.MethodDelete: s.remove},
		"/picture/list/page":     {http.MethodGet: s.list},
	}, c)
}

// pictureJSON is a picture as its user sees it. Its URLs are signed when it is made.
type pictureJSON struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	ContentType  string `json:"contentType"`
	Size         int64  `json:"size"`
	Width        int    `json:"width"`
	Height       int    `json:"height"`
	SHA256       string `json:"sha256"`
	URL          string `json:"url"`
	ThumbnailURL string `json:"thumbnailUrl"`
	CreatedAt    string `json:"createdAt"`
}

// milliseconds is the form of every time in an answer: RFC 3339, in UTC.
const milliseconds = "2006-01-02T15:04:05.000Z"

func (s *server) present(ctx context.Context, p picturestore.Picture) (pictureJSON, error) {
	// The type is signed, too: the file's bytes are its user's, and a URL of it may not be made one of a page.
	url, err := s.objects.PresignGet(ctx, p.Key, cosstore.GetOptions{ContentType: p.ContentType})
	if err != nil {
		return pictureJSON{}, err
	}
	thumbnailURL, err := s.objects.PresignGet(ctx, p.ThumbnailKey, cosstore.GetOptions{})
	if err != nil {
		return pictureJSON{}, err
	}
	return pictureJSON{
		ID: p.ID, Name: p.Name, ContentType: p.ContentType, Size: p.Size, Width: p.Width, Height: p.Height, SHA256: p.SHA256,
		URL: url, ThumbnailURL: thumbnailURL, CreatedAt: p.CreatedAt.Format(milliseconds),
	}, nil
}

// created answers with a picture that now exists.
func (s *server) created(w http.ResponseWriter, r *http.Request, p picturestore.Picture) error {
	body, err := s.present(r.Context(), p)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/picture/"+p.ID)
	httpjson.Write(w, http.StatusCreated, body)
	return nil
}

// slot is room for one at a time.
type slot chan struct{}

// take waits for the slot, no longer than ctx, and tells how to give it back.
func (s slot) take(ctx context.Context) (release func(), err error) {
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
