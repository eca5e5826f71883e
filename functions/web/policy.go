package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// policyConfig says whom the page may talk to beside its own origin.
type policyConfig struct {
	// BucketURL is where pictures and results are: the page shows and fetches them, and sends large pictures there.
	BucketURL string `env:"COS_BUCKET_URL,required"`
	// Origins are further ones: a domain of the bucket's own, whoever signs users in, an API of another domain.
	Origins []string `env:"CSP_ORIGINS" envSeparator:","`
}

// Validate refuses what is no origin: anything else would say something different in the policy, or end it.
func (c *policyConfig) Validate() error {
	var wrong []error
	if c.BucketURL != "" {
		if err := checkOrigin(c.BucketURL); err != nil {
			wrong = append(wrong, fmt.Errorf("COS_BUCKET_URL: %w", err))
		}
	}
	for _, origin := range c.Origins {
		if err := checkOrigin(strings.TrimSpace(origin)); err != nil {
			wrong = append(wrong, fmt.Errorf("CSP_ORIGINS: %w", err))
		}
	}
	return errors.Join(wrong...)
}

// hostPort is the host of an origin, without what a policy takes as its own: spaces, quotes, `;`, `,` and `*`.
var hostPort = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)

func checkOrigin(text string) error {
	if strings.Contains(text, "@") { // with a password, perhaps: it is not repeated
		return errors.New("has a user in it, which no origin has: https://host, or http://host:port")
	}
	u, err := url.Parse(strings.TrimSuffix(text, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !hostPort.MatchString(u.Host) || u.Scheme+"://"+u.Host != strings.TrimSuffix(text, "/") {
		return fmt.Errorf("%q is no origin: https://host, or http://host:port", text)
	}
	return nil
}

// contentSecurityPolicy allows the page what it needs: https://www.w3.org/TR/CSP3/. Without 'unsafe-inline' and 'unsafe-eval', which
// neither Vue's compiled templates nor Element Plus needs: they set styles through the DOM.
func (c policyConfig) contentSecurityPolicy() string {
	beside := ""
	for _, origin := range append([]string{c.BucketURL}, c.Origins...) {
		beside += " " + strings.TrimSuffix(strings.TrimSpace(origin), "/")
	}
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"font-src 'self'",
		"img-src 'self' blob: data:" + beside, // previews are blobs
		"connect-src 'self' blob:" + beside,   // GLTFLoader fetches the textures inside of a GLB as blobs
		"worker-src 'self'",
		"manifest-src 'self'",
		"base-uri 'none'",
		"form-action 'self'",
		"frame-ancestors 'none'",
		"object-src 'none'",
	}, "; ")
}

// protect sets the headers that make a browser hold the page to what it is, on every answer.
func (c policyConfig) protect(next http.Handler) http.Handler {
	headers := map[string]string{
		"Content-Security-Policy":      c.contentSecurityPolicy(),
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(self), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()",
		"Referrer-Policy":              "same-origin", // a task's address is nobody else's business
		"X-Content-Type-Options":       "nosniff",
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		next.ServeHTTP(w, r)
	})
}
