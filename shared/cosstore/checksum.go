package cosstore

import (
	"hash"
	"hash/crc64"
	"net/http"
	"strconv"
)

// checksum holds a body, as it is read, to the CRC-64 (ECMA-182) that COS states of the object.
type checksum struct {
	crc  hash.Hash64
	want uint64
	left int64 // bytes of the body
}

// sumOf is what an answer's body is held to: nil for a part of an object, and where COS states nothing.
func sumOf(res *http.Response) *checksum {
	want, err := strconv.ParseUint(res.Header.Get("X-Cos-Hash-Crc64ecma"), 10, 64)
	if err != nil || res.StatusCode != http.StatusOK || res.ContentLength <= 0 {
		return nil
	}
	return &checksum{crc64.New(crc64.MakeTable(crc64.ECMA)), want, res.ContentLength}
}

// wrong takes more of the body, and tells whether that was the end of another one.
func (c *checksum) wrong(more []byte) bool {
	_, _ = c.crc.Write(more) // never fails
	c.left -= int64(len(more))
	return c.left == 0 && len(more) > 0 && c.crc.Sum64() != c.want
}
