package main

import (
	"testing"

	"github.com/recon3d/recon3d/shared/scf/scftest"
)

func TestNothingIsDialledAtTheStart(t *testing.T) {
	scftest.Alone(t)
	if _, err := build(t.Context()); err != nil {
		t.Fatal(err)
	}
}
