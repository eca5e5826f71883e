package sandbox

import (
	"bytes"
	"sync"
)

// Output keeps what a program says. Its methods can be called at the same time.
type Output struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said.String()
}
