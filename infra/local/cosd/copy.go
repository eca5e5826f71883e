package cosd

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const copySource = "X-Cos-Copy-Source"

type copyResult struct {
	XMLName      xml.Name // CopyObjectResult or CopyPartResult
	ETag         string
	LastModified string
	CRC64        uint64
}

// copyObject makes an object of another's content, as it is at one moment.
func (s *Server) copyObject(w http.ResponseWriter, r *request) error {
	source, err := s.openSource(r)
	if err != nil {
		return err
	}
	defer source.close()
	header := source.Header
	switch directive := r.Header.Get("X-Cos-Metadata-Directive"); {
	case strings.EqualFold(directive, "Replaced"):
		header = keptHeaders(r.Header)
	case directive != "" && !strings.EqualFold(directive, "Copy"):
		return fault(invalidArgument, "x-cos-metadata-directive can be Copy or Replaced.")
	case source.Key == r.key:
		return fault(invalidRequest, "An object is copied to itself only with x-cos-metadata-directive: Replaced.")
	}
	d, err := s.store.draft(source.content())
	if err != nil {
		return fmt.Errorf("copy %q: %w", source.Key, err)
	}
	defer d.discard()
	a := d.attributes(r.key, header, s.opts.Now())
	if err := s.store.put(d, a, forbidsOverwrite(r)); err != nil {
		return err
	}
	s.answerCopy(w, "CopyObjectResult", a)
	return nil
}

// copyPart makes a part of an upload of another object's content, or of a range of it.
func (s *Server) copyPart(w http.ResponseWriter, r *request, u upload, number int) error {
	source, err := s.openSource(r)
	if err != nil {
		return err
	}
	defer source.close()
	content := source.content()
	if asked := r.Header.Get(copySource + "-Range"); asked != "" {
		rng, ok := parseRange(asked, source.Size)
		if !ok {
			return fault(invalidArgument, "x-cos-copy-source-range is not of the form bytes=first-last.")
		}
		if rng.length == 0 {
			return fault(invalidRange, "The range begins behind the end of the source.")
		}
		content = io.NewSectionReader(source.file, rng.start, rng.length)
	}
	d, err := s.store.draft(content)
	if err != nil {
		return fmt.Errorf("copy %q: %w", source.Key, err)
	}
	defer d.discard()
	a := d.attributes(u.Key, nil, s.opts.Now())
	if err := s.store.putPart(u, number, d, a); err != nil {
		return err
	}
	s.answerCopy(w, "CopyPartResult", a)
	return nil
}

func (s *Server) answerCopy(w http.ResponseWriter, name string, a attributes) {
	w.Header().Set("X-Cos-Hash-Crc64ecma", fmt.Sprint(a.CRC64))
	writeXML(w, http.StatusOK, copyResult{
		XMLName: xml.Name{Local: name}, ETag: quote(a.ETag), LastModified: iso8601(a.Modified), CRC64: a.CRC64,
	})
}

// openSource opens what x-cos-copy-source names, `{host}/{escaped key}`, and holds it to the conditions on it. The host
// may be any, for there is but this bucket.
func (s *Server) openSource(r *request) (*sealed, error) {
	_, path, isPath := strings.Cut(r.Header.Get(copySource), "/")
	path, query, _ := strings.Cut(path, "?")
	if query != "" {
		return nil, fault(notImplemented, "This server has no versions.")
	}
	key, err := url.PathUnescape(path)
	if !isPath || err != nil || checkKey(key) != nil {
		return nil, fault(invalidCopySource, "x-cos-copy-source is not of the form host/key, URL-encoded.")
	}
	if err := s.allow(r, "GetObject", key); err != nil {
		return nil, err
	}
	source, err := s.store.open(key)
	if err != nil {
		return nil, err
	}
	if conditionsIn(r.Header, copySource+"-").of(source.attributes) != met {
		source.close()
		return nil, fault(preconditionFailed, "The source does not meet the conditions.")
	}
	return source, nil
}
