package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// small is a bench whose relay is built and whose scenarios of it are over in a moment.
func small(t *testing.T) *bench {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{root: root, dir: t.TempDir(), table: &table{}, relay: relaySizes{clients: 40, length: 300 * time.Millisecond, grace: 2 * time.Second}}
	build := exec.Command("go", "build", "-o", b.binary("relay"), "./functions/relay")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the relay: %v: %s", err, said)
	}
	return b
}

// TestTheGeneratorCounts runs the cases on the relay itself, a few clients for a moment.
func TestTheGeneratorCounts(t *testing.T) {
	b := small(t)
	for _, server := range []eventServer{{plainRelay, openRelay}, {leanRelay, openLeanRelay}} {
		for _, c := range relayCases() {
			if c.name != "C" { // which waits until the relay lingers no more; soon is the same but for that
				t.Run(server.name+" "+c.name, func(t *testing.T) {
					t.Parallel()
					b.countsRightly(t, server, c)
				})
			}
		}
	}
	for _, times := range []int64{0, 2} {
		t.Run(fmt.Sprintf("an event published %d times", times), func(t *testing.T) {
			t.Parallel()
			b.seesUnfaithfulness(t, times)
		})
	}
}

func (b *bench) countsRightly(t *testing.T, server eventServer, c relayCase) {
	clients, each := int64(b.relay.clients), b.eventsOfA()
	o, err := b.stage(t.Context(), server, c)
	var without skip
	if errors.As(err, &without) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if wrong := o.wrong(); wrong != "" {
		t.Error(wrong)
	}
	want := map[string]struct{ events, deliveries int64 }{
		"A": {each, each}, "B": {o.events, clients * o.events}, "C soon": {3 * clients, 3 * clients}, "D": {0, 0}, "slow": {each, each - 2},
	}[c.name]
	if o.events != want.events || o.deliveries != want.deliveries || c.name == "B" && o.events == 0 {
		t.Errorf("%d events, %d deliveries; want %+v", o.events, o.deliveries, want)
	}
	if o.started <= 0 || o.idle <= 0 || o.cpu.server <= 0 {
		t.Errorf("not measured: %s", o)
	}
}

// eventsOfA is how many events there are in A: fewer than topics, one each.
func (b *bench) eventsOfA() int64 { return int64(float64(b.relay.clients) * b.relay.length.Seconds()) }

// unfaithful publishes the first event of each topic so many times.
type unfaithful struct {
	venue
	times int64
}

func (u unfaithful) publish(ctx context.Context, lane, topic int, number int64) error {
	shift, from := u.times-1, int64(0) // of all that follow
	if number == u.traits().first+1 {
		from = -shift
	}
	for i := from; i <= 0; i++ {
		if err := u.venue.publish(ctx, lane, topic, number+shift+i); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) seesUnfaithfulness(t *testing.T, times int64) {
	server := eventServer{"unfaithful", func(ctx context.Context, b *bench, dir string) (venue, error) {
		v, err := openRelay(ctx, b, dir)
		return unfaithful{v, times}, err
	}}
	o, err := b.stage(t.Context(), server, relayCase{"A", manyTopics})
	if err != nil {
		t.Fatal(err)
	}
	want := outcome{lost: max(1-times, 0) * b.eventsOfA(), doubled: max(times-1, 0) * b.eventsOfA()}
	if o.lost != want.lost || o.doubled != want.doubled || o.cut != 0 {
		t.Errorf("%q, want %q", o.wrong(), want.wrong())
	}
}
