package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime/multipart"
	"strconv"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/fault"
)

// readForm reads a result that came in the request: fields name, attempt, sha256, and the file. The message's SHA256 is the
// stated one, else that of the file.
func readForm(body []byte, boundary string) (m callback.ResultMessage, file []byte, err error) {
	unreadable := func(cause error) error {
		return &fault.Error{Code: fault.BadRequest, Detail: "The multipart form can't be parsed.", Cause: cause}
	}
	if boundary == "" || !bytes.Contains(body, []byte("--"+boundary)) {
		return m, nil, unreadable(errors.New("the boundary is not in the body")) // to the reader such a form is merely empty
	}
	form := multipart.NewReader(bytes.NewReader(body), boundary)
	seen := map[string]bool{}
	for {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return m, nil, unreadable(err)
		}
		// The file is most of the body, and the last of its parts as a rule. There is one: what others cost follows what is in them.
		name := part.FormName()
		content := make([]byte, 0, 128)
		if name == "file" && !seen[name] {
			content = make([]byte, 0, len(body))
		}
		read := bytes.NewBuffer(content)
		_, err = read.ReadFrom(part)
		content = read.Bytes()
		if err != nil {
			return m, nil, unreadable(err)
		}
		if seen[name] {
			return m, nil, fault.Invalid(name, "is there twice")
		}
		seen[name] = true
		switch name {
		case "name":
			m.Name = string(content)
		case "sha256":
			m.SHA256 = string(content)
		case "attempt":
			attempt, err := strconv.Atoi(string(content))
			if err != nil || strconv.Itoa(attempt) != string(content) { // as JSON has it: no sign, no zero before it
				return m, nil, fault.Invalid("attempt", "must be a whole number")
			}
			m.Attempt = &attempt
		case "file":
			file = content
			m.ContentType = part.Header.Get("Content-Type")
		}
	}
	if !seen["file"] {
		return m, nil, fault.Invalid("file", "is missing")
	}
	if !seen["sha256"] {
		m.SHA256 = hashOf(file)
	}
	if m.ContentType == "application/octet-stream" {
		m.ContentType = "" // what HTTP clients say when they don't know: the name tells more
	}
	size := int64(len(file))
	m.Size = &size
	return m, file, validate(&m, size)
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
