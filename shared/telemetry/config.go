package telemetry

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Config says where spans go, in the words of OpenTelemetry's specification.
type Config struct {
	// Endpoint is the base URL of an OTLP/HTTP receiver, to which /v1/traces is added. Without it traces are off.
	Endpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	// Headers are sent along, such as a token: name=value pairs separated by commas, values percent-encoded.
	Headers string `env:"OTEL_EXPORTER_OTLP_HEADERS"`
	// Timeout is how long (ms) an export may take, and so how much longer a request at most. (OpenTelemetry's own default is 10 s.)
	Timeout int `env:"OTEL_EXPORTER_OTLP_TIMEOUT" envDefault:"300"`
	// Delay is for containers: spans are exported together every so many ms, and no request waits for it. 0: at the end of each
	// request, for a function may be frozen after it.
	Delay int `env:"OTEL_BSP_SCHEDULE_DELAY" envDefault:"0"`
	// Ratio is which part of the traces that begin here is exported. Others are as their caller says.
	Ratio float64 `env:"OTEL_TRACES_SAMPLER_ARG" envDefault:"1"`
	// Service is the name under which the spans are shown, by default recon3d- and the name of the program.
	Service string `env:"OTEL_SERVICE_NAME"`
}

// Validate tells which values make no sense, one a line.
func (c *Config) Validate() error {
	var wrong []error
	if c.Endpoint != "" {
		u, err := url.Parse(c.Endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			wrong = append(wrong, errors.New("OTEL_EXPORTER_OTLP_ENDPOINT is not of the form http(s)://host:port"))
		}
	}
	if _, err := c.headers(); err != nil {
		wrong = append(wrong, err)
	}
	if c.Timeout <= 0 || c.Delay < 0 {
		wrong = append(wrong, errors.New("OTEL_EXPORTER_OTLP_TIMEOUT must be more than 0 ms, and OTEL_BSP_SCHEDULE_DELAY not less"))
	}
	if !(c.Ratio >= 0 && c.Ratio <= 1) {
		wrong = append(wrong, errors.New("OTEL_TRACES_SAMPLER_ARG must be from 0 to 1"))
	}
	return errors.Join(wrong...)
}

// headers reads Headers. The error names no value.
func (c *Config) headers() (http.Header, error) {
	h := http.Header{}
	for i, pair := range strings.Split(c.Headers, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !ok || name == "" || err != nil || strings.ContainsAny(name+value, "\r\n") {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS: number %d is not of the form name=value", i+1)
		}
		h.Add(name, value)
	}
	return h, nil
}
