// Look tells what a program sees of the machine that it runs on.
package main

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// found is what a program sees of the machine that it runs on.
type found struct {
	Root                      []string
	WritesRoot, WritesCode    string
	WritesTmp, ReadsProc      string
	TmpIsFull                 bool // after a megabyte
	Descriptors               int  // that could be open at a time
	ReachesItself, ReachesAll string
}

func main() {
	if err := json.NewEncoder(os.Stdout).Encode(look()); err != nil {
		os.Exit(1)
	}
}

func look() found {
	var f found
	entries, _ := os.ReadDir("/")
	for _, e := range entries {
		f.Root = append(f.Root, e.Name())
	}
	f.WritesRoot = why(os.WriteFile("/file", nil, 0o600))
	f.WritesCode = why(os.WriteFile("/code/file", nil, 0o600))
	f.WritesTmp = why(os.WriteFile("/tmp/file", []byte("x"), 0o600))
	f.TmpIsFull = errors.Is(os.WriteFile("/tmp/large", make([]byte, 1<<20), 0o600), syscall.ENOSPC)
	_, err := os.Readlink("/proc/self/exe")
	f.ReadsProc = why(err)

	l, err := net.Listen("tcp", "127.0.0.1:9000")
	f.ReachesItself = why(err)
	if err == nil {
		_ = l.Close()
	}
	_, err = net.DialTimeout("tcp", "192.0.2.1:80", time.Minute)
	f.ReachesAll = why(err)

	var open []*os.File
	for {
		file, err := os.Open("/dev/null")
		if err != nil {
			break
		}
		open = append(open, file)
	}
	for _, file := range open {
		f.Descriptors = max(f.Descriptors, int(file.Fd())+1)
	}
	return f
}

// why is the error that the system gave, "" for none.
func why(err error) string {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
