package main

import "runtime/debug"

// thrift adjusts the garbage collector to crowds of clients. Each that comes leaves several times the garbage that it keeps memory,
// and a process that is idle from then on would not collect it for minutes: it is given back when no more come, and less
// is let grow again. While the next crowd comes, the collector is as usual. The hub's lock guards it.
type thrift struct {
	come  int // clients so far
	seen  int // of them at the last look
	eager bool
}

const (
	// crowd is how many clients between two looks are one: more than a function is given.
	crowd = 200
	// usual is Go's own GOGC. Thrifty is for when a crowd is there: what it holds is more than what passes by. With more than
	// usual while it comes, it would come with a tenth less CPU, and its memory would lie in twice as many pages.
	usual   = 100
	thrifty = 50
)

// came is told of each client.
func (t *thrift) came() {
	if t.come++; t.come-t.seen >= crowd && !t.eager {
		t.eager = true
		debug.SetGCPercent(usual)
	}
}

// look tells, where a crowd has come and no more come, that memory is to be given back.
func (t *thrift) look() (over bool) {
	over = t.eager && t.come == t.seen
	t.seen = t.come
	t.eager = t.eager && !over
	return over
}

// giveBack returns to the system what a crowd has left.
func giveBack() {
	debug.SetGCPercent(thrifty)
	debug.FreeOSMemory()
}
