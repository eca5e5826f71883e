package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/recon3d/recon3d/shared/taskstore"
)

func TestAClientThatTalksIsCut(t *testing.T) {
	w := newWorld(t, leanly, deaf)
	j := w.newJob().accept()
	conn := dial(t, w, w.ask(j.id, "HTTP/1.1")+"\r\n")
	answerOf(t, conn).events(2)
	_, err := conn.Write(make([]byte, 2*mostHeard))
	must(t, err)
	waitUntil(t, func() bool { return watching(w.relay) == 0 })
}

// A client that had everything and then takes nothing is cut by what it lacks, however patient the deadline is.
func TestAClientThatFallsBehindIsCut(t *testing.T) {
	w := newWorld(t, leanly, func(p *pace) { p.write = time.Hour })
	w.server.Close()
	w.server = slowServer(w)
	j := w.newJob().accept()
	dial(t, w, w.ask(j.id, "HTTP/1.1")+"\r\n")
	waitUntil(t, func() bool { return watching(w.relay) == 1 })
	steady := watch(t, w.sseURL(j.id))
	steady.events(2)
	long := strings.Repeat("x", 16<<10)
	for n := 3; watching(w.relay) == 2; n++ {
		_, err := w.store.RecordResult(t.Context(), taskstore.Offer{
			TaskID: j.id, Attempt: &j.claim.Attempt, Name: fmt.Sprint(n), SHA256: strings.Repeat("00", 32), ContentType: long,
		}, "k")
		must(t, err)
		expectNumbers(t, steady.events(1), n, n)
	}
	if n := w.relay.count.slow.Load(); n != 1 {
		t.Errorf("%d clients cut", n)
	}
}

func TestATopicLingersNotForLong(t *testing.T) {
	w := newWorld(t, leanly, func(p *pace) { p.heartbeat, p.linger = 200*time.Millisecond, 100*time.Millisecond })
	j := w.newJob().accept()
	c := watch(t, w.sseURL(j.id))
	c.events(2)
	c.close()
	hub, _ := w.relay.hubs.present()
	waitUntil(t, func() bool { return hub.size() == 0 })
	c = watch(t, w.sseURL(j.id))
	expectNumbers(t, c.events(2), 1, 2)
	waitUntil(t, func() bool { return hub.size() == 1 }) // longer than it lingers
	c.comments(3)
	j.complete()
	expectNumbers(t, c.rest(), 3, 3)
}
