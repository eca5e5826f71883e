package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"time"
)

// DirectFrom is the size in bytes over which a picture goes to the object storage directly: a request that carries it would
// be over the platform's 6 MB.
const DirectFrom = 5 << 20

// Picture is an uploaded picture.
type Picture struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	ContentType  string    `json:"contentType"`
	Size         int64     `json:"size"`
	Width        int       `json:"width"`
	Height       int       `json:"height"`
	SHA256       string    `json:"sha256"`
	URL          string    `json:"url"`
	ThumbnailURL string    `json:"thumbnailUrl"`
	CreatedAt    time.Time `json:"createdAt"`
}

// Upload uploads a picture, by the direct route where it is large. The error is a *Problem where the API refuses it.
func (c *Client) Upload(ctx context.Context, name string, data []byte) (Picture, error) {
	if len(data) > DirectFrom {
		return c.uploadDirect(ctx, name, data)
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return Picture{}, fmt.Errorf("make the upload form: %w", err)
	}
	var p Picture
	r := request{method: "POST", path: "/picture/upload", header: http.Header{"Content-Type": {w.FormDataContentType()}}, body: form.Bytes()}
	return p, c.call(ctx, r, &p)
}

// uploadDirect asks for a presigned URL, puts the picture there and has it checked.
func (c *Client) uploadDirect(ctx context.Context, name string, data []byte) (Picture, error) {
	ask, err := jsonRequest("POST", "/picture/upload-url", map[string]any{"name": name, "contentType": http.DetectContentType(data), "size": len(data)})
	if err != nil {
		return Picture{}, err
	}
	var grant struct {
		ID, URL, Method string
		Headers         map[string]string
	}
	if err := c.call(ctx, ask, &grant); err != nil {
		return Picture{}, err
	}
	put := request{method: grant.Method, path: grant.URL, header: http.Header{}, body: data}
	for key, value := range grant.Headers {
		put.header.Set(key, value)
	}
	if err := c.call(ctx, put, nil); err != nil {
		return Picture{}, fmt.Errorf("put the picture into the object storage: %w", err)
	}
	var p Picture
	return p, c.call(ctx, request{method: "POST", path: "/picture/" + url.PathEscape(grant.ID) + "/complete"}, &p)
}

// fetch downloads what a presigned URL leads to, at most limit bytes.
func (c *Client) fetch(ctx context.Context, address string, limit int64, w io.Writer) (int64, error) {
	res, err := c.send(ctx, request{method: "GET", path: address})
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	return io.Copy(w, io.LimitReader(res.Body, limit))
}
