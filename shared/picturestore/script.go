package picturestore

import (
	"context"
	"embed"
	"fmt"
	"strconv"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/redisdb"
	"github.com/recon3d/recon3d/shared/task"
	"github.com/recon3d/recon3d/shared/taskstore"
)

//go:embed lua/*.lua
var lua embed.FS

// script is one change, behind what all have in common.
func script(name string) *redis.Script {
	var source string
	for _, part := range []string{"lib", name} {
		b, err := lua.ReadFile("lua/" + part + ".lua")
		if err != nil {
			panic(err) // embedded at build time: can't be
		}
		source += string(b)
	}
	return redis.NewScript(source)
}

// run runs a script on one picture. Its reply is a picture's record where there is one. A refusal is a *fault.Error.
func (s *Store) run(ctx context.Context, script *redis.Script, user, id string, args ...any) (Picture, error) {
	keys := []string{taskstore.PictureKey(id), indexKey(user), taskstore.TrashKey(task.PartitionOfID(id)), deletedKey(id)}
	reply, err := script.Run(ctx, s.rdb, keys, append([]any{user, id}, args...)...).StringSlice()
	if err != nil {
		return Picture{}, redisdb.Away(err)
	}
	switch {
	case len(reply) == 2 && reply[0] == "fault":
		return Picture{}, refusal(fault.Code(reply[1]))
	case len(reply) == 1 && reply[0] == "ok":
		return Picture{}, nil
	case len(reply)%2 == 0:
		record := map[string]string{}
		for i := 0; i < len(reply); i += 2 {
			record[reply[i]] = reply[i+1]
		}
		p, _, err := parse(id, record)
		return p, err
	}
	return Picture{}, fmt.Errorf("script answered %q", reply)
}

func refusal(code fault.Code) error {
	if code == fault.Unavailable {
		return &fault.Error{Code: code, Detail: "The upload took too long. Please send it again.", RetryAfter: time.Second}
	}
	return fault.New(code, "")
}

// deletedKey remembers which call deleted a picture.
func deletedKey(id string) string { return taskstore.PictureKey(id) + ":deleted" }

// state is the state that a record must be in before it becomes a picture.
func state(announced bool) string {
	if announced {
		return "uploading"
	}
	return ""
}

func ms(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
