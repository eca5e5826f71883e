package docs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/recon3d/recon3d/shared/callback"
)

const form, asJSON = "multipart/form-data", "application/json"

// TestTheProductAnswersAsDocumented goes through the API once, its refusals included.
func TestTheProductAnswersAsDocumented(t *testing.T) {
	p := start(t)
	id := p.pictures()
	p.task(id)
	p.end(id)
	p.refusals(id)

	// What these calls can't bring about: a user's token, two things at a time, a second attempt, a broken part, 40 megapixels.
	rest := []string{"unauthorized", "idempotency_in_progress", "attempt_superseded", "internal", "unavailable", "image_too_large", "too_many_active_tasks"}
	for _, code := range p.doc.Codes() {
		if p.said[code] == slices.Contains(rest, code) {
			t.Errorf("the code %s: was answered: %v", code, p.said[code])
		}
	}
}

func photo(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 6))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pictures takes pictures in by both routes, and tells one's id.
func (p *product) pictures() string {
	file := photo(p.T)
	mediaType, body := p.form(nil, file)
	id := p.call(201, p.request("POST", "/picture/upload", mediaType, body))["id"].(string)
	p.call(200, p.request("GET", "/picture/"+id, "", nil))
	p.call(200, p.request("HEAD", "/picture/"+id, "", nil))

	about := map[string]any{"name": "photo.png", "contentType": "image/png", "size": len(file)}
	grant := p.call(201, p.request("POST", "/picture/upload-url", asJSON, about))
	direct := "/picture/" + grant["id"].(string)
	p.call(422, p.request("POST", direct+"/complete", "", nil)) // nothing is there
	p.put(grant, file)
	p.call(201, p.request("POST", direct+"/complete", "", nil))
	p.call(200, p.request("GET", "/picture/list/page?size=1", "", nil))
	p.call(204, p.request("DELETE", direct, "", nil))
	return id
}

// put does what a grant says.
func (p *product) put(grant map[string]any, file []byte) {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), grant["method"].(string), grant["url"].(string), bytes.NewReader(file))
	if err != nil {
		p.Fatal(err)
	}
	for name, value := range grant["headers"].(map[string]any) {
		r.Header.Set(name, value.(string))
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		p.Fatalf("put: %s, %v", res.Status, err)
	}
}

const api = "/api/reconstruction/"

// task has a picture reconstructed, as browser and as worker.
func (p *product) task(imageID string) {
	r := p.request("POST", api+"create-from-image", asJSON, map[string]string{"imageId": imageID})
	r.Header.Set("Idempotency-Key", "once")
	created := p.call(202, r)
	id := created["taskId"].(string)

	status := func(said map[string]any) *http.Request {
		said["taskId"] = id
		return p.say(callback.Status, id, "status", asJSON, said)
	}
	p.call(200, status(map[string]any{"status": "processing", "progress": 42, "stage": "mesh", "queuePosition": 0, "etaSeconds": 3.5, "attempt": 1}))
	p.call(200, p.request("GET", api+"status/"+id, "", nil))
	p.call(409, status(map[string]any{"status": "completed"})) // results are missing

	for _, name := range []string{"pixel_images.png", "xyz_images.png"} {
		mediaType, body := p.form(map[string]string{"name": name, "attempt": "1"}, photo(p.T))
		p.call(200, p.say(callback.Result, id, "result/"+id, mediaType, body))
		p.call(200, p.say(callback.Result, id, "result/"+id, mediaType, body)) // again
	}
	mediaType, body := p.form(map[string]string{"name": "xyz_images.png"}, []byte("other bytes"))
	p.call(409, p.say(callback.Result, id, "result/"+id, mediaType, body))

	zip := []byte("not really a zip")
	sum := sha256.Sum256(zip)
	about := map[string]any{"name": "output3d.zip", "size": len(zip), "sha256": hex.EncodeToString(sum[:]), "attempt": 1}
	grant := p.call(200, p.say(callback.Upload, id, "upload-url/"+id, asJSON, about))
	p.call(422, p.say(callback.Result, id, "result/"+id, asJSON, about)) // nothing is there
	p.put(grant, zip)
	p.call(200, p.say(callback.Result, id, "result/"+id, asJSON, about))
	p.call(200, p.say(callback.Upload, id, "upload-url/"+id, asJSON, about)) // stored already

	p.call(200, status(map[string]any{"status": "completed"}))
	p.call(200, p.request("GET", api+"status/"+id, "", nil))
	p.call(200, p.request("GET", api+"list?limit=1", "", nil))
	p.call(409, p.request("POST", api+"cancel/"+id, "", nil))

	p.events(created["sseUrl"].(string), "status status result result result status")
	seen := p.request("GET", created["sseUrl"].(string), "", nil)
	seen.Header.Set("Last-Event-ID", "6")
	p.call(204, seen)
	p.call(204, p.request("DELETE", api+"status/"+id, "", nil))
}

// events reads a stream to its end, and holds each event to the document.
func (p *product) events(sseURL, want string) {
	p.Helper()
	schemas := map[string]string{"status": "StatusEvent", "result": "ResultEvent", "progress": "ProgressEvent"}
	var kinds []string
	for block := range strings.SplitSeq(p.call(200, p.request("GET", sseURL, "", nil))["stream"].(string), "\n\n") {
		_, rest, isEvent := strings.Cut(block, "event: ")
		if !isEvent {
			continue
		}
		kind, text, _ := strings.Cut(rest, "\ndata: ")
		var data any
		if err := json.Unmarshal([]byte(text), &data); err != nil {
			p.Errorf("%s: %v", block, err)
		}
		if err := p.doc.Check(schemas[kind], data); err != nil {
			p.Errorf("%s: %v", block, err)
		}
		kinds = append(kinds, kind)
	}
	if got := strings.Join(kinds, " "); got != want {
		p.Errorf("events are %s", got)
	}
}

// end brings one task to FAILED and one to CANCELLED.
func (p *product) end(imageID string) {
	order := map[string]string{"imageId": imageID}
	failed := p.call(202, p.request("POST", api+"create-from-image", asJSON, order))
	id := failed["taskId"].(string)
	p.call(200, p.say(callback.Status, id, "status", asJSON, map[string]any{"taskId": id, "status": "failed", "error": "no luck"}))
	p.call(200, p.request("GET", api+"status/"+id, "", nil))
	p.call(409, p.say(callback.Status, id, "status", asJSON, map[string]any{"taskId": id, "status": "completed"}))
	p.events(failed["sseUrl"].(string), "status status status")

	id = p.call(202, p.request("POST", api+"create-from-image", asJSON, order))["taskId"].(string)
	p.call(200, p.request("POST", api+"cancel/"+id, "", nil))
	p.call(429, p.request("POST", api+"create-from-image", asJSON, order))
}

// refusals asks for what is refused.
func (p *product) refusals(imageID string) {
	const nobody = "019bc0c6-a4b1-7ebb-829f-a86d481c2625"
	mediaType, text := p.form(nil, []byte("no picture"))
	_, two := p.form(map[string]string{"more": "x"}, photo(p.T))
	_, cut := p.form(nil, photo(p.T)[:30])
	boundary := func(body []byte) string {
		return fmt.Sprintf("%s; boundary=%s", form, strings.TrimPrefix(strings.SplitN(string(body), "\r\n", 2)[0], "--"))
	}
	p.call(400, p.request("POST", "/picture/upload", form, text))
	p.call(413, p.request("POST", "/picture/upload", mediaType, make([]byte, 6<<20)))
	p.call(415, p.request("POST", "/picture/upload", mediaType, text))
	p.call(422, p.request("POST", "/picture/upload", boundary(two), two))
	p.call(422, p.request("POST", "/picture/upload", boundary(cut), cut))
	p.call(405, p.request("PUT", "/picture/upload", "", nil))
	p.call(404, p.request("GET", "/picture/a/b/c", "", nil))
	p.call(404, p.request("GET", "/picture/"+nobody, "", nil))
	p.call(422, p.request("GET", "/picture/list/page?size=0&page=x", "", nil))
	p.call(413, p.request("POST", "/picture/upload-url", asJSON, map[string]any{"name": "x.png", "contentType": "image/png", "size": 1 << 40}))
	p.call(422, p.request("POST", "/picture/upload-url", asJSON, map[string]any{}))

	p.call(400, p.request("POST", api+"create-from-image", asJSON, []byte("{")))
	p.call(415, p.request("POST", api+"create-from-image", "text/plain", []byte("{}")))
	p.call(422, p.request("POST", api+"create-from-image", asJSON, map[string]int{"imageId": 1}))
	p.call(404, p.request("POST", api+"create-from-image", asJSON, map[string]string{"imageId": nobody}))
	again := p.request("POST", api+"create-from-image", asJSON, map[string]string{"imageId": imageID, "note": "another body"})
	again.Header.Set("Idempotency-Key", "once")
	p.call(422, again)

	p.call(404, p.request("GET", api+"status/"+nobody, "", nil))
	p.call(404, p.request("GET", api+"events/"+nobody, "", nil))
	p.call(422, p.request("GET", api+"list?cursor=x", "", nil))
	p.call(401, p.request("POST", api+"callback/status", asJSON, map[string]string{"taskId": nobody, "status": "completed"}))
	p.call(404, p.say(callback.Status, nobody, "status", asJSON, map[string]string{"taskId": nobody, "status": "completed"}))
	p.call(422, p.say(callback.Status, nobody, "status", asJSON, map[string]any{"taskId": nobody, "status": "processing", "progress": 101}))
}
