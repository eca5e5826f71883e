// Package contract holds one example of each message that the parts of the system send each other, as JSON files. The tests of the Go
// functions, of the Python worker and of the TypeScript app all read them, so that a changed field breaks all three.
// infra/docs/openapi.yaml, which names them as its examples, says what each is.
package contract

import "embed"

//go:embed *.json
var examples embed.FS

// Read tells the example of that name, `task-completed` for task-completed.json. The error is fs.ErrNotExist.
func Read(name string) ([]byte, error) { return examples.ReadFile(name + ".json") }

// Signed is the form of webhook.json: a message as it goes over the wire, signed by Standard Webhooks 1.0.0.
type Signed struct {
	Secret    string `json:"secret"`    // whsec_…
	ID        string `json:"id"`        // the webhook-id header
	Timestamp string `json:"timestamp"` // the webhook-timestamp header, unix seconds
	Body      string `json:"body"`      // the raw body
	Signature string `json:"signature"` // the webhook-signature header
}
