package bare

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-redis/redis/v8"
)

// Maker makes bare scripts. Changes of one form share a script.
type Maker struct{ scripts map[string]*redis.Script }

// NewMaker makes one.
func NewMaker() *Maker { return &Maker{map[string]*redis.Script{}} }

// Call is a run of a bare script.
type Call struct {
	script *redis.Script
	keys   []string
	args   []any
}

// Of makes the call that writes a change again: as short as it can be, each value passed but once, and the names of fields
// written in the script itself.
func (m *Maker) Of(change Change) Call {
	var call Call
	var text strings.Builder
	key := func(k string) string {
		at := slices.Index(call.keys, k)
		if at < 0 {
			at = len(call.keys)
			call.keys = append(call.keys, k)
		}
		return fmt.Sprintf("KEYS[%d]", at+1)
	}
	arg := func(v string) string {
		at := slices.Index(call.args, any(v))
		if at < 0 {
			at = len(call.args)
			call.args = append(call.args, v)
		}
		return fmt.Sprintf("ARGV[%d]", at+1)
	}
	for _, c := range change {
		fmt.Fprintf(&text, "redis.call('%s',", c[0])
		for i, word := range c[1:] {
			if i > 0 {
				text.WriteByte(',')
			}
			switch {
			case i == 0 && c[0] != "publish":
				text.WriteString(key(word))
			case c[0] == "hset" && i%2 == 1, c[0] == "xadd" && i >= 2 && i%2 == 0:
				fmt.Fprintf(&text, "'%s'", word)
			default:
				text.WriteString(arg(word))
			}
		}
		text.WriteString(")\n")
	}
	text.WriteString("return {'ok'}")
	s := m.scripts[text.String()]
	if s == nil {
		s = redis.NewScript(text.String())
		m.scripts[text.String()] = s
	}
	call.script = s
	return call
}

// Run runs it.
func (c Call) Run(ctx context.Context, rdb redis.Scripter) error {
	return c.script.Run(ctx, rdb, c.keys, c.args...).Err()
}
