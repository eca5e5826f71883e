package openapi

import (
	"bytes"
	"fmt"
	"regexp"
)

// plain is a comment, or how long to wait before coming back: 2 s, or as long as spreads the clients of a relay that stops.
var plain = regexp.MustCompile(`^(:.*|retry: [1-3][0-9]{3})$`)

// durable is a stream's event that carries a number, and passing is one that does not.
var (
	durable = regexp.MustCompile(`^id: [1-9][0-9]*\nevent: (status|result)\ndata: (.*)$`)
	passing = regexp.MustCompile(`^event: (progress)\ndata: (.*)$`)
)

// events checks a stream as it is read.
type events struct {
	doc     *Document
	pending []byte // the beginning of a block that is not whole yet
}

// take takes the next bytes in, and tells what is wrong with the blocks that they end.
func (e *events) take(b []byte) error {
	e.pending = append(e.pending, b...)
	for {
		block, rest, whole := bytes.Cut(e.pending, []byte("\n\n"))
		if !whole {
			return nil
		}
		e.pending = rest
		if err := e.doc.CheckEvent(string(block)); err != nil {
			return err
		}
	}
}

// CheckEvent tells where a block of an event stream, the blank line behind it left out, is not what the document says: a retry, a
// comment, or an event.
func (d *Document) CheckEvent(block string) error {
	if plain.MatchString(block) {
		return nil
	}
	match := durable.FindStringSubmatch(block)
	if match == nil {
		match = passing.FindStringSubmatch(block)
	}
	if match == nil {
		return fmt.Errorf("no such event is documented: %.200q", block)
	}
	data, err := decode([]byte(match[2]))
	if err != nil {
		return fmt.Errorf("event %.200q: %w", block, err)
	}
	schema := map[string]string{"status": "StatusEvent", "result": "ResultEvent", "progress": "ProgressEvent"}[match[1]]
	if err := d.Check(schema, data); err != nil {
		return fmt.Errorf("event %.200q: %w", block, err)
	}
	return nil
}
