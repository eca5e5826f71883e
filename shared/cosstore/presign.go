package cosstore

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"
)

// URLLife is how long a URL of PresignGet works. One that is signed by the platform's role credentials may end earlier, with them.
const URLLife = 10 * time.Minute

// PresignGet makes a URL by which whoever holds it can get an object, whether there is one or not. It asks nobody.
func (s *Store) PresignGet(ctx context.Context, key string, o GetOptions) (string, error) {
	query := url.Values{}
	if o.Filename != "" {
		query.Set("response-content-disposition", disposition(o.Filename))
	}
	if o.ContentType != "" {
		query.Set("response-content-type", o.ContentType)
	}
	return s.presign(ctx, http.MethodGet, key, URLLife, query, http.Header{})
}

// PresignPut makes a URL by which whoever holds it can put one object of exactly that type and length, again and again until
// expiresAt. The headers are signed too: they must be sent as they are. It asks nobody.
func (s *Store) PresignPut(ctx context.Context, key string, o PutOptions) (rawURL string, headers map[string]string, expiresAt time.Time, err error) {
	headers = map[string]string{"Content-Length": strconv.FormatInt(o.ContentLength, 10), "Content-Type": o.ContentType}
	signed := http.Header{}
	for name, value := range headers {
		signed.Set(name, value)
	}
	// Signatures count in whole seconds.
	expiresAt = time.Now().Add(o.Life).Truncate(time.Second).UTC()
	rawURL, err = s.presign(ctx, http.MethodPut, key, time.Until(expiresAt), url.Values{}, signed)
	return rawURL, headers, expiresAt, err
}

func (s *Store) presign(ctx context.Context, method, key string, life time.Duration, query url.Values, header http.Header) (string, error) {
	id, secret, token, err := s.signer.get(ctx)
	if err != nil {
		return "", fmt.Errorf("presign %s: %w", key, err)
	}
	if token != "" {
		query.Set("x-cos-security-token", token)
	}
	u, err := s.client.Object.GetPresignedURL(ctx, method, key, id, secret, life, &cos.PresignedURLOptions{Query: &query, Header: &header})
	if err != nil {
		return "", fmt.Errorf("presign %s: %w", key, err)
	}
	return u.String(), nil
}

// disposition is the Content-Disposition (RFC 6266) of a download under that name, "" without one.
func disposition(filename string) string {
	if filename == "" {
		return ""
	}
	return mime.FormatMediaType("attachment", map[string]string{"filename": filename})
}
