package cosd

import (
	"fmt"
	"strings"

	"github.com/recon3d/recon3d/infra/local/cosd/cam"
)

// Caller is somebody with keys to the bucket.
type Caller struct {
	Name         string // as the log calls it
	SecretID     string
	SecretKey    string
	SessionToken string      // where set, requests must carry it as x-cos-security-token
	Policy       *cam.Policy // what it may do; nil: everything, as the bucket's owner
	PolicyFile   string      // where the policy is written, as the log calls it
}

// allow refuses what the caller's policy does not allow. Which action a request is, the vendor's guide to policies tells
// (https://www.tencentcloud.com/document/product/436/30580, and the pages of the operations). key may be a prefix, of a list.
func (s *Server) allow(r *request, action, key string) error {
	if r.caller.Policy == nil {
		return nil
	}
	action, resource := "name/cos:"+action, s.resource(key)
	grant, ok := r.caller.Policy.Allows(action, resource)
	if !ok {
		return &apiError{Code: accessDenied, Message: "Access Denied.", Cause: &notAllowed{r.caller, action, resource}}
	}
	s.log.Debug("cos access granted", "requestId", r.id, "caller", r.caller.Name, "action", grant.Action, "resource", grant.Resource)
	return nil
}

// resource is the name of an object in policies.
func (s *Server) resource(key string) string {
	appID := s.opts.Bucket[strings.LastIndex(s.opts.Bucket, "-")+1:]
	return "qcs::cos:" + s.opts.Region + ":uid/" + appID + ":" + s.opts.Bucket + "/" + key
}

// notAllowed is logged: the caller is only told that access is denied.
type notAllowed struct {
	caller           Caller
	action, resource string
}

func (e *notAllowed) Error() string {
	return fmt.Sprintf("%s may not %s on %s: if it should, say so in %s", e.caller.Name, e.action, e.resource, e.caller.PolicyFile)
}
