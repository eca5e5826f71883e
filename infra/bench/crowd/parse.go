package crowd

import (
	"bytes"
	"fmt"
)

// parser reads one answer as it comes, in pieces of any size: its head, the chunks of RFC 9112 §7.1 where it is in such, and the
// lines of events. It keeps nothing of an event but its number and id.
type parser struct {
	numberInData bool

	inBody  bool
	chunked bool
	left    int  // bytes of the present chunk
	skip    int  // of the line end behind it
	size    int  // of the next chunk, as far as it is known
	inExt   bool // behind the size, in the line that tells it
	ended   bool // the last chunk has come

	rest   []byte // of a line, or of the head, that is not whole
	number int64  // of the event that is being read
	id     []byte // of the last event that had one
}

// sink takes what a parser finds.
type sink interface {
	opened()
	event(number int64)
	comment()
}

const longestHead = 16 << 10

// parse reads a piece. An error: the answer is no stream.
func (p *parser) parse(b []byte, to sink) error {
	if !p.inBody {
		p.rest = append(p.rest, b...)
		head, body, whole := bytes.Cut(p.rest, []byte("\r\n\r\n"))
		if !whole {
			if len(p.rest) > longestHead {
				return fmt.Errorf("the answer's head is longer than %d bytes", longestHead)
			}
			return nil
		}
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
			line, _, _ := bytes.Cut(head, []byte("\r\n"))
			return fmt.Errorf("answered %s", line)
		}
		p.inBody = true
		p.chunked = bytes.Contains(bytes.ToLower(head), []byte("\r\ntransfer-encoding: chunked"))
		to.opened()
		p.rest, b = nil, body
	}
	if !p.chunked {
		p.lines(b, to)
		return nil
	}
	return p.chunks(b, to)
}

func (p *parser) chunks(b []byte, to sink) error {
	for len(b) > 0 && !p.ended {
		switch {
		case p.left > 0:
			n := min(p.left, len(b))
			p.lines(b[:n], to)
			b = b[n:]
			if p.left -= n; p.left == 0 {
				p.skip = len("\r\n")
			}
		case p.skip > 0:
			n := min(p.skip, len(b))
			b = b[n:]
			p.skip -= n
		default:
			c := b[0]
			b = b[1:]
			digit, isDigit := hex(c)
			switch {
			case c == '\n':
				p.left, p.size, p.inExt = p.size, 0, false
				p.ended = p.left == 0
			case c == ';' || c == '\r' || p.inExt:
				p.inExt = true
			case isDigit && p.size < 1<<28:
				p.size = p.size<<4 | digit
			default:
				return fmt.Errorf("%q in the size of a chunk", c)
			}
		}
	}
	return nil
}

func hex(c byte) (int, bool) {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0'), true
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10, true
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10, true
	}
	return 0, false
}

// lines reads the text of the stream. An event is whole at the empty line behind it.
func (p *parser) lines(b []byte, to sink) {
	for {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			p.rest = append(p.rest, b...)
			return
		}
		line := b[:end]
		b = b[end+1:]
		if len(p.rest) > 0 {
			p.rest = append(p.rest, line...)
			line = p.rest
		}
		p.line(bytes.TrimSuffix(line, []byte("\r")), to)
		p.rest = p.rest[:0]
	}
}

func (p *parser) line(line []byte, to sink) {
	if len(line) == 0 {
		if p.number > 0 {
			to.event(p.number)
		}
		p.number = 0
		return
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "":
		to.comment()
	case "id":
		p.id = append(p.id[:0], value...)
		if !p.numberInData {
			p.number = leadingNumber(value)
		}
	case "data":
		if p.numberInData {
			p.number = leadingNumber(value)
		}
	}
}

// leadingNumber is 0 where there is none.
func leadingNumber(b []byte) (n int64) {
	for _, c := range b {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + int64(c-'0')
	}
	return n
}
