package cosd

import (
	"encoding/xml"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const maxFields = 1 << 20 // bytes of a form without its file

type postResult struct {
	XMLName  xml.Name `xml:"PostResponse"`
	Location string
	Bucket   string
	Key      string
	ETag     string
}

// postObject stores the file of an HTML form, as the policy in it allows (POST Object). The file is the last field.
func (s *Server) postObject(w http.ResponseWriter, r *request) error {
	reader, err := r.MultipartReader()
	if err != nil {
		return malformedForm(err)
	}
	form, file, err := readFields(reader)
	if err != nil {
		return err
	}
	if err := checkKey(form["key"]); err != nil {
		return err
	}
	form["bucket"] = s.opts.Bucket // what a policy may ask for and no form carries
	p, err := s.authorize(r, form)
	if err != nil {
		return err
	}
	header := http.Header{}
	for name, value := range form {
		header.Set(name, value)
	}
	content, err := stated(file, header, p.maxSize)
	if err != nil {
		return err
	}
	d, err := s.store.draft(content)
	if err != nil {
		return err
	}
	defer d.discard()
	if d.size < p.minSize {
		return fault(entityTooSmall, "The file is under the size that the policy allows.")
	}
	if err := endOfForm(reader); err != nil {
		return err
	}
	a := d.attributes(form["key"], keptHeaders(header), s.opts.Now())
	if err := s.store.put(d, a, false); err != nil {
		return err
	}
	return s.answerPost(w, r, form, a)
}

// readFields reads a form up to its file. Names are lower case, and ${filename} in the key is replaced.
func readFields(reader *multipart.Reader) (form map[string]string, file *multipart.Part, err error) {
	form = map[string]string{}
	left := int64(maxFields)
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, nil, fault(incorrectFiles, "A form has one file.")
		}
		if err != nil {
			return nil, nil, malformedForm(err)
		}
		name := strings.ToLower(part.FormName())
		if name == "file" {
			form["key"] = strings.ReplaceAll(form["key"], "${filename}", part.FileName())
			return form, part, nil
		}
		value, err := io.ReadAll(io.LimitReader(part, left+1))
		if err != nil {
			return nil, nil, malformedForm(err)
		}
		if left -= int64(len(value)); left < 0 {
			return nil, nil, malformedForm(errors.New("too many fields"))
		}
		form[name] = string(value)
	}
}

// endOfForm reads what follows the file: nothing that counts, but it must be there, else the upload was cut short.
func endOfForm(reader *multipart.Reader) error {
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return malformedForm(err)
		}
		if strings.EqualFold(part.FormName(), "file") {
			return fault(incorrectFiles, "A form has one file.")
		}
	}
}

func malformedForm(cause error) error {
	return &apiError{Code: malformedPOSTRequest, Message: "The body is not well-formed multipart/form-data.", Cause: cause}
}

// answerPost answers as the form asks: a redirect, 201 with a body, 200, or 204.
func (s *Server) answerPost(w http.ResponseWriter, r *request, form map[string]string, a attributes) error {
	setDigests(w.Header(), a)
	if to, err := url.Parse(form["success_action_redirect"]); err == nil && to.Host != "" {
		query := to.Query()
		query.Set("bucket", s.opts.Bucket)
		query.Set("key", a.Key)
		query.Set("etag", quote(a.ETag))
		to.RawQuery = query.Encode()
		w.Header().Set("Location", to.String())
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	w.Header().Set("Location", location(r, a.Key))
	switch form["success_action_status"] {
	case strconv.Itoa(http.StatusCreated):
		writeXML(w, http.StatusCreated, postResult{Location: location(r, a.Key), Bucket: s.opts.Bucket, Key: a.Key, ETag: quote(a.ETag)})
	case strconv.Itoa(http.StatusOK):
		w.WriteHeader(http.StatusOK)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
	return nil
}
