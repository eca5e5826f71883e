package cosstore

import (
	"errors"
	"fmt"
	"net/url"
)

// Config names the bucket and, off the platform, who we are to it.
type Config struct {
	// BucketURL is the bucket's own host, https://<bucket>.cos.<region>.myqcloud.com, or http://127.0.0.1:<port> for the local endpoint.
	BucketURL string `env:"COS_BUCKET_URL,required"`
	// SecretID and SecretKey sign requests. Without them each request's context has to bring the platform's role credentials.
	SecretID  string `env:"COS_SECRET_ID"`
	SecretKey string `env:"COS_SECRET_KEY"`
}

// Validate names every variable that is wrong, one a line.
func (c *Config) Validate() error {
	var wrong []error
	if c.BucketURL != "" {
		if _, err := c.bucket(); err != nil {
			wrong = append(wrong, fmt.Errorf("COS_BUCKET_URL: %w", err))
		}
	}
	if (c.SecretID == "") != (c.SecretKey == "") {
		wrong = append(wrong, errors.New("COS_SECRET_ID and COS_SECRET_KEY: set both or neither"))
	}
	return errors.Join(wrong...)
}

// bucket parses the URL. A path in it would be dropped by the SDK, and objects land elsewhere than meant.
func (c *Config) bucket() (*url.URL, error) {
	u, err := url.Parse(c.BucketURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("is not an http or https URL")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, errors.New("has more than a scheme and a host")
	}
	u.Path = ""
	return u, nil
}
