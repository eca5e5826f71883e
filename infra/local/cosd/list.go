package cosd

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const maxListed = 1000 // entries of a list, keys of a delete

type listResult struct {
	XMLName        xml.Name `xml:"ListBucketResult"`
	Name           string
	EncodingType   string `xml:",omitempty"`
	Prefix         string
	Marker         string
	MaxKeys        int
	Delimiter      string `xml:",omitempty"`
	IsTruncated    bool
	NextMarker     string `xml:",omitempty"`
	Contents       []listedObject
	CommonPrefixes []commonPrefix
}

type listedObject struct {
	Key          string
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
}

type commonPrefix struct{ Prefix string }

func (s *Server) listObjects(w http.ResponseWriter, r *request) error {
	if err := s.allow(r, "GetBucket", r.query.Get("prefix")); err != nil {
		return err
	}
	limit, err := r.number("max-keys", maxListed)
	if err != nil {
		return err
	}
	encodingType := r.query.Get("encoding-type")
	encode, err := keyEncoder(encodingType)
	if err != nil {
		return err
	}
	q := listing{
		prefix: r.query.Get("prefix"), delimiter: r.query.Get("delimiter"), marker: r.query.Get("marker"), limit: min(limit, maxListed),
	}
	if utf8.RuneCountInString(q.delimiter) > 1 {
		return fault(invalidDelimiter, "A delimiter is one character.")
	}
	p := s.store.list(q)
	result := listResult{
		Name: s.opts.Bucket, EncodingType: encodingType, Prefix: encode(q.prefix), Marker: encode(q.marker), MaxKeys: q.limit,
		Delimiter: encode(q.delimiter), IsTruncated: p.next != "", NextMarker: encode(p.next),
	}
	for _, a := range p.objects {
		result.Contents = append(result.Contents, listedObject{encode(a.Key), iso8601(a.Modified), quote(a.ETag), a.Size, "STANDARD"})
	}
	for _, prefix := range p.prefixes {
		result.CommonPrefixes = append(result.CommonPrefixes, commonPrefix{encode(prefix)})
	}
	writeXML(w, http.StatusOK, result)
	return nil
}

type listUploadsResult struct {
	XMLName            xml.Name `xml:"ListMultipartUploadsResult"`
	Bucket             string
	EncodingType       string `xml:"Encoding-Type,omitempty"`
	Prefix             string
	KeyMarker          string
	UploadIDMarker     string `xml:"UploadIdMarker"`
	NextKeyMarker      string `xml:",omitempty"`
	NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
	MaxUploads         int
	IsTruncated        bool
	Upload             []listedUpload
}

type listedUpload struct {
	Key          string
	UploadID     string `xml:"UploadId"`
	StorageClass string
	Initiated    string
}

func (s *Server) listUploads(w http.ResponseWriter, r *request) error {
	if err := s.allow(r, "ListMultipartUploads", r.query.Get("prefix")); err != nil {
		return err
	}
	limit, err := r.number("max-uploads", maxListed)
	if err != nil {
		return err
	}
	limit = min(limit, maxListed)
	encodingType := r.query.Get("encoding-type")
	encode, err := keyEncoder(encodingType)
	if err != nil {
		return err
	}
	if r.query.Get("delimiter") != "" {
		return fault(notImplemented, "This server lists uploads without a delimiter.")
	}
	uploads, err := s.store.listUploads()
	if err != nil {
		return err
	}
	prefix, key, id := r.query.Get("prefix"), r.query.Get("key-marker"), r.query.Get("upload-id-marker")
	uploads = slices.DeleteFunc(uploads, func(u upload) bool {
		told := u.Key < key || u.Key == key && (id == "" || u.ID <= id)
		return !strings.HasPrefix(u.Key, prefix) || told
	})
	result := listUploadsResult{
		Bucket: s.opts.Bucket, EncodingType: encodingType, Prefix: encode(prefix), KeyMarker: encode(key), UploadIDMarker: id,
		MaxUploads: limit, IsTruncated: len(uploads) > limit && limit > 0,
	}
	for _, u := range uploads[:min(limit, len(uploads))] {
		result.Upload = append(result.Upload, listedUpload{encode(u.Key), u.ID, "STANDARD", iso8601(u.Initiated)})
	}
	if result.IsTruncated {
		last := uploads[limit-1]
		result.NextKeyMarker, result.NextUploadIDMarker = encode(last.Key), last.ID
	}
	writeXML(w, http.StatusOK, result)
	return nil
}

// number reads a parameter that is a count, or tells what stands in for it.
func (r *request) number(name string, missing int) (int, error) {
	v := r.query.Get(name)
	if v == "" {
		return missing, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, fault(invalidArgument, fmt.Sprintf("%s is not a number from 0 on.", name))
	}
	return n, nil
}

type deleteRequest struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Object  []struct {
		Key       string
		VersionID string `xml:"VersionId"`
	}
}

type deleteResult struct {
	XMLName xml.Name `xml:"DeleteResult"`
	Deleted []deletedObject
	Error   []deleteError
}

type deletedObject struct{ Key string }

type deleteError struct{ Key, Code, Message string }

// deleteObjects removes up to 1,000 objects and tells of each; of those that failed only, where Quiet is asked for.
func (s *Server) deleteObjects(w http.ResponseWriter, r *request) error {
	var want deleteRequest
	if err := readXML(r, &want); err != nil {
		return err
	}
	if len(want.Object) == 0 || len(want.Object) > maxListed {
		return fault(malformedXML, fmt.Sprintf("A delete names 1 to %d objects.", maxListed))
	}
	var result deleteResult
	for _, object := range want.Object {
		switch err := s.deleteListed(r, object.Key, object.VersionID); {
		case err != nil:
			s.log.Error("object not deleted", "requestId", r.id, "key", object.Key, "error", err)
			result.Error = append(result.Error, deleteError{object.Key, string(err.Code), err.Message})
		case !want.Quiet:
			result.Deleted = append(result.Deleted, deletedObject{object.Key})
		}
	}
	writeXML(w, http.StatusOK, result)
	return nil
}

func (s *Server) deleteListed(r *request, key, version string) *apiError {
	if version != "" {
		return fault(notImplemented, "This server has no versions.")
	}
	if err := checkKey(key); err != nil {
		return fault(invalidArgument, "This is no object key.")
	}
	var denied *apiError
	if errors.As(s.allow(r, "DeleteObject", key), &denied) {
		return denied
	}
	if err := s.store.delete(key); err != nil {
		return &apiError{Code: internalError, Message: "We encountered an internal error. Please try again.", Cause: err}
	}
	return nil
}
