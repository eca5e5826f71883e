package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// rehearsal takes the place of the network in a dry run. It prints what would be sent, and answers as an account would that has nothing
// of the stage yet; what is created in it is there from then on, so that every call of a whole run is seen.
type rehearsal struct {
	launch    *launch
	bucket    *url.URL
	functions bool // the scf CLI was called
	domain    *domain
	cors      []byte
}

// deployed lets a rehearsal begin with the stage as up leaves it.
func (r *rehearsal) deployed() {
	d := r.launch.wanted(nil)
	r.domain, r.functions = &d, true
	r.cors = fmt.Appendf(nil, "<CORSConfiguration><CORSRule><ID>%s</ID></CORSRule></CORSConfiguration>", r.launch.corsID())
}

// ran takes note of a command that would have been run.
func (r *rehearsal) ran(line string) {
	switch {
	case strings.HasPrefix(line, "scf deploy"):
		r.functions = true
	case strings.HasPrefix(line, "scf remove"):
		r.functions = false
	}
}

// RoundTrip prints a request and answers it.
func (r *rehearsal) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, fmt.Errorf("rehearse: %w", err)
		}
	}
	r.print(req, body)
	status, kind := http.StatusOK, "application/json"
	var answer []byte
	switch req.URL.Host {
	case r.bucket.Host:
		status, answer = r.atBucket(req, body)
		kind = "application/xml"
	case r.launch.base.Host:
		status, kind, answer = atAPI(req, r.bucket)
	default:
		var err error
		if answer, err = r.atPlatform(req.Header.Get("X-TC-Action"), body); err != nil {
			return nil, err
		}
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {kind}}, ContentLength: int64(len(answer)), Body: io.NopCloser(bytes.NewReader(answer)),
	}, nil
}

// print shows a request: no header but what says which call it is.
func (r *rehearsal) print(req *http.Request, body []byte) {
	line := req.Method + " " + req.URL.String()
	if action := req.Header.Get("X-TC-Action"); action != "" {
		line += " " + action
	}
	var indented bytes.Buffer
	switch {
	case len(body) == 0:
	case json.Indent(&indented, body, "  ", "  ") == nil:
		line += "\n  " + indented.String()
	case strings.HasPrefix(string(body), "<"):
		line += "\n  " + string(body)
	default:
		line += fmt.Sprintf("\n  %s, %d bytes", req.Header.Get("Content-Type"), len(body))
	}
	r.launch.say("  %s", line)
}

// atPlatform answers for SCF's API.
func (r *rehearsal) atPlatform(action string, body []byte) (answer []byte, err error) {
	result := map[string]any{}
	switch action {
	case "CreateCustomDomain":
		r.domain = &domain{}
		err = json.Unmarshal(body, r.domain)
	case "DeleteCustomDomain":
		r.domain = nil
	case "GetCustomDomain":
		return json.Marshal(map[string]any{"Response": r.domain})
	case "ListCustomDomains":
		if r.domain != nil {
			result["Domains"] = []domain{*r.domain}
		}
	case "ListFunctions":
		there := []deployed{}
		for _, f := range r.launch.deployment.Functions {
			if r.functions {
				there = append(there, deployed{FunctionName: f.Deployed, Type: types[f.Kind], Status: "Active"})
			}
		}
		result["Functions"] = there
	}
	if err != nil {
		return nil, fmt.Errorf("rehearse: %w", err)
	}
	return json.Marshal(map[string]any{"Response": result})
}

// atBucket answers for COS.
func (r *rehearsal) atBucket(req *http.Request, body []byte) (status int, answer []byte) {
	cors := req.URL.Query().Has("cors")
	switch {
	case req.Method == http.MethodPut && cors:
		r.cors = body
	case req.Method == http.MethodDelete && cors:
		r.cors = nil
	case req.Method == http.MethodGet && cors && r.cors != nil:
		return http.StatusOK, r.cors
	case req.Method == http.MethodGet && req.URL.Path == "/":
		return http.StatusNotFound, []byte("<Error><Code>NotConfigured</Code></Error>")
	}
	return http.StatusOK, nil
}

// atAPI answers for the deployed address.
func atAPI(req *http.Request, bucket *url.URL) (status int, kind string, answer []byte) {
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of no bytes
	path := req.URL.Path
	switch {
	case req.Method == http.MethodDelete:
		return http.StatusNoContent, "", nil
	case strings.HasPrefix(path, "/api/reconstruction/events/"):
		return http.StatusOK, "text/event-stream", []byte("id: 1\nevent: status\ndata: {\"status\":\"COMPLETED\",\"attempt\":1}\n\n")
	case strings.HasPrefix(path, "/api/reconstruction/status/"):
		return http.StatusOK, "application/json", fmt.Appendf(nil,
			`{"taskId":"TASK","status":"COMPLETED","results":[{"name":"model.glb","url":"%s/reconstruction/TASK/model.glb","sha256":"%s"}]}`, bucket, empty)
	case path == "/api/reconstruction/create-from-image":
		return http.StatusAccepted, "application/json", []byte(`{"taskId":"TASK","status":"PENDING","sseUrl":"/api/reconstruction/events/TASK?ticket=TICKET"}`)
	case path == "/picture/upload":
		return http.StatusCreated, "application/json", []byte(`{"id":"PICTURE"}`)
	}
	return http.StatusOK, "text/html", nil
}
