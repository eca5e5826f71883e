package dispatch

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Config is where the workers are, and where they are to call back.
type Config struct {
	// Workers are the workers' base URLs.
	Workers []string `env:"WORKER_URLS,required" envSeparator:","`
	// Timeout is how long a hand-over may take.
	Timeout time.Duration `env:"DISPATCH_TIMEOUT" envDefault:"10s"`
	// SweepInterval is how often the sweeper runs: busy workers are not asked more often.
	SweepInterval time.Duration `env:"SWEEP_INTERVAL" envDefault:"15s"`
	// PublicBaseURL is the API's origin, as workers and browsers reach it.
	PublicBaseURL string `env:"PUBLIC_BASE_URL,required"`
	// CallbackBaseURL is the callbacks' address, by default {PUBLIC_BASE_URL}/api/reconstruction/callback.
	CallbackBaseURL string `env:"CALLBACK_BASE_URL"`
	// ResultURL, UploadURL (complete but for /{taskId}) and StatusURL (complete) are set where each callback function has a URL
	// of its own.
	ResultURL string `env:"CALLBACK_RESULT_URL"`
	UploadURL string `env:"CALLBACK_UPLOAD_URL"`
	StatusURL string `env:"CALLBACK_STATUS_URL"`
}

// Validate tells which URLs are none, and fills in the default of CALLBACK_BASE_URL.
func (c *Config) Validate() error {
	var errs []error
	for i, w := range c.Workers {
		c.Workers[i] = strings.TrimRight(strings.TrimSpace(w), "/")
		errs = append(errs, httpURL("WORKER_URLS", c.Workers[i]))
	}
	for name, u := range map[string]*string{
		"PUBLIC_BASE_URL": &c.PublicBaseURL, "CALLBACK_BASE_URL": &c.CallbackBaseURL,
		"CALLBACK_RESULT_URL": &c.ResultURL, "CALLBACK_UPLOAD_URL": &c.UploadURL, "CALLBACK_STATUS_URL": &c.StatusURL,
	} {
		if *u = strings.TrimRight(*u, "/"); *u != "" {
			errs = append(errs, httpURL(name, *u))
		}
	}
	if c.CallbackBaseURL == "" && c.PublicBaseURL != "" {
		c.CallbackBaseURL = c.PublicBaseURL + "/api/reconstruction/callback"
	}
	if c.Timeout <= 0 || c.SweepInterval <= 0 {
		errs = append(errs, errors.New("DISPATCH_TIMEOUT and SWEEP_INTERVAL must be longer than nothing"))
	}
	return errors.Join(errs...)
}

// httpURL refuses what is no URL of a host. The error quotes nothing that could be a password: these URLs are logged, and kept with tasks.
func httpURL(name, raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err == nil && u.User != nil:
		return fmt.Errorf("%s: has a user or password in it, which would be logged: messages are signed, and nothing else is asked for", name)
	case err != nil || strings.Contains(raw, "@"):
		return fmt.Errorf("%s: is not of the form http(s)://host", name)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%s: %q is not of the form http(s)://host", name, raw)
	}
	return nil
}
