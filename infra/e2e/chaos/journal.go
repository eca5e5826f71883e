package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// entry is a line of a fake worker's journal.
type entry struct {
	Did     string // took | sent | over
	TaskID  string
	Attempt int

	// Of took.
	Picture string `json:",omitempty"` // its name
	Image   string `json:",omitempty"` // SHA-256 of what came
	Results string `json:",omitempty"` // where results are sent, but for /{taskId}; likewise the next two
	Uploads string `json:",omitempty"`
	Status  string `json:",omitempty"`

	Step string `json:",omitempty"` // of sent: the result's name, or the final status
	Why  string `json:",omitempty"` // of over
}

// journal is what a fake worker must not forget: a line each, on the disk before anybody is told.
type journal struct {
	mu   sync.Mutex
	file *os.File
}

// openJournal reads what is there and goes on behind it. A last line that has no end was told to nobody.
func openJournal(path string) (*journal, []entry, error) {
	old, err := readJournal(path)
	if err != nil {
		return nil, nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	if _, err := file.WriteString("\n"); err != nil {
		return nil, nil, err
	}
	return &journal{file: file}, old, nil
}

func readJournal(path string) ([]entry, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	var all []entry
	for lines := bufio.NewScanner(file); ; {
		if !lines.Scan() {
			return all, lines.Err()
		}
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Did != "" {
			all = append(all, e)
		}
	}
}

func (j *journal) write(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}
