// Package httpjson is what every function's HTTP has in common: routes, JSON in and out, and the one table that turns an
// error into a problem document.
package httpjson

import (
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"

	"github.com/recon3d/recon3d/shared/fault"
)

// HandlerFunc answers a request, or returns why it can't, which is answered as a problem document.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// Routes is a function's paths, each with its methods. A path is made of fixed segments and of `{name}` ones (read by
// r.PathValue); where both fit, the fixed one wins, whatever the method: `/picture/upload` is never a picture's id. A last
// `{name...}` stands for all that follows, which may be nothing.
// HEAD is answered wherever GET is, unless the path names it (a nil handler: not allowed).
type Routes map[string]map[string]HandlerFunc

// find tells the methods of the path that r asks for and puts its pattern and values into r.
func (rs Routes) find(r *http.Request) (methods map[string]HandlerFunc) {
	asked := strings.Split(r.URL.EscapedPath(), "/")
	best := -1
	var values map[string]string
	for pattern, m := range rs {
		if vals, fixed, ok := match(strings.Split(pattern, "/"), asked); ok && fixed > best {
			best, methods, values, r.Pattern = fixed, m, vals, pattern
		}
	}
	for k, v := range values {
		r.SetPathValue(k, v)
	}
	return methods
}

// match tells whether the asked segments fit the pattern's, with how many fixed ones, and the others' values.
func match(pattern, asked []string) (values map[string]string, fixed int, ok bool) {
	open := strings.HasSuffix(pattern[len(pattern)-1], "...}")
	if len(asked) < len(pattern) || len(asked) > len(pattern) && !open {
		return nil, 0, false
	}
	values = map[string]string{}
	for i, p := range pattern {
		if name, ok := strings.CutSuffix(p, "...}"); ok {
			rest, err := url.PathUnescape(strings.Join(asked[i:], "/"))
			values[strings.TrimPrefix(name, "{")] = rest
			return values, fixed, err == nil
		}
		got, err := url.PathUnescape(asked[i])
		if err != nil {
			return nil, 0, false
		}
		switch {
		case strings.HasPrefix(p, "{"):
			if got == "" {
				return nil, 0, false
			}
			values[strings.Trim(p, "{}")] = got
		case p == got:
			fixed++
		default:
			return nil, 0, false
		}
	}
	return values, fixed, true
}

// serve answers r by its route.
func (rs Routes) serve(w http.ResponseWriter, r *http.Request) error {
	methods := rs.find(r)
	if methods == nil {
		return fault.New(fault.NotFound, "")
	}
	h, named := methods[r.Method]
	if !named && r.Method == http.MethodHead {
		h = methods[http.MethodGet]
	}
	if h == nil {
		return &fault.Error{Code: fault.MethodNotAllowed, Allow: allow(methods)}
	}
	return h(w, r)
}

// allow tells a path's methods, as the Allow header wants them.
func allow(methods map[string]HandlerFunc) string {
	var names []string
	for m, h := range methods {
		if h != nil {
			names = append(names, m)
		}
	}
	if _, named := methods[http.MethodHead]; !named && slices.Contains(names, http.MethodGet) {
		names = append(names, http.MethodHead)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}
