// Scf_bootstrap starts the web function that FUNCTION names, from the folder that it is in itself. The platform runs it, by this name. It
// is a program and no shell script, so that it needs nothing of the image that it is started in.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	err := start()
	fmt.Fprintln(os.Stderr, "scf_bootstrap:", err)
	os.Exit(2)
}

// start becomes the function. It returns only where it can't.
func start() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the folder of the functions: %w", err)
	}
	function := os.Getenv("FUNCTION")
	if function == "" || strings.ContainsRune(function, filepath.Separator) || function == filepath.Base(self) {
		return fmt.Errorf("FUNCTION is %q: it names the function to start", function)
	}
	if err := os.Setenv("RUN_MODE", "web"); err != nil {
		return err
	}
	path := filepath.Join(filepath.Dir(self), function)
	if err := syscall.Exec(path, []string{path}, os.Environ()); err != nil { //nolint:gosec // FUNCTION can name nothing outside of this folder
		return fmt.Errorf("FUNCTION is %s: start %s: %w", function, path, err)
	}
	return nil // not reached
}
