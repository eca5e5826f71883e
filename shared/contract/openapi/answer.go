package openapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// CheckAnswer tells where an answer is not what the document says of that method and path: its status, its headers, its media
// type, its body. body is what was read from res.Body. A path or method that the document does not have may only be refused.
func (d *Document) CheckAnswer(method, urlPath string, res *http.Response, body []byte) error {
	if err := d.checkHead(method, urlPath, res); err != nil {
		return err
	}
	answer, _ := d.answer(method, urlPath, res)
	if err := checkBody(d.doc, answer, method, res, body); err != nil {
		return fmt.Errorf("%s %s: the answer %d %w", method, urlPath, res.StatusCode, err)
	}
	return nil
}

// checkHead is CheckAnswer without the body.
func (d *Document) checkHead(method, urlPath string, res *http.Response) error {
	answer, known := d.answer(method, urlPath, res)
	if !known {
		return fmt.Errorf("%s %s: no answer %d is documented", method, urlPath, res.StatusCode)
	}
	if err := checkHeaders(d.doc, answer, res.Header); err != nil {
		return fmt.Errorf("%s %s: the answer %d %w", method, urlPath, res.StatusCode, err)
	}
	return nil
}

// anyAnswers are headers of HTTP itself and of the Fetch standard, which any answer may carry.
func anyAnswers(name string) bool {
	switch name {
	case "Connection", "Content-Length", "Content-Type", "Date", "Server", "Vary":
		return true
	}
	return strings.HasPrefix(name, "Access-Control-")
}

func checkHeaders(doc *openapi3.T, answer *openapi3.Response, got http.Header) error {
	for name, h := range answer.Headers {
		text := got.Get(name)
		switch {
		case text == "" && h.Value.Required:
			return fmt.Errorf("lacks the header %s", name)
		case text == "":
		default:
			if err := check(doc, h.Value.Schema, scalar(h.Value.Schema, text)); err != nil {
				return fmt.Errorf("has a header %s: %w", name, err)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		documented := slices.ContainsFunc(slices.Collect(maps.Keys(answer.Headers)), func(h string) bool { return strings.EqualFold(h, name) })
		if !documented && !anyAnswers(name) {
			return fmt.Errorf("has a header %s, which is not documented", name)
		}
	}
	return nil
}

func checkBody(doc *openapi3.T, answer *openapi3.Response, method string, res *http.Response, body []byte) error {
	if len(answer.Content) == 0 || method == http.MethodHead {
		if len(body) > 0 {
			return errors.New("has a body")
		}
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("has a Content-Type: %w", err)
	}
	media := answer.Content[mediaType]
	if media == nil {
		return fmt.Errorf("is %s", mediaType)
	}
	if !strings.HasSuffix(mediaType, "json") {
		return nil
	}
	value, err := decode(body)
	if err != nil {
		return err
	}
	return check(doc, media.Schema, value)
}

// decode reads a body that is one JSON value.
func decode(body []byte) (value any, err error) {
	dec := json.NewDecoder(strings.NewReader(string(body)))
	if err := dec.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("has more than one JSON value")
	}
	return value, nil
}

// scalar reads a text of a header, a query or a form as the schema has it. What is no number stays text, which the schema then
// refuses.
func scalar(schema *openapi3.SchemaRef, text string) any {
	if schema.Value.Type.Includes(openapi3.TypeInteger) || schema.Value.Type.Includes(openapi3.TypeNumber) {
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	}
	return text
}

// answer finds what is documented for an answer's status.
func (d *Document) answer(method, urlPath string, res *http.Response) (*openapi3.Response, bool) {
	item, _ := find(d.doc, urlPath)
	shared := func(name string) (*openapi3.Response, bool) { return d.doc.Components.Responses[name].Value, true }
	switch {
	case method == http.MethodOptions && res.Header.Get("Access-Control-Allow-Methods") != "":
		return d.doc.Components.Responses["Preflight"].Value, res.StatusCode == http.StatusNoContent
	case item == nil && res.StatusCode == http.StatusNotFound:
		return shared("NotFound")
	case item == nil:
		return nil, false
	}
	op := item.GetOperation(method)
	if op == nil && method == http.MethodHead {
		op = item.Get
	}
	if op == nil {
		if res.StatusCode == http.StatusMethodNotAllowed {
			return shared("MethodNotAllowed")
		}
		return nil, false
	}
	if own := op.Responses.Value(strconv.Itoa(res.StatusCode)); own != nil {
		return own.Value, true
	}
	return nil, false
}
