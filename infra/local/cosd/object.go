package cosd

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// putObject stores the body, or the object that x-cos-copy-source names.
func (s *Server) putObject(w http.ResponseWriter, r *request) error {
	if r.Header.Get(copySource) != "" {
		return s.copyObject(w, r)
	}
	d, err := s.receive(r)
	if err != nil {
		return err
	}
	defer d.discard()
	a := d.attributes(r.key, keptHeaders(r.Header), s.opts.Now())
	if err := s.store.put(d, a, forbidsOverwrite(r)); err != nil {
		return err
	}
	setDigests(w.Header(), a)
	w.WriteHeader(http.StatusOK)
	return nil
}

// getObject answers GET and HEAD.
func (s *Server) getObject(w http.ResponseWriter, r *request) error {
	obj, err := s.store.open(r.key)
	if err != nil {
		return err
	}
	defer obj.close()

	h := w.Header()
	switch conditionsIn(r.Header, "").of(obj.attributes) {
	case failed:
		return fault(preconditionFailed, "At least one of the conditions is not met.")
	case notModified:
		setDigests(h, obj.attributes)
		h.Set("Last-Modified", obj.Modified.Format(http.TimeFormat))
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	part, status := byteRange{0, obj.Size}, http.StatusOK
	if asked := r.Header.Get("Range"); asked != "" && r.Method == http.MethodGet && rangeStands(r.Header.Get("If-Range"), obj.attributes) {
		rng, ok := parseRange(asked, obj.Size)
		switch {
		case ok && rng.length == 0:
			h.Set("Content-Range", "bytes */"+strconv.FormatInt(obj.Size, 10))
			return fault(invalidRange, "The range begins behind the end of the object.")
		case ok:
			part, status = rng, http.StatusPartialContent
			h.Set("Content-Range", rng.contentRange(obj.Size))
		}
	}
	for name, values := range obj.Header {
		h[name] = values
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/octet-stream")
	}
	override(h, r)
	setDigests(h, obj.attributes)
	h.Set("Last-Modified", obj.Modified.Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Length", strconv.FormatInt(part.length, 10))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	if _, err = obj.file.Seek(part.start, io.SeekStart); err == nil {
		_, err = io.CopyN(w, obj.file, part.length)
	}
	if err != nil { // too late to answer it; the short body makes net/http cut the connection, which tells the client
		s.log.Warn("object sent in part", "requestId", r.id, "path", r.URL.Path, "error", err)
	}
	return nil
}

// deleteObject answers 204 whether or not there was one.
func (s *Server) deleteObject(w http.ResponseWriter, r *request) error {
	if err := s.store.delete(r.key); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// keptHeaders are those of an upload that COS keeps with the object and answers with it.
func keptHeaders(h http.Header) http.Header {
	kept := http.Header{}
	for name, values := range h {
		switch name {
		case "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires":
		default:
			if !strings.HasPrefix(name, "X-Cos-Meta-") {
				continue
			}
		}
		if slices.ContainsFunc(values, func(v string) bool { return v != "" }) { // an empty one means unset
			kept[name] = values
		}
	}
	return kept
}

// override lets the query's response-* parameters stand in for what is kept.
func override(h http.Header, r *request) {
	for _, name := range []string{
		"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires",
	} {
		if v := r.query.Get("response-" + strings.ToLower(name)); v != "" {
			h.Set(name, v)
		}
	}
}

func setDigests(h http.Header, a attributes) {
	h.Set("ETag", quote(a.ETag))
	h.Set("X-Cos-Hash-Crc64ecma", strconv.FormatUint(a.CRC64, 10))
}

func forbidsOverwrite(r *request) bool {
	return strings.EqualFold(r.Header.Get("X-Cos-Forbid-Overwrite"), "true")
}
