package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"time"
)

// poster is one connection on which requests are posted and answers awaited, in turn, with little else: what publishing costs the
// generator is not to be what is measured.
type poster struct {
	conn   net.Conn
	answer *bufio.Reader
	unsent []byte
}

// post posts data and waits for the answer, which has to be a success.
func (p *poster) post(ctx context.Context, address, path string, data []byte) error {
	if p.conn == nil {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		p.conn, p.answer = conn, bufio.NewReaderSize(conn, 1<<10)
	}
	if err := p.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	p.unsent = fmt.Appendf(p.unsent[:0], "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s", path, len(data), data)
	if _, err := p.conn.Write(p.unsent); err != nil {
		return err
	}
	err := p.await()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("what was published is not answered within %s", patience)
	}
	return err
}

// await reads an answer.
func (p *poster) await() error {
	status, err := p.answer.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 20")) {
		return fmt.Errorf("answered %s", bytes.TrimSpace(status))
	}
	length := 0
	for {
		line, err := p.answer.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = textproto.TrimBytes(line)
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	_, err = io.CopyN(io.Discard, p.answer, int64(length))
	return err
}

func (p *poster) close() error {
	if p.conn == nil {
		return nil
	}
	return p.conn.Close()
}
