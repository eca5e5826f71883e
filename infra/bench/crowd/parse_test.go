package crowd

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// found is what a parser found.
type found struct {
	open     bool
	numbers  []int64
	comments int
}

func (f *found) opened()            { f.open = true }
func (f *found) event(number int64) { f.numbers = append(f.numbers, number) }
func (f *found) comment()           { f.comments++ }

const plainHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

const chunkedHead = "HTTP/1.1 200 OK\r\ntransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n"

const text = "retry: 2000\n\nid: 1\nevent: status\ndata: {\"a\":1}\n\n:\n\nevent: progress\ndata: 7 x\n\nid:12\r\ndata: 8\r\n\r\n: hello\n\nid: 13\n\ndata: 9 not whole"

// chunked puts text into chunks of that size.
func chunked(text string, size int) string {
	var s strings.Builder
	for part := range slices.Chunk([]byte(text), size) {
		fmt.Fprintf(&s, "%X;name=value\r\n%s\r\n", len(part), part)
	}
	return s.String()
}

func TestAnswersInPiecesOfAnySize(t *testing.T) {
	for name, answer := range map[string]string{
		"plain": plainHead + text, "one chunk": chunkedHead + chunked(text, len(text)), "chunks of 3": chunkedHead + chunked(text, 3),
		"chunks of 16": chunkedHead + chunked(text, 16), "ended": chunkedHead + chunked(text, 30) + "0\r\n\r\n",
	} {
		for size := 1; size <= len(answer); size++ {
			var got found
			p := parser{}
			for piece := range slices.Chunk([]byte(answer), size) {
				if err := p.parse(piece, &got); err != nil {
					t.Fatalf("%s by %d: %v", name, size, err)
				}
			}
			if !got.open || !slices.Equal(got.numbers, []int64{1, 12, 13}) || got.comments != 2 || string(p.id) != "13" || p.ended != (name == "ended") {
				t.Fatalf("%s by %d: %+v, id %s, ended %v", name, size, got, p.id, p.ended)
			}
		}
	}
}

func TestNumbersInData(t *testing.T) {
	var got found
	p := parser{numberInData: true}
	if err := p.parse([]byte(plainHead+text+"\n\n"), &got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.numbers, []int64{7, 8, 9}) || string(p.id) != "13" {
		t.Errorf("%+v, id %s", got, p.id)
	}
}

func TestAnswersThatAreNoStream(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n", "SSH-2.0-x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nx: " + strings.Repeat("x", longestHead), chunkedHead + "zz\r\n", chunkedHead + "fffffffff\r\n",
	} {
		if err := (&parser{}).parse([]byte(answer), &found{}); err == nil {
			t.Errorf("taken: %.60q", answer)
		}
	}
}

func TestAnEventCostsNoAllocation(t *testing.T) {
	p := parser{}
	var none counter
	if err := p.parse([]byte(chunkedHead), &none); err != nil {
		t.Fatal(err)
	}
	// Its end comes in another piece, so that the part before is kept meanwhile.
	first, second := []byte(chunked("id: 123456\nevent: status\ndata: {\"taskId\"", 100)), []byte(chunked(":1}\n\n", 100))
	feed := func() {
		if p.parse(first, &none) != nil || p.parse(second, &none) != nil {
			t.Error("not parsed")
		}
	}
	feed()
	if n := testing.AllocsPerRun(100, feed); n != 0 {
		t.Errorf("%g allocations", n)
	}
	if none != 102 {
		t.Errorf("%d events", none)
	}
}

type counter int

func (*counter) opened()       {}
func (c *counter) event(int64) { *c++ }
func (*counter) comment()      {}
