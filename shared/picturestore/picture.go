// Package picturestore keeps the records of pictures in Redis: what an uploaded image is, whose, and where its objects are.
//
// An object is in the trash index before it is written, and the script that records the picture takes it out. So what
// belongs to no record is found and deleted, wherever an upload broke off.
package picturestore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/recon3d/recon3d/shared/task"
)

// Picture is an uploaded image that is stored.
type Picture struct {
	ID            string
	User          string
	Name          string // of the file, for display
	ContentType   string
	Size          int64 // bytes
	Width, Height int   // pixels, after EXIF orientation
	SHA256        string
	Ext           string // jpg, png or webp
	Key           string // of the file's object
	ThumbnailKey  string // of the thumbnail's
	CreatedAt     time.Time
}

// Upload is an image that was announced, and that its user puts into COS.
type Upload struct {
	ID          string
	User        string
	Name        string
	ContentType string
	Size        int64  // bytes
	Key         string // of the staged object
}

// ObjectKey is the key of a picture's object: of its file or its thumbnail, by name. A user whose name would not be safe
// in a path goes by its hash.
func ObjectKey(user, pictureID, name string) string {
	return "pictures/" + pathName(user) + "/" + pictureID + "/" + name
}

// StagedKey is the key under which an announced picture lands.
func StagedKey(pictureID string) string { return "incoming/pictures/" + pictureID }

// maxPathName is the length (bytes) up to which a user's name stands in a path.
const maxPathName = 64

func pathName(user string) string {
	unsafe := func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && !strings.ContainsRune("._-", c)
	}
	if user != "" && len(user) <= maxPathName && !strings.ContainsRune("._-", rune(user[0])) && strings.IndexFunc(user, unsafe) < 0 {
		return user
	}
	sum := sha256.Sum256([]byte(user))
	return "h-" + hex.EncodeToString(sum[:16])
}

// indexKey is a sorted set of the ids of a user's pictures by the time (ms) at which they were recorded. A user's name may
// hold anything, a key only its hash.
func indexKey(user string) string {
	sum := sha256.Sum256([]byte(user))
	return "recon:{" + string(task.PartitionOf(user)) + "}:pictures:" + hex.EncodeToString(sum[:16])
}

// fields lists the picture as its record has it, but for what the script adds: createdAt (ms) and state.
func (p Picture) fields() []any {
	return []any{
		"user", p.User, "name", p.Name, "contentType", p.ContentType, "size", p.Size, "width", p.Width, "height", p.Height,
		"sha256", p.SHA256, "ext", p.Ext, "key", p.Key, "thumbnailKey", p.ThumbnailKey,
	}
}

// parse reads a record, which is a picture where ready and an announced one otherwise.
func parse(id string, h map[string]string) (p Picture, ready bool, err error) {
	p = Picture{
		ID: id, User: h["user"], Name: h["name"], ContentType: h["contentType"], SHA256: h["sha256"], Ext: h["ext"],
		Key: h["key"], ThumbnailKey: h["thumbnailKey"],
	}
	ready = h["state"] == "ready"
	numbers := map[string]*int64{"size": &p.Size}
	var width, height, created int64
	if ready {
		numbers["width"], numbers["height"], numbers["createdAt"] = &width, &height, &created
	}
	for field, n := range numbers {
		if *n, err = strconv.ParseInt(h[field], 10, 64); err != nil {
			return p, ready, fmt.Errorf("record of picture %s: %s is %q", id, field, h[field])
		}
	}
	p.Width, p.Height, p.CreatedAt = int(width), int(height), time.UnixMilli(created).UTC()
	return p, ready, nil
}
