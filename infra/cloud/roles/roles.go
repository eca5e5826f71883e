// Package roles holds what each function may do to the bucket's objects: a CAM policy a function, for a role of its own, and the trust
// policy (trust.json) by which the platform may take these roles. A function without a document has no role: it needs no credentials.
//
// A presigned URL can do what its signer may, so whoever signs one has that right: picture, create-task, tasks, relay and sweeper to get,
// picture and callback-result to put. A copy needs GetObject on its source and PutObject on its target; a deletion of many asks for
// DeleteObject on each. Nobody may list.
//
// Nothing here is for the log service: the platform delivers what functions print, by its own role SCF_QcsRole, which opening SCF in the
// console makes. https://cloud.tencent.com/document/product/583/39328
//
// In the documents ${region}, ${appid} and ${bucket} stand for what differs between deployments. The local host holds every function to its
// document, and infra/e2e fails where a document allows what nothing does.
package roles

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed *.json
var documents embed.FS

// Document tells the policy of a function for the bucket of that name, {name}-{appid}, in that region. It is nil where the function has
// no role.
func Document(function, region, bucket string) ([]byte, error) {
	text, err := documents.ReadFile(function + ".json")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the role of %s: %w", function, err)
	}
	appID := bucket[strings.LastIndex(bucket, "-")+1:]
	filled := strings.NewReplacer("${region}", region, "${appid}", appID, "${bucket}", bucket).Replace(string(text))
	return []byte(filled), nil
}
