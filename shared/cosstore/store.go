// Package cosstore keeps objects in Tencent COS: put, get, head, copy, delete, and URLs for those who may see one. Objects
// are private.
//
// Its errors are ErrNotFound, ErrChanged, the context's own, and fault.Unavailable for everything else, which all means
// that COS did not do what it was asked.
package cosstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/recon3d/recon3d/shared/telemetry"
)

var (
	// ErrNotFound is an object that is not there.
	ErrNotFound = errors.New("no such object")
	// ErrChanged is an object that is not the version that IfMatch names.
	ErrChanged = errors.New("the object has changed")
)

// Credentials tells the platform's role credentials that came with the request which ctx belongs to. They are asked for at
// every use, for they change.
type Credentials func(ctx context.Context) (id, key, token string, ok bool)

// Store is one bucket. It is safe for many goroutines.
type Store struct {
	bucket *url.URL
	client *cos.Client
	signer *signer
}

// New makes a store; it does not dial. The configured secrets are used where there are any, credentials (which may be nil)
// otherwise.
func New(c Config, credentials Credentials) (*Store, error) {
	bucket, err := c.bucket()
	if err != nil {
		return nil, fmt.Errorf("COS_BUCKET_URL: %w", err)
	}
	s := &signer{credentials: credentials, next: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		TLSHandshakeTimeout:   3 * time.Second,
		ExpectContinueTimeout: time.Second,
		MaxIdleConns:          32,
		MaxIdleConnsPerHost:   32,
		// Shorter than COS keeps its end open: a connection that it has just closed costs a retry.
		IdleConnTimeout: 50 * time.Second,
		// Objects are stored as they are; a transparently unpacked one would have another length and checksum.
		DisableCompression: true,
	}}
	if c.SecretID != "" {
		s.credentials = func(context.Context) (id, key, token string, ok bool) { return c.SecretID, c.SecretKey, "", true }
	}
	client := cos.NewClient(&cos.BaseURL{BucketURL: bucket}, &http.Client{Transport: s}) // it follows no redirects
	// The SDK's own retries send one reader again while the transport may still be reading it, without a pause: see retry.
	client.Conf.RetryOpt.Count = 1
	return &Store{bucket: bucket, client: client, signer: s}, nil
}

// signer signs each request with the credentials of its context.
type signer struct {
	credentials Credentials
	next        http.RoundTripper
}

// signatureLife is how long a signed request may take to reach COS, clocks apart included.
const signatureLife = 15 * time.Minute

var errNoCredentials = errors.New("no credentials: COS_SECRET_ID and COS_SECRET_KEY are not set and the request brought none")

func (s *signer) get(ctx context.Context) (id, key, token string, err error) {
	if s.credentials != nil {
		if id, key, token, ok := s.credentials(ctx); ok {
			return id, key, token, nil
		}
	}
	return "", "", "", errNoCredentials
}

func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	id, key, token, err := s.get(r.Context())
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	cos.AddAuthorizationHeader(id, key, token, r, cos.NewAuthTime(signatureLife))
	start := time.Now()
	res, err := s.next.RoundTrip(r)
	telemetry.Recorded(r.Context()).AskedCOS(time.Since(start))
	return res, err
}
