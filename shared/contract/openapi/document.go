// Package openapi holds tests to the API's document, infra/docs/openapi.yaml.
package openapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Document is the API's document, stricter with answers than a client of the API may be: objects have no members beside those
// that it names, so that a member which nobody wrote down shows.
type Document struct {
	doc  *openapi3.T // for answers, and for the words of our own examples
	open *openapi3.T // for requests, whose readers ignore what they don't know
}

// Load reads the document from a file. An error says where it is not valid OpenAPI.
func Load(file string) (*Document, error) {
	doc, err := read(file)
	if err != nil {
		return nil, err
	}
	for _, s := range doc.Components.Schemas {
		seal(s.Value)
	}
	open, err := read(file)
	return &Document{doc: doc, open: open}, err
}

func read(file string) (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", file, err)
	}
	// The library takes an example by reference for null; Examples lists them to be checked.
	if err := doc.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return doc, nil
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
	return check(d.doc, ref, value)
}

func check(doc *openapi3.T, ref *openapi3.SchemaRef, value any) error {
	err := doc.ValidateSchemaJSON(ref.Value, value, openapi3.EnableJSONSchema2020(), openapi3.EnableFormatValidation())
	if err == nil {
		return nil
	}
	// The rest is the schema and the whole value.
	what, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(strings.ReplaceAll(what, "validation failed due to: ", ""))
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
				all = append(all, Example{name, func(value any) error { return check(d.doc, media.Schema, value) }})
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

// find tells the path in whose form urlPath, escaped, is, the one with the most fixed segments where there are several, and the values of
// the others. It is nil where the document has none.
func find(doc *openapi3.T, urlPath string) (item *openapi3.PathItem, values map[string]string) {
	asked := strings.Split(urlPath, "/")
	best := -1
	for pattern, candidate := range doc.Paths.Map() {
		if vals, fixed, ok := match(strings.Split(pattern, "/"), asked); ok && fixed > best {
			best, item, values = fixed, candidate, vals
		}
	}
	return item, values
}

func match(pattern, asked []string) (values map[string]string, fixed int, ok bool) {
	if len(pattern) != len(asked) {
		return nil, 0, false
	}
	values = map[string]string{}
	for i, segment := range pattern {
		got, err := url.PathUnescape(asked[i])
		switch {
		case err != nil:
			return nil, 0, false
		case segment == got:
			fixed++
		case strings.HasPrefix(segment, "{") && got != "":
			values[strings.Trim(segment, "{}")] = got
		default:
			return nil, 0, false
		}
	}
	return values, fixed, true
}
