package main

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
)

// routes are the paths that infra/cloud/routes.yaml leads here. What else arrives is answered 404 as by every function: a
// path of the API that went astray must never look like a page.
func (s site) routes() httpjson.Routes {
	return httpjson.Routes{
		"/":                 {http.MethodGet: s.page}, // pictures
		"/app":              {http.MethodGet: s.page},
		"/app/{view...}":    {http.MethodGet: s.page}, // the app's other views: it reads the address itself
		"/assets/{name...}": {http.MethodGet: s.asset},
	}
}

func (s site) page(w http.ResponseWriter, r *http.Request) error {
	s[pageName].serve(w, r)
	return nil
}

// asset answers a file, or that it is not there, as every function does: who asks for a script has no use for the page.
func (s site) asset(w http.ResponseWriter, r *http.Request) error {
	f, ok := s[assetFolder+r.PathValue("name")]
	if !ok {
		return fault.New(fault.NotFound, "There is no such file.")
	}
	f.serve(w, r)
	return nil
}

// serve answers with the form of f that the caller takes. net/http sees to HEAD, If-None-Match and Range.
func (f file) serve(w http.ResponseWriter, r *http.Request) {
	form := f.forms[choose(f.encodings(), r.Header.Values("Accept-Encoding"))]
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", f.cacheControl)
	h.Set("ETag", form.etag)
	if len(f.forms) > 1 {
		h.Add("Vary", "Accept-Encoding")
	}
	if form.encoding != identity {
		h.Set("Content-Encoding", form.encoding)
		h.Set("Content-Length", strconv.Itoa(len(form.body))) // which net/http leaves out where there is an encoding
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(form.body)) // no time: those of an archive mean nothing
}
