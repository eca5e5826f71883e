package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/recon3d/recon3d/infra/cloud/roles"
	"github.com/recon3d/recon3d/infra/local/cosd"
	"github.com/recon3d/recon3d/infra/local/cosd/cam"
)

// role is what a function may do to the embedded bucket, and the keys that go with it. The zero value is none.
type role cosd.Caller

// roleOf makes the role of a function by its document in infra/cloud/roles. The keys are derived from the owner's, so that URLs
// which are signed with them outlive a run.
func roleOf(function, ownersKey string) (role, error) {
	document, err := roles.Document(function, cosd.DefaultRegion, cosd.DefaultBucket)
	if err != nil || document == nil {
		return role{}, err
	}
	policy, err := cam.Parse(document)
	if err != nil {
		return role{}, err
	}
	derive := func(what string) string {
		mac := hmac.New(sha256.New, []byte(ownersKey))
		mac.Write([]byte(function + " " + what))
		return hex.EncodeToString(mac.Sum(nil))
	}
	return role{
		Name: function, SecretID: "AKID" + derive("id")[:32], SecretKey: derive("key")[:32], SessionToken: derive("token"), Policy: &policy,
		PolicyFile: "infra/cloud/roles/" + function + ".json",
	}, nil
}

// header is how the platform gives them to a web function: with each request.
func (r role) header() http.Header {
	if r.SecretID == "" {
		return nil
	}
	return http.Header{"X-Scf-Secret-Id": {r.SecretID}, "X-Scf-Secret-Key": {r.SecretKey}, "X-Scf-Session-Token": {r.SessionToken}}
}

// environment is how the platform gives them to an event function: with each event, whose library sets it.
func (r role) environment() map[string]string {
	if r.SecretID == "" {
		return nil
	}
	return map[string]string{"TENCENTCLOUD_SECRETID": r.SecretID, "TENCENTCLOUD_SECRETKEY": r.SecretKey, "TENCENTCLOUD_SESSIONTOKEN": r.SessionToken}
}
