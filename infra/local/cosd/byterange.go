package cosd

import (
	"fmt"
	"strconv"
	"strings"
)

// byteRange is a stretch of an object. Its length is 0 where the object has none of the bytes asked for.
type byteRange struct{ start, length int64 }

// parseRange reads `bytes=a-b`, `bytes=a-` or `bytes=-n` for an object of that size (RFC 9110, section 14.1.2). ok is
// false for what is of no such form, several ranges included; a Range header like that is ignored.
func parseRange(v string, size int64) (r byteRange, ok bool) {
	spec, isBytes := strings.CutPrefix(v, "bytes=")
	from, to, isPair := strings.Cut(spec, "-")
	if !isBytes || !isPair {
		return r, false
	}
	first, errFirst := strconv.ParseUint(from, 10, 63)
	last, errLast := strconv.ParseUint(to, 10, 63)
	start, end := int64(first), int64(last)
	switch {
	case from == "" && errLast == nil: // the last n bytes
		length := min(end, size)
		return byteRange{size - length, length}, true
	case to == "" && errFirst == nil:
		end = size - 1
	case errFirst != nil || errLast != nil || end < start:
		return r, false
	}
	if start >= size {
		return byteRange{size, 0}, true
	}
	return byteRange{start, min(end, size-1) - start + 1}, true
}

func (r byteRange) contentRange(size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", r.start, r.start+r.length-1, size)
}
