package task

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Partitions is how many slots the keys in Redis are spread over. The number is part of every id: it can't be changed.
const Partitions = 256

// Partition is the two hex digits that tag all keys of a user, and end all ids of what is theirs.
type Partition string

// PartitionOf tells a user's partition: the first byte of the SHA-256 of their name.
func PartitionOf(user string) Partition {
	sum := sha256.Sum256([]byte(user))
	return Partition(hex.EncodeToString(sum[:1]))
}

// PartitionAt tells the partition with number n, 0 ≤ n < Partitions.
func PartitionAt(n int) Partition { return Partition(fmt.Sprintf("%02x", n)) }

// NewID makes the id of a task or picture of that user: a UUIDv7 (RFC 9562), so that ids sort by time of making, whose last
// two digits are the user's partition, so that who knows an id knows where its keys are.
func NewID(user string) string {
	id := uuid.Must(uuid.NewV7())
	sum := sha256.Sum256([]byte(user))
	id[15] = sum[0]
	return id.String()
}

// ValidID tells whether s has the form of an id: a UUIDv7 in lower-case text form. What has not is not found, and reaches
// no key and no path.
func ValidID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.Version() == 7 && id.Variant() == uuid.RFC4122 && id.String() == s
}

// MadeAt tells when a valid id was made, to the ms, by the clock of the function that made it.
func MadeAt(id string) time.Time {
	return time.Unix(uuid.MustParse(id).Time().UnixTime())
}

// PartitionOfID tells the partition that a valid id ends in.
func PartitionOfID(id string) Partition { return Partition(id[len(id)-2:]) }
