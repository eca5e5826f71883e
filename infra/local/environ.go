package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// environ is the environment of a process that the host starts.
type environ map[string]string

// inherited is the host's own environment without what each process gets its own of.
func inherited() environ {
	e := environ{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		e[name] = value
	}
	for _, own := range []string{"HOST", "PORT", "DATA_DIR", "RUN_MODE", "_LAMBDA_SERVER_PORT", "AWS_LAMBDA_RUNTIME_API"} {
		delete(e, own)
	}
	return e
}

// with is e and more; what is empty in more is unset.
func (e environ) with(more environ) environ {
	e = maps.Clone(e)
	for name, value := range more {
		if value == "" {
			delete(e, name)
		} else {
			e[name] = value
		}
	}
	return e
}

// list is the form that a process is started with.
func (e environ) list() []string {
	var l []string
	for _, name := range slices.Sorted(maps.Keys(e)) {
		l = append(l, name+"="+e[name])
	}
	return l
}

// functionEnviron is what all functions get: what the host was given, and what it chose. Of the embedded bucket they get no keys: those of
// their roles come as on the platform.
func (h *host) functionEnviron() environ {
	s := h.settings
	if h.roles != nil {
		s.COSSecretID, s.COSSecretKey = "", ""
	}
	return inherited().with(environ{
		"AUTH_MODE":        s.AuthMode,
		"CALLBACK_SECRETS": s.CallbackSecrets,
		"COS_BUCKET_URL":   s.BucketURL,
		"COS_SECRET_ID":    s.COSSecretID,
		"COS_SECRET_KEY":   s.COSSecretKey,
		"PUBLIC_BASE_URL":  s.PublicBaseURL,
		"REDIS_URL":        s.RedisURL,
		"SWEEP_INTERVAL":   s.SweepInterval.String(),
		"TICKET_SECRET":    s.TicketSecret,
		"WEB_ROOT":         s.WebRoot,
		"WORKER_URLS":      s.WorkerURLs,
	})
}

// workerEnviron is what the worker gets: not the secrets that only the backend has.
func (s settings) workerEnviron(port int, dir string) environ {
	e := inherited().with(environ{
		"HOST":             "127.0.0.1",
		"PORT":             fmt.Sprint(port),
		"DATA_DIR":         dir,
		"CALLBACK_SECRETS": s.CallbackSecrets,
		"PYTHONUNBUFFERED": "1",
	})
	if e["DRAIN_TIMEOUT"] == "" {
		e["DRAIN_TIMEOUT"] = "3s" // a person at the keyboard waits for it
	}
	for _, backend := range []string{
		"REDIS_URL", "COS_SECRET_ID", "COS_SECRET_KEY", "TICKET_SECRET", "TICKET_SECRET_ALSO", "JWT_SECRET", "JWT_SECRET_ALSO",
		"TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN",
	} {
		delete(e, backend)
	}
	if strings.EqualFold(e["LOG_LEVEL"], "warn") { // slog's word and Python's
		e["LOG_LEVEL"] = "warning"
	}
	return e
}
