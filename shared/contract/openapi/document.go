// Package openapi holds tests to the API's document, infra/docs/openapi.yaml.
package openapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Document is the API's document, stricter than a client of the API may be: objects have no members beside those that it
// names, so that a member which nobody wrote down shows.
type Document struct{ doc *openapi3.T }

// Load reads the document from a file. An error says where it is not valid OpenAPI.
func Load(file string) (*Document, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", file, err)
	}
	// The library takes an example by reference for null; Examples lists them to be checked.
	if err := doc.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, s := range doc.Components.Schemas {
		seal(s.Value)
	}
	return &Document{doc}, nil
}

func seal(s *openapi3.Schema) {
	if len(s.Properties) > 0 {
		closed := false
		s.AdditionalProperties = openapi3.BoolSchema{Has: &closed}
	}
	for _, p := range s.Properties {
		if p.Ref == "" {
			seal(p.Value)
		}
	}
}

// Check tells where value, as encoding/json decodes into an any, is not what the schema of that name says.
func (d *Document) Check(schema string, value any) error {
	ref, ok := d.doc.Components.Schemas[schema]
	if !ok {
		return fmt.Errorf("there is no schema %s", schema)
	}
	return d.check(ref, value)
}

func (d *Document) check(ref *openapi3.SchemaRef, value any) error {
	return d.doc.ValidateSchemaJSON(ref.Value, value, openapi3.EnableJSONSchema2020(), openapi3.EnableFormatValidation())
}

// Codes lists the codes of problem documents.
func (d *Document) Codes() []string {
	var codes []string
	for _, v := range d.doc.Components.Schemas["ProblemCode"].Value.Enum {
		codes = append(codes, fmt.Sprint(v))
	}
	return codes
}

// Example is a file that the document names as an example of a body.
type Example struct {
	Name  string // of the file, without .json
	Check func(value any) error
}

// Examples lists all, of what operations take and answer.
func (d *Document) Examples() []Example {
	var all []Example
	add := func(c openapi3.Content) {
		for _, media := range c {
			for _, e := range media.Examples {
				name := strings.TrimSuffix(path.Base(e.Value.ExternalValue), ".json")
				all = append(all, Example{name, func(value any) error { return d.check(media.Schema, value) }})
			}
		}
	}
	for _, item := range d.doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.RequestBody != nil {
				add(op.RequestBody.Value.Content)
			}
			for _, answer := range op.Responses.Map() {
				add(answer.Value.Content)
			}
		}
	}
	return all
}

// CheckAnswer tells where an answer is not what the document says of that method and path: its status, its media type, its
// body. body is what was read from res.Body. A path that the document does not have may only be answered by a problem.
func (d *Document) CheckAnswer(method, urlPath string, res *http.Response, body []byte) error {
	answer, known := d.answer(method, urlPath, res.StatusCode)
	if !known {
		return fmt.Errorf("%s %s: no answer %d is documented", method, urlPath, res.StatusCode)
	}
	for _, name := range slices.Sorted(maps.Keys(answer.Headers)) {
		if h := answer.Headers[name]; h.Value.Required && res.Header.Get(name) == "" {
			return fmt.Errorf("%s %s: the answer %d lacks the header %s", method, urlPath, res.StatusCode, name)
		}
	}
	if len(answer.Content) == 0 || method == http.MethodHead {
		if len(body) > 0 {
			return fmt.Errorf("%s %s: the answer %d has a body", method, urlPath, res.StatusCode)
		}
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("%s %s: Content-Type: %w", method, urlPath, err)
	}
	media := answer.Content[mediaType]
	if media == nil {
		return fmt.Errorf("%s %s: the answer %d is %s", method, urlPath, res.StatusCode, mediaType)
	}
	if !strings.HasSuffix(mediaType, "json") {
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(string(body)))
	var value any
	if err := dec.Decode(&value); err != nil {
		return fmt.Errorf("%s %s: the answer %d: %w", method, urlPath, res.StatusCode, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("%s %s: the answer %d has more than one JSON value", method, urlPath, res.StatusCode)
	}
	if err := d.check(media.Schema, value); err != nil {
		return fmt.Errorf("%s %s: the answer %d: %w", method, urlPath, res.StatusCode, err)
	}
	return nil
}

// answer finds what is documented for a status: its own answer, else the path's default one.
func (d *Document) answer(method, urlPath string, status int) (*openapi3.Response, bool) {
	item := d.item(urlPath)
	var op *openapi3.Operation
	if item != nil {
		if op = item.GetOperation(method); op == nil && method == http.MethodHead {
			op = item.Get
		}
	}
	if op == nil {
		// Refused before it reached an operation.
		return d.doc.Components.Responses["Problem"].Value, status >= http.StatusBadRequest
	}
	if own := op.Responses.Value(strconv.Itoa(status)); own != nil {
		return own.Value, true
	}
	if other := op.Responses.Default(); other != nil && status >= http.StatusBadRequest {
		return other.Value, true
	}
	return nil, false
}

// item finds the path in whose form urlPath is, the one with the most fixed segments where there are several.
func (d *Document) item(urlPath string) *openapi3.PathItem {
	asked := strings.Split(urlPath, "/")
	var found *openapi3.PathItem
	best := -1
	for pattern, item := range d.doc.Paths.Map() {
		segments := strings.Split(pattern, "/")
		if len(segments) != len(asked) {
			continue
		}
		fixed := 0
		for i, s := range segments {
			if s == asked[i] {
				fixed++
			} else if !strings.HasPrefix(s, "{") {
				fixed = -1
				break
			}
		}
		if fixed > best {
			best, found = fixed, item
		}
	}
	return found
}
