package redisdb

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-redis/redis/v8"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/recon3d/recon3d/shared/fault"
)

func TestURLForms(t *testing.T) {
	for raw, want := range map[string]redis.UniversalOptions{
		"redis://h":                         {Addrs: []string{"h:6379"}},
		"redis://h:1/2":                     {Addrs: []string{"h:1"}, DB: 2},
		"redis://:pa%40ss@h:1":              {Addrs: []string{"h:1"}, Password: "pa@ss"},
		"redis://u:p@[::1]:7":               {Addrs: []string{"[::1]:7"}, Username: "u", Password: "p"},
		"redis+cluster://a:1,b":             {Addrs: []string{"a:1", "b:6379"}},
		"redis+sentinel://u:p@a,b:2/main/3": {Addrs: []string{"a:26379", "b:2"}, MasterName: "main", DB: 3, Username: "u", Password: "p"},
		"rediss://h":                        {Addrs: []string{"h:6379"}},
	} {
		got, err := options(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if (got.TLSConfig != nil) != strings.HasPrefix(raw, "rediss") {
			t.Errorf("%s: TLS %v", raw, got.TLSConfig)
		}
		got.TLSConfig = nil
		if d := cmp.Diff(want, *got, cmpopts.IgnoreUnexported(redis.UniversalOptions{})); d != "" {
			t.Errorf("%s: %s", raw, d)
		}
	}
}

func TestWrongURLsAreNamedWithoutTheirPassword(t *testing.T) {
	for _, raw := range []string{
		"h:6379", "http://h", "redis://a,b", "redis+sentinel://a", "redis+cluster://a/1", "redis://:secret@h:port/x", "redis://:secret/2@h", "redis://:secret#2@h", "redis://:secret?2@h",
		"redis:///:secret@h", "redis://:secret%zz@h", "redis://h/x", "redis+cluster://a,,b",
	} {
		_, err := options(raw)
		if err == nil {
			t.Errorf("%s: taken", raw)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: tells the password: %v", raw, err)
		}
	}
}

// reply is an error that Redis answered.
type reply string

func (r reply) Error() string { return string(r) }
func (reply) RedisError()     {}

func TestWhatIsAwayAndWhatIsOurMistake(t *testing.T) {
	for _, err := range []error{
		reply("LOADING Redis is loading"), reply("OOM command not allowed"), reply("READONLY You can't write"),
		reply("ERR Error running script (call to f_6b1b): @user_script:12: @user_script: 12: -OOM command not allowed when used memory > 'maxmemory'."),
		io.EOF, context.DeadlineExceeded,
	} {
		if !fault.Is(Away(err), fault.Unavailable) {
			t.Errorf("%v is not said to pass", err)
		}
	}
	for _, err := range []error{
		reply("WRONGTYPE Operation against a key"), reply("ERR Error running script"),
		reply("ERR Error running script (call to f_6b1b): @user_script:12: @user_script: 12: -WRONGTYPE Operation against a key, OOM"), redis.Nil, context.Canceled,
	} {
		if got := Away(err); got == nil || fault.Is(got, fault.Unavailable) || !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
	if Away(nil) != nil {
		t.Error("nothing became something")
	}
}
