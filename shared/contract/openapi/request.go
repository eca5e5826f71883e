package openapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
)

// CheckRequest tells where a request is not what the document asks for: its parameters, its media type, its body. Who sends it is
// not looked at. body is what r.Body had.
func (d *Document) CheckRequest(r *http.Request, body []byte) error {
	if err := d.checkRequest(r, body); err != nil {
		return fmt.Errorf("%s %s: the request %w", r.Method, r.URL.Path, err)
	}
	return nil
}

func (d *Document) checkRequest(r *http.Request, body []byte) error {
	item, values := find(d.open, r.URL.EscapedPath())
	if item == nil {
		return errors.New("has a path that is not documented")
	}
	op := item.GetOperation(r.Method)
	if op == nil && r.Method == http.MethodHead {
		op = item.Get
	}
	if op == nil {
		return errors.New("has a method that is not documented")
	}
	for _, p := range append(item.Parameters, op.Parameters...) {
		if err := d.checkParameter(r, p.Value, values); err != nil {
			return fmt.Errorf("has a %s parameter %s: %w", p.Value.In, p.Value.Name, err)
		}
	}
	if op.RequestBody == nil {
		return nil
	}
	return d.checkSent(op.RequestBody.Value, r.Header.Get("Content-Type"), body)
}

func (d *Document) checkParameter(r *http.Request, p *openapi3.Parameter, path map[string]string) error {
	var text string
	var sent bool
	switch p.In {
	case openapi3.ParameterInPath:
		text, sent = path[p.Name]
	case openapi3.ParameterInQuery:
		query := r.URL.Query()
		text, sent = query.Get(p.Name), query.Has(p.Name)
	case openapi3.ParameterInHeader:
		text, sent = r.Header.Get(p.Name), r.Header.Values(p.Name) != nil
	}
	if !sent {
		if p.Required {
			return errors.New("is missing")
		}
		return nil
	}
	return check(d.open, p.Schema, scalar(p.Schema, text))
}

func (d *Document) checkSent(sent *openapi3.RequestBody, contentType string, body []byte) error {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("has a Content-Type: %w", err)
	}
	media := sent.Content[mediaType]
	if media == nil {
		return fmt.Errorf("is %s", mediaType)
	}
	var value any
	if mediaType == "multipart/form-data" {
		value, err = form(media.Schema.Value, params["boundary"], body)
	} else {
		value, err = decode(body)
	}
	if err != nil {
		return err
	}
	return check(d.open, media.Schema, value)
}

// form reads a form as the object that its schema describes.
func form(schema *openapi3.Schema, boundary string, body []byte) (map[string]any, error) {
	fields := map[string]any{}
	for parts := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		part, err := parts.NextRawPart()
		if err == io.EOF { //nolint:errorlint // only a whole form ends so
			return fields, nil
		}
		if err != nil {
			return nil, fmt.Errorf("has a form: %w", err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, fmt.Errorf("has a form: %w", err)
		}
		name := part.FormName()
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("has a form with two parts %s", name)
		}
		fields[name] = string(content)
		if property := schema.Properties[name]; property != nil {
			fields[name] = scalar(property, string(content))
		}
	}
}
