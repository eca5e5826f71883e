package telemetry

import "net/http"

// SetTransport replaces the network.
func SetTransport(t *Tracer, by http.RoundTripper) { t.client.Transport = by }
