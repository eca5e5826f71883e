package cosstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/shared/fault"
)

// GetOptions are those of Get and PresignGet.
type GetOptions struct {
	First       int64  // of Get: only the first so many bytes, where positive
	IfMatch     string // of Get: only the version with this ETag, else ErrChanged
	Filename    string // the answer is a download under this name
	ContentType string // the answer is of this type, whatever the object's is
}

// Get opens an object. The caller closes body; ctx bounds reading it. A read that fails before the end of the object is
// fault.Unavailable or ctx's error, never io.EOF; so is that of its last bytes where the whole is not what COS says that it keeps.
func (s *Store) Get(ctx context.Context, key string, o GetOptions) (io.ReadCloser, Info, error) {
	options := &cos.ObjectGetOptions{ResponseContentDisposition: disposition(o.Filename), ResponseContentType: o.ContentType}
	if o.First > 0 {
		options.Range = fmt.Sprintf("bytes=0-%d", o.First-1)
	}
	if o.IfMatch != "" {
		options.XOptionHeader = &http.Header{"If-Match": {o.IfMatch}}
	}
	var body io.ReadCloser
	var info Info
	err := retry(ctx, quick, "get", key, func(try context.Context) error {
		// The time limit of a try ends where its body begins: that is as long as the caller lets it be.
		opened, abandon := context.WithCancel(ctx)
		stop := context.AfterFunc(try, abandon)
		resp, err := s.client.Object.Get(opened, key, options)
		if err == nil {
			info, err = infoOf(resp.Response)
			body = &objectBody{ReadCloser: resp.Body, ctx: ctx, abandon: abandon, sum: sumOf(resp.Response)}
		}
		if !stop() && err == nil {
			err = try.Err()
		}
		if err != nil {
			abandon()
		}
		return err
	})
	var f *fault.Error
	if o.First > 0 && errors.As(err, &f) {
		// An empty object has no first byte.
		if status, _ := answered(f.Cause); status == http.StatusRequestedRangeNotSatisfiable {
			info, err = s.Head(ctx, key)
			return io.NopCloser(strings.NewReader("")), info, err
		}
	}
	if err != nil {
		return nil, Info{}, err
	}
	return body, info, nil
}

// objectBody is the body of an answer whose connection is given up by Close.
type objectBody struct {
	io.ReadCloser
	ctx     context.Context
	abandon context.CancelFunc
	sum     *checksum // nil where there is none to hold the body to
}

func (b *objectBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.sum != nil && b.sum.wrong(p[:n]) {
		// Nothing of the last bytes is given out, so that no caller takes the object for whole.
		return 0, fault.Away("The object storage", errors.New("read an object: what came has another CRC-64 than what is kept"))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		if b.ctx.Err() != nil {
			return n, b.ctx.Err()
		}
		err = fault.Away("The object storage", fmt.Errorf("read an object: %w", err))
	}
	return n, err
}

func (b *objectBody) Close() error {
	defer b.abandon()
	return b.ReadCloser.Close()
}
