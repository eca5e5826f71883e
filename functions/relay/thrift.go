package main

import "runtime/debug"

// thrift adjusts the garbage collector to crowds of clients. While one comes, little of what is live would be found again and again among
// what each leaves, several times the memory that it keeps; so the collector runs less. When no more come, a process that
// is idle from then on would not collect that for minutes; so it is given back, and the collector runs more. The hub's lock guards it.
type thrift struct {
	come  int // clients so far
	seen  int // of them at the last look
	eager bool
}

const (
	// crowd is how many clients between two looks are one: more than a function is given.
	crowd = 200
	// plenty is GOGC while a crowd comes, thrifty once it is there: what it holds is then more than what passes by.
	plenty  = 400
	thrifty = 50
)

// came is told of each client.
func (t *thrift) came() {
	if t.come++; t.come-t.seen >= crowd && !t.eager {
		t.eager = true
		debug.SetGCPercent(plenty)
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
