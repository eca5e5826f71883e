// Package cosd is Tencent COS over a folder: the HTTP API of one bucket, for the SDKs as they are.
//
// It speaks what recon3d and its users' tools need of COS: objects with ranges, conditions and metadata, copies, lists,
// multipart uploads, presigned URLs, form uploads under a policy, CORS, and errors in COS's XML. It verifies every
// signature as COS does, and holds each caller to its CAM policy. What it does not do (versions, ACLs, encryption, lifecycle, …) it refuses with NotImplemented
// rather than pretending.
//
// Addressing is host style, the only one that the SDKs know: whatever host name a request comes by, its path is the key.
//
// An object is one plain file, written beside and renamed into place (file.go), and not gocloud.dev's fileblob: there an
// object is two files, which a crash can part, the keys `a` and `a/b` exclude each other, and a key may not be longer
// than a file name.
package cosd

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxKey    = 850      // bytes of an object's key
	maxObject = 5 << 30  // bytes of one upload request
	drained   = 64 << 20 // bytes of a refused body that are still read
)

// What the bucket is called where Options don't say.
const (
	DefaultBucket = "local-1250000000"
	DefaultRegion = "local"
)

// Options of a Server. SecretID and SecretKey, the owner's, must be there.
type Options struct {
	SecretID     string
	SecretKey    string
	SessionToken string           // where set, the owner's requests must carry it as x-cos-security-token
	Callers      []Caller         // who else has keys
	Bucket       string           // as answers and policies name it, {name}-{appid}; by default DefaultBucket
	Region       string           // as policies name it; by default DefaultRegion
	CORSOrigins  []string         // who may call from a browser; `*` is anyone, none is nobody
	Logger       *slog.Logger     // by default slog.Default()
	Now          func() time.Time // by default time.Now
}

// Server is an http.Handler. Mount it at the root of a host of its own.
type Server struct {
	opts    Options
	log     *slog.Logger
	store   *store
	callers map[string]Caller // by SecretID
	routes  map[string]route
}

// route is an operation: who answers it, and the action that its caller must be allowed on the key; "" where the handler
// itself asks.
type route struct {
	handle handler
	action string
}

// handler answers a request, or returns an error before it has written anything.
type handler func(w http.ResponseWriter, r *request) error

// request is an HTTP request and what it means to COS.
type request struct {
	*http.Request
	id     string
	key    string     // "" for the bucket itself
	query  url.Values // of the raw query, in which `;` is an ordinary character
	caller Caller     // whose signature it carries
}

// New opens the folder dir, which is made where it is missing. One server at a time may have it.
func New(dir string, opts Options) (*Server, error) {
	if opts.SecretID == "" || opts.SecretKey == "" {
		return nil, errors.New("cosd: SecretID and SecretKey must be set")
	}
	opts.Bucket, opts.Region = cmp.Or(opts.Bucket, DefaultBucket), cmp.Or(opts.Region, DefaultRegion)
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	st, err := openStore(dir, opts.Logger)
	if err != nil {
		return nil, fmt.Errorf("open COS folder %s: %w", dir, err)
	}
	s := &Server{opts: opts, log: opts.Logger, store: st, callers: map[string]Caller{}}
	owner := Caller{Name: "the owner", SecretID: opts.SecretID, SecretKey: opts.SecretKey, SessionToken: opts.SessionToken}
	for _, c := range append(opts.Callers, owner) {
		s.callers[c.SecretID] = c
	}
	s.routes = map[string]route{
		"GET /":                {s.listObjects, ""}, // on the prefix
		"HEAD /":               {s.headBucket, "HeadBucket"},
		"POST /":               {s.postObject, ""},    // its form carries the signature
		"POST /?delete":        {s.deleteObjects, ""}, // on each object
		"GET /?uploads":        {s.listUploads, ""},   // on the prefix
		"GET /key":             {s.getObject, "GetObject"},
		"HEAD /key":            {s.getObject, "HeadObject"},
		"PUT /key":             {s.putObject, "PutObject"}, // and GetObject on the source of a copy
		"DELETE /key":          {s.deleteObject, "DeleteObject"},
		"POST /key?uploads":    {s.initiateUpload, "InitiateMultipartUpload"},
		"PUT /key?uploadId":    {s.uploadPart, ""}, // a part that is copied is another action
		"GET /key?uploadId":    {s.listParts, "ListParts"},
		"POST /key?uploadId":   {s.completeUpload, "CompleteMultipartUpload"},
		"DELETE /key?uploadId": {s.abortUpload, "AbortMultipartUpload"},
	}
	return s, nil
}

// ServeHTTP answers one request to the bucket.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r := &request{Request: hr, id: randomHex(12)}
	w.Header().Set("X-Cos-Request-Id", r.id)
	s.allowOrigin(w, hr)
	if err := s.serve(w, r); err != nil {
		s.fail(w, r, err)
		return
	}
	s.log.Debug("cos request", "requestId", r.id, "method", r.Method, "path", r.URL.Path)
}

func (s *Server) serve(w http.ResponseWriter, r *request) (err error) {
	r.key = strings.TrimPrefix(r.URL.Path, "/")
	if r.query, err = parseQuery(r.URL.RawQuery); err != nil {
		return fault(invalidURI, "The query can't be decoded.")
	}
	if r.Method == http.MethodOptions {
		return s.preflight(w, r)
	}
	route, op, err := s.route(r)
	if err != nil {
		return err
	}
	if op != "POST /" {
		if err := s.authenticate(r); err != nil {
			return err
		}
	}
	if r.key != "" {
		if err := checkKey(r.key); err != nil {
			return err
		}
	}
	if err := refuseUnsupported(r); err != nil {
		return err
	}
	if route.action != "" {
		if err := s.allow(r, route.action, r.key); err != nil {
			return err
		}
	}
	return route.handle(w, r)
}

// route finds what r asks for. op is its name in the table.
func (s *Server) route(r *request) (found route, op string, err error) {
	target := "/"
	if r.key != "" {
		target = "/key"
	}
	for _, sub := range []string{"delete", "uploads", "uploadId"} {
		if r.query.Has(sub) {
			target += "?" + sub
			break
		}
	}
	op = r.Method + " " + target
	if found, ok := s.routes[op]; ok {
		return found, op, nil
	}
	var allow []string
	for known := range s.routes {
		if method, found := strings.CutSuffix(known, " "+target); found {
			allow = append(allow, method)
		}
	}
	slices.Sort(allow)
	return route{}, op, &apiError{Code: methodNotAllowed, Message: "The method is not allowed for this resource.", Allow: strings.Join(allow, ", ")}
}

// refuseUnsupported keeps a request for something that this server has not from being taken for a plain one: a PUT of an
// ACL must not overwrite the object.
func refuseUnsupported(r *request) error {
	for _, sub := range []string{
		"accelerate", "acl", "append", "ci-process", "cors", "domain", "encryption", "intelligenttiering", "inventory",
		"legal-hold", "lifecycle", "location", "logging", "object-lock", "origin", "policy", "referer", "replication",
		"restore", "retention", "select", "symlink", "tagging", "torrent", "versionId", "versioning", "versions", "website",
	} {
		if r.query.Has(sub) {
			return fault(notImplemented, "This server does not know ?"+sub+".")
		}
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Cos-Grant-") || strings.HasPrefix(name, "X-Cos-Server-Side-Encryption-Customer-") {
			return fault(notImplemented, "This server does not know the header "+name+".")
		}
	}
	if acl := r.Header.Get("X-Cos-Acl"); acl != "" && acl != "private" && acl != "default" {
		return fault(notImplemented, "All objects of this server are private.")
	}
	return nil
}

// fail answers err in COS's XML and logs it. The body of a refused upload is read on for a while, so that a client that
// is still sending sees the answer and not a reset connection.
func (s *Server) fail(w http.ResponseWriter, r *request, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{Code: internalError, Message: "We encountered an internal error. Please try again."}
	}
	level := slog.LevelInfo
	var denied *notAllowed
	switch {
	case e.status() >= http.StatusInternalServerError:
		level = slog.LevelError
	case errors.As(err, &denied):
		level = slog.LevelWarn
	}
	s.log.Log(r.Context(), level, "cos request failed",
		"requestId", r.id, "method", r.Method, "path", r.URL.Path, "code", string(e.Code), "error", err)

	if r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, r.Body, drained) // its error says only that there is nobody to answer
	}
	if e.Allow != "" {
		w.Header().Set("Allow", e.Allow)
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(e.status())
		return
	}
	writeXML(w, e.status(), errorBody{Code: string(e.Code), Message: e.Message, Resource: r.Host + r.URL.Path, RequestID: r.id, TraceID: r.id})
}

func (s *Server) headBucket(w http.ResponseWriter, _ *request) error {
	w.WriteHeader(http.StatusOK)
	return nil
}

// checkKey refuses what COS has no name for. Any other sequence of characters is a key of its own: nothing is cleaned.
func checkKey(key string) error {
	switch {
	case key == "":
		return fault(invalidArgument, "The object key is empty.")
	case len(key) > maxKey:
		return fault(keyTooLong, fmt.Sprintf("The object key is over %d bytes.", maxKey))
	case !utf8.ValidString(key):
		return fault(invalidURI, "The object key is not UTF-8.")
	}
	return nil
}

// parseQuery reads a raw query. net/url's own parser rejects the `;` of q-sign-time.
func parseQuery(raw string) (url.Values, error) {
	values := url.Values{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, err
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, err
		}
		values.Add(name, value)
	}
	return values, nil
}

// randomHex is a name that nobody else has: n random bytes in hexadecimal.
func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}
