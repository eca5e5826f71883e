package cosd

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

type initiateResult struct {
	XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
	Bucket   string
	Key      string
	UploadID string `xml:"UploadId"`
}

func (s *Server) initiateUpload(w http.ResponseWriter, r *request) error {
	u, err := s.store.initiate(r.key, keptHeaders(r.Header), s.opts.Now())
	if err != nil {
		return err
	}
	writeXML(w, http.StatusOK, initiateResult{Bucket: s.opts.Bucket, Key: u.Key, UploadID: u.ID})
	return nil
}

// uploadPart stores the body, or what x-cos-copy-source names, as a part.
func (s *Server) uploadPart(w http.ResponseWriter, r *request) error {
	action, copied := "UploadPart", r.Header.Get(copySource) != ""
	if copied {
		action = "PutObject"
	}
	if err := s.allow(r, action, r.key); err != nil {
		return err
	}
	number, err := strconv.Atoi(r.query.Get("partNumber"))
	if err != nil || number < 1 || number > maxParts {
		return fault(invalidArgument, fmt.Sprintf("partNumber must be 1 to %d.", maxParts))
	}
	u, err := s.store.upload(r.query.Get("uploadId"), r.key)
	if err != nil {
		return err
	}
	if copied {
		return s.copyPart(w, r, u, number)
	}
	if r.ContentLength < 0 {
		return fault(missingContentLength, "A part can't be sent without a Content-Length.")
	}
	d, err := s.receive(r)
	if err != nil {
		return err
	}
	defer d.discard()
	a := d.attributes(u.Key, nil, s.opts.Now())
	if err := s.store.putPart(u, number, d, a); err != nil {
		return err
	}
	setDigests(w.Header(), a)
	w.WriteHeader(http.StatusOK)
	return nil
}

type listPartsResult struct {
	XMLName              xml.Name `xml:"ListPartsResult"`
	Bucket               string
	EncodingType         string `xml:"Encoding-type,omitempty"`
	Key                  string
	UploadID             string `xml:"UploadId"`
	StorageClass         string
	PartNumberMarker     int
	NextPartNumberMarker int `xml:",omitempty"`
	MaxParts             int
	IsTruncated          bool
	Part                 []listedPart
}

type listedPart struct {
	PartNumber   int
	LastModified string
	ETag         string
	Size         int64
}

func (s *Server) listParts(w http.ResponseWriter, r *request) error {
	limit, err := r.number("max-parts", 1000)
	if err != nil {
		return err
	}
	marker, err := r.number("part-number-marker", 0)
	if err != nil {
		return err
	}
	encode, err := keyEncoder(r.query.Get("encoding-type"))
	if err != nil {
		return err
	}
	u, err := s.store.upload(r.query.Get("uploadId"), r.key)
	if err != nil {
		return err
	}
	parts, err := s.store.parts(u)
	if err != nil {
		return err
	}
	parts = slices.DeleteFunc(parts, func(p uploadedPart) bool { return p.number <= marker })
	limit = min(limit, 1000)
	result := listPartsResult{
		Bucket: s.opts.Bucket, EncodingType: r.query.Get("encoding-type"), Key: encode(u.Key), UploadID: u.ID, StorageClass: "STANDARD",
		PartNumberMarker: marker, MaxParts: limit, IsTruncated: len(parts) > limit && limit > 0,
	}
	for _, p := range parts[:min(limit, len(parts))] {
		result.Part = append(result.Part, listedPart{p.number, iso8601(p.Modified), quote(p.ETag), p.Size})
	}
	if result.IsTruncated {
		result.NextPartNumberMarker = parts[limit-1].number
	}
	writeXML(w, http.StatusOK, result)
	return nil
}

type completeRequest struct {
	XMLName xml.Name     `xml:"CompleteMultipartUpload"`
	Part    []wantedPart `xml:"Part"`
}

type wantedPart struct {
	PartNumber int
	ETag       string
}

type completeResult struct {
	XMLName  xml.Name `xml:"CompleteMultipartUploadResult"`
	Location string
	Bucket   string
	Key      string
	ETag     string
}

func (s *Server) completeUpload(w http.ResponseWriter, r *request) error {
	u, err := s.store.upload(r.query.Get("uploadId"), r.key)
	if err != nil {
		return err
	}
	var want completeRequest
	if err := readXML(r, &want); err != nil {
		return err
	}
	if len(want.Part) == 0 || len(want.Part) > maxParts {
		return fault(malformedXML, fmt.Sprintf("An upload has 1 to %d parts.", maxParts))
	}
	a, err := s.store.complete(u, want.Part, forbidsOverwrite(r), s.opts.Now())
	if err != nil {
		return err
	}
	w.Header().Set("X-Cos-Hash-Crc64ecma", strconv.FormatUint(a.CRC64, 10))
	writeXML(w, http.StatusOK, completeResult{Location: location(r, a.Key), Bucket: s.opts.Bucket, Key: a.Key, ETag: quote(a.ETag)})
	return nil
}

// location is the unsigned URL of an object.
func location(r *request, key string) string {
	return "http://" + r.Host + "/" + strings.ReplaceAll(escape(key), "%2F", "/")
}

func (s *Server) abortUpload(w http.ResponseWriter, r *request) error {
	u, err := s.store.upload(r.query.Get("uploadId"), r.key)
	if err != nil {
		return err
	}
	if err := s.store.endUpload(u); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
