package main

import "runtime/debug"

// thrift keeps a process small that many clients watch. Each that comes leaves several times the garbage that it keeps memory, and a
// process that is idle from then on would not collect it for minutes.
type thrift struct {
	come int // clients so far
	seen int // of them at the last look
	done int // of them when memory was given back last
}

const (
	// crowd is how many clients are many.
	crowd = 1000
	// thrifty is GOGC where they are: what they hold lives long, and there is more of it than of what passes by.
	thrifty = 50
)

// look gives memory back to the system once a crowd has come and no more come.
func (t *thrift) look(come int) {
	t.seen, t.come = t.come, come
	if t.come == t.seen && t.come-t.done >= crowd {
		t.done = t.come
		debug.SetGCPercent(thrifty)
		debug.FreeOSMemory()
	}
}
