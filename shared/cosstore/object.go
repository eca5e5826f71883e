package cosstore

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/shared/fault"
)

// Info is what COS knows of an object.
type Info struct {
	Size        int64 // bytes of the whole object, whatever part of it was asked for
	ContentType string
	ETag        string // names this version of the object; quoted, as IfMatch wants it
}

// PutOptions are those of Put and PresignPut.
type PutOptions struct {
	ContentType string
	// ContentLength and Life are for PresignPut: the exact size of what may be put, in bytes, and how long the URL works.
	ContentLength int64
	Life          time.Duration
}

// Put stores body under key, in place of what was there. The SDK compares COS's CRC64 with its own.
func (s *Store) Put(ctx context.Context, key string, body []byte, o PutOptions) error {
	limit := quick + perMiB*time.Duration(len(body)>>20)
	return retry(ctx, limit, "put", key, func(ctx context.Context) error {
		_, err := s.client.Object.Put(ctx, key, bytes.NewReader(body), &cos.ObjectPutOptions{
			ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{ContentType: o.ContentType},
		})
		return err
	})
}

// Head tells what COS knows of an object.
func (s *Store) Head(ctx context.Context, key string) (Info, error) {
	var info Info
	err := retry(ctx, quick, "head", key, func(ctx context.Context) error {
		resp, err := s.client.Object.Head(ctx, key, nil)
		if err != nil {
			return err
		}
		info, err = infoOf(resp.Response)
		return err
	})
	return info, err
}

// CopyOptions are those of Copy.
type CopyOptions struct {
	IfMatch     string // only the version with this ETag, else ErrChanged
	ContentType string // of the copy; empty: the source's
}

// Copy makes dst from src within COS, of at most 5 GB. ErrNotFound and ErrChanged are about src.
func (s *Store) Copy(ctx context.Context, src, dst string, o CopyOptions) error {
	header := &cos.ObjectCopyHeaderOptions{XCosCopySourceIfMatch: o.IfMatch}
	if o.ContentType != "" {
		header.XCosMetadataDirective, header.ContentType = "Replaced", o.ContentType
	}
	return retry(ctx, copying, "copy", src+" to "+dst, func(ctx context.Context) error {
		_, _, err := s.client.Object.Copy(ctx, dst, s.bucket.Host+"/"+src, &cos.ObjectCopyOptions{ObjectCopyHeaderOptions: header})
		return err
	})
}

// Delete removes an object. One that is not there is fine.
func (s *Store) Delete(ctx context.Context, key string) error {
	return retry(ctx, quick, "delete", key, func(ctx context.Context) error {
		_, err := s.client.Object.Delete(ctx, key)
		if notFound(err) {
			return nil
		}
		return err
	})
}

// batch is how many objects COS deletes in one request.
const batch = 1000

// DeleteMany removes objects. Ones that are not there are fine. The error names the first of those that could not be removed.
func (s *Store) DeleteMany(ctx context.Context, keys []string) error {
	for len(keys) > 0 {
		n := min(batch, len(keys))
		objects := make([]cos.Object, n)
		for i, key := range keys[:n] {
			objects[i].Key = key
		}
		var result *cos.ObjectDeleteMultiResult
		err := retry(ctx, 2*quick, "delete", fmt.Sprintf("%d objects", n), func(ctx context.Context) (err error) {
			result, _, err = s.client.Object.DeleteMulti(ctx, &cos.ObjectDeleteMultiOptions{Quiet: true, Objects: objects})
			return err
		})
		if err != nil {
			return err
		}
		for _, e := range result.Errors {
			if e.Code != codeNotFound {
				cause := fmt.Errorf("delete %s: %s %s; %d of %d failed", e.Key, e.Code, e.Message, len(result.Errors), n)
				return fault.Away("The object storage", cause)
			}
		}
		keys = keys[n:]
	}
	return nil
}

// infoOf reads the header of COS's answer to HEAD or GET.
func infoOf(r *http.Response) (Info, error) {
	info := Info{ContentType: r.Header.Get("Content-Type"), ETag: r.Header.Get("ETag")}
	size := r.Header.Get("Content-Length")
	if r.StatusCode == http.StatusPartialContent {
		_, size, _ = strings.Cut(r.Header.Get("Content-Range"), "/")
	}
	var err error
	if info.Size, err = strconv.ParseInt(size, 10, 64); err != nil || info.Size < 0 {
		return Info{}, fmt.Errorf("the answer does not tell the object's size: %q", size)
	}
	return info, nil
}
