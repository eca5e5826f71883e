package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// countGoroutines tells how many goroutines each function has that has lived through everything, and how many its successor has: young,
// and with the same connections, none. A Go process that gets SIGQUIT writes down its goroutines and ends.
func (w *world) countGoroutines(ctx context.Context) (map[string][2]int, error) {
	counts := map[string][2]int{}
	for _, name := range functions() {
		old, err := w.dump(ctx, name)
		if err != nil {
			return nil, err
		}
		young, err := w.dump(ctx, name)
		if err != nil {
			return nil, err
		}
		counts[name] = [2]int{young, old}
	}
	return counts, nil
}

// dump ends a function by SIGQUIT and waits for its successor.
func (w *world) dump(ctx context.Context, name string) (goroutines int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	before, err := w.log.Stat()
	if err != nil {
		return 0, err
	}
	u := w.units[name]
	if err := u.wait(ctx); err != nil {
		return 0, err
	}
	pid := u.pid()
	if err := u.signal(syscall.SIGQUIT); err != nil {
		return 0, err
	}
	if err := w.answering(u, name, pid)(ctx); err != nil {
		return 0, err
	}
	return countDumped(w.log.Name(), before.Size(), name)
}

// countDumped reads, from an offset of the log on, how many goroutines a function wrote down.
func countDumped(path string, from int64, function string) (n int, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(content[min(from, int64(len(content))):]))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct{ Function, Msg string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Function == function && strings.HasPrefix(line.Msg, "goroutine ") && strings.HasSuffix(line.Msg, "]:") {
			n++
		}
	}
	if n == 0 {
		return 0, fmt.Errorf("%s wrote no goroutines down", function)
	}
	return n, lines.Err()
}
