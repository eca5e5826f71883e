package taskstore

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/recon3d/recon3d/shared/task"
)

// Every key of package taskstore is made in this file. All that one script touches has the same hash tag, a partition, and
// so lies in one slot of a cluster.

func tag(p task.Partition) string { return "recon:{" + string(p) + "}:" }

// TaskKey is the hash of a task. An id that is not task.ValidID has no key.
func TaskKey(id string) string { return "recon:{" + string(task.PartitionOfID(id)) + "}:task:" + id }

// EventsKey is the stream of a task's durable events, with ids 0-1, 0-2, …
func EventsKey(id string) string { return TaskKey(id) + eventsSuffix }

const eventsSuffix, resultsSuffix = ":events", ":results"

// resultsKey is a hash of a task's results, stored and reserved, by name.
func resultsKey(id string) string { return TaskKey(id) + resultsSuffix }

// dueKey is a sorted set of the partition's living tasks by the time (ms) at which the sweeper has to look at them.
func dueKey(p task.Partition) string { return "recon:{" + string(p) + "}:due" }

// keptKey is a sorted set of the partition's ended tasks by the time (ms) at which they are to be deleted.
func keptKey(p task.Partition) string { return "recon:{" + string(p) + "}:kept" }

// deletedPrefix begins the keys under which a deletion's answer is kept for a minute, for a rerun of its script.
func deletedPrefix(p task.Partition) string { return tag(p) + "deleted:" }

// TrashKey is a sorted set of what is to be deleted from COS, by the time (ms) at which it is: members `1 <key>` the first
// time, `2 <key>` the second, after the last URL to the object has run out.
func TrashKey(p task.Partition) string { return "recon:{" + string(p) + "}:trash" }

// userKey is the prefix of one user's keys. A user's name may hold anything, a key only its hash.
func userKey(user string) string {
	sum := sha256.Sum256([]byte(user))
	return tag(task.PartitionOf(user)) + "user:" + hex.EncodeToString(sum[:16])
}

func userTasksKey(user string) string  { return userKey(user) + ":tasks" }  // sorted set: task ids, all with score 0, so by id, so by time
func userActiveKey(user string) string { return userKey(user) + ":active" } // sorted set: ids of tasks that have not ended, by when a mere reservation lapses
func userRateKey(user string) string   { return userKey(user) + ":rate" }   // string: theoretical arrival time (ms) of the create bucket
func idempotencyKey(user, key string) string {
	sum := sha256.Sum256([]byte(key))
	return userKey(user) + ":idem:" + hex.EncodeToString(sum[:16])
}

// PictureKey is where package picturestore keeps a picture's record; creating a task reads it in its script.
func PictureKey(id string) string { return tag(task.PartitionOfID(id)) + "picture:" + id }

// Channel is where the events of a task are published: the bell, the stream being the truth.
func Channel(id string) string { return "recon:events:" + id }

// sweepKey remembers when the sweeper ran last, and when the last gap in its runs ended.
const sweepKey = "recon:{sweep}:runs"

// busyKey exists while every worker is known to be busy, so that new tasks queue behind older ones.
const busyKey = "recon:{dispatch}:busy"
