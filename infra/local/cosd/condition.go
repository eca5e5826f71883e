package cosd

import (
	"net/http"
	"strings"
	"time"
)

// conditions are the conditional headers of RFC 9110, section 13.1.
type conditions struct {
	match, noneMatch, modifiedSince, unmodifiedSince string
}

// conditionsIn reads those of h: with no prefix for what is asked for, with x-cos-copy-source- for the source of a copy.
func conditionsIn(h http.Header, prefix string) conditions {
	return conditions{
		match:           h.Get(prefix + "If-Match"),
		noneMatch:       h.Get(prefix + "If-None-Match"),
		modifiedSince:   h.Get(prefix + "If-Modified-Since"),
		unmodifiedSince: h.Get(prefix + "If-Unmodified-Since"),
	}
}

type verdict int

const (
	met verdict = iota
	failed
	notModified
)

// of judges an object, in the order of RFC 9110, section 13.2.2.
func (c conditions) of(a attributes) verdict {
	if c.match != "" {
		if !matchesETag(c.match, a.ETag) {
			return failed
		}
	} else if since, ok := parseTime(c.unmodifiedSince); ok && modified(a).After(since) {
		return failed
	}
	if c.noneMatch != "" {
		if matchesETag(c.noneMatch, a.ETag) {
			return notModified
		}
	} else if since, ok := parseTime(c.modifiedSince); ok && !modified(a).After(since) {
		return notModified
	}
	return met
}

// matchesETag tells whether etag is in the list, in which quotes may be missing.
func matchesETag(list, etag string) bool {
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimPrefix(strings.TrimSpace(item), "W/")
		if item == "*" || strings.Trim(item, `"`) == etag {
			return true
		}
	}
	return false
}

// rangeStands tells whether a Range is to be heeded under that If-Range (RFC 9110, section 13.1.5).
func rangeStands(ifRange string, a attributes) bool {
	if since, ok := parseTime(ifRange); ok {
		return modified(a).Equal(since)
	}
	return ifRange == "" || ifRange == quote(a.ETag)
}

// parseTime reads an HTTP date. One that is none is ignored (RFC 9110, section 13.1.3).
func parseTime(v string) (time.Time, bool) {
	t, err := http.ParseTime(v)
	return t, err == nil
}

// modified is the time of the last change in HTTP's resolution.
func modified(a attributes) time.Time { return a.Modified.Truncate(time.Second) }
