package cosd

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // COS's ETag and Content-MD5
	"crypto/sha1" //nolint:gosec // COS's x-cos-content-sha1
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
)

// statedBody is a body that is held to what its sender said of it: reading fails with an *apiError where it is cut short,
// over the limit, or at its end where it has another digest.
type statedBody struct {
	body io.Reader
	left int64 // bytes that it may still have
	sums []statedSum
}

type statedSum struct {
	hash.Hash
	want     []byte
	mismatch *apiError
}

// stated reads the digests in h (Content-MD5, x-cos-content-sha1) and holds body to them and to limit bytes.
func stated(body io.Reader, h http.Header, limit int64) (*statedBody, error) {
	b := &statedBody{body: body, left: limit}
	if v := h.Get("Content-Md5"); v != "" {
		want, err := base64.StdEncoding.DecodeString(v)
		if err != nil || len(want) != md5.Size {
			return nil, fault(invalidDigest, "The Content-MD5 is not the base64 of an MD5.")
		}
		b.sums = append(b.sums, statedSum{md5.New(), want, fault(badDigest, "The Content-MD5 is not that of the body.")}) //nolint:gosec // see above
	}
	if v := h.Get("X-Cos-Content-Sha1"); v != "" {
		want, err := hex.DecodeString(v)
		if err != nil || len(want) != sha1.Size {
			return nil, fault(invalidSHA1Digest, "The x-cos-content-sha1 is not the hexadecimal of a SHA-1.")
		}
		b.sums = append(b.sums, statedSum{sha1.New(), want, fault(invalidSHA1Digest, "The x-cos-content-sha1 is not that of the body.")}) //nolint:gosec // see above
	}
	return b, nil
}

func (b *statedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fault(entityTooLarge, "The body is over the size that is allowed.")
	}
	for _, sum := range b.sums {
		sum.Write(p[:n])
	}
	switch {
	case err == nil:
		return n, nil
	case !errors.Is(err, io.EOF):
		return n, &apiError{Code: incompleteBody, Message: "The body ended before its stated length.", Cause: err}
	}
	for _, sum := range b.sums {
		if !bytes.Equal(sum.Sum(nil), sum.want) {
			return n, sum.mismatch
		}
	}
	return n, io.EOF
}

// receive writes the body of an upload to a draft. The caller discards it.
func (s *Server) receive(r *request) (*draft, error) {
	if r.ContentLength > maxObject {
		return nil, fault(entityTooLarge, fmt.Sprintf("The body is over %d bytes.", int64(maxObject)))
	}
	if r.ContentLength <= 0 && r.Header.Get("Content-Length") == "" && len(r.TransferEncoding) == 0 {
		return nil, fault(missingContentLength, "The Content-Length header is missing.")
	}
	content, err := stated(r.Body, r.Header, maxObject)
	if err != nil {
		return nil, err
	}
	return s.store.draft(content)
}
