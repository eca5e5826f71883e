package main

import (
	"fmt"
	"strings"
	"testing"
)

// streamOf writes a task's stream with durable events of those numbers, the last of them COMPLETED.
func streamOf(numbers ...int) string {
	var s strings.Builder
	s.WriteString("retry: 2000\n\n")
	for i, n := range numbers {
		status := "PROCESSING"
		if i == len(numbers)-1 {
			status = "COMPLETED"
		}
		fmt.Fprintf(&s, "id: %d\nevent: status\ndata: {\"status\":\"%s\"}\n\nevent: progress\ndata: {}\n\n", n, status)
	}
	return s.String()
}

func TestAStreamThatLosesOrDoublesAnEventIsNoLife(t *testing.T) {
	if err := readLife(strings.NewReader(streamOf(1, 2, 3, 4, 5, 6))); err != nil {
		t.Errorf("a whole stream: %v", err)
	}
	for name, stream := range map[string]string{
		"one is lost":     streamOf(1, 2, 4, 5, 6),
		"one comes twice": streamOf(1, 2, 3, 3, 4, 5, 6),
		"too few":         streamOf(1, 2, 3, 4, 5),
		"too many":        streamOf(1, 2, 3, 4, 5, 6, 7),
		"no end":          strings.ReplaceAll(streamOf(1, 2, 3, 4, 5, 6), "COMPLETED", "PROCESSING"),
	} {
		if readLife(strings.NewReader(stream)) == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
