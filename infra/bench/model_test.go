package main

import (
	"strings"
	"testing"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/redisdb/redistest"
	"github.com/recon3d/recon3d/shared/taskstore"
)

func TestACopyIsWhatTheScriptsLeave(t *testing.T) {
	ctx := t.Context()
	rdb := redistest.Start(t).Client()
	t.Cleanup(func() { _ = rdb.Close() })
	store := taskstore.New(rdb, storePolicy)
	l, err := newLife(ctx, rdb, "ann")
	if err != nil {
		t.Fatal(err)
	}
	m, err := newModel(ctx, rdb, store, l)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.check(ctx, rdb, store); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string][2]string{
		"a field":    {"'HSET',key,", "'HSET',key,'\\120','1',"},
		"a result":   {"..':results',", "..':results','x','1',"},
		"an event":   {"'XADD',key..':events','0-1',", "'XADD',key..':events','0-1','x','1',"},
		"when due":   {",ARGV[2],id)", ",ARGV[2]-1,id)"},
		"its memory": {"redis.call('RESTORE',key..':events',0,redis.call('DUMP',key..':events'),'REPLACE')\n", ""},
	} {
		good := m.copies
		source := strings.Replace(m.script(), spoil[0], spoil[1], 1)
		if source == m.script() {
			t.Fatalf("%s: nothing was spoilt", name)
		}
		m.copies = redis.NewScript(source)
		if m.check(ctx, rdb, store) == nil {
			t.Errorf("%s differs, and is not seen", name)
		}
		m.copies = good
	}
}
