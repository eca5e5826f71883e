package redisdb

import (
	"strings"
	"testing"

	"github.com/go-redis/redis/v8"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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
	for _, raw := range []string{"h:6379", "http://h", "redis://a,b", "redis+sentinel://a", "redis+cluster://a/1", "redis://:secret@h:port/x", "redis://h/x", "redis+cluster://a,,b"} {
		_, err := options(raw)
		if err == nil {
			t.Errorf("%s: taken", raw)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: tells the password: %v", raw, err)
		}
	}
}
