package main

import (
	"fmt"
)

// pooled is how many connections to Redis a function may keep for later (go-redis: ten for each of two cores), with a few of the
// runtime's own.
const pooled = 26

func descriptors(e *Evidence) []string {
	var wrong []string
	for name, n := range e.Open {
		if n[1] > n[0]+pooled {
			wrong = append(wrong, fmt.Sprintf("%s had %d when it was young and has %d with all connections cut", name, n[0], n[1]))
		}
	}
	return wrong
}

// spare is how many goroutines a function may have more than a young one: of a timer, of a connection that is being mended.
const spare = 4

func goroutines(e *Evidence) []string {
	var wrong []string
	for name, n := range e.Routines {
		if n[1] > n[0]+spare {
			wrong = append(wrong, fmt.Sprintf("%s has %d, and its young successor %d", name, n[1], n[0]))
		}
	}
	return wrong
}
